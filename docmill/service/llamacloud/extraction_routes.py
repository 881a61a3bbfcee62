"""The routes of extraction: a run without an agent, jobs of agents, their results and runs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from docmill.errors import MissingObjectError
from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.agent_routes import agent_of
from docmill.service.llamacloud.bodies import json_of
from docmill.service.llamacloud.extraction import checked_schema, config_of
from docmill.service.llamacloud.extraction_intake import Asked, Given, accepted, given_of, uploaded
from docmill.service.llamacloud.extraction_views import JSON, job_view, result_view, run_view
from docmill.service.llamacloud.extraction_work import EXTRACT_KIND
from docmill.service.llamacloud.items import Item
from docmill.service.llamacloud.webhook_targets import targets_of
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

_HOLD = 5.0
"""Seconds at most that a question for an extraction job's state is held: its client gives up sooner than Parse's."""
_MOST = 1_000
"""Jobs or runs that one answer lists at most."""

router = APIRouter(prefix="/api/v1/extraction", tags=["llamacloud"], route_class=ClosingRoute)


def _workspace(request: Request) -> Workspace:
    found: Workspace = request.app.state.workspace
    return found


@router.post("/run")
async def run(request: Request, key: PatientCaller) -> JSONResponse:
    """Accepts a document (`file`, `text` or `file_id`) with a schema: the job, once it is durable."""
    body = await json_of(request)
    schema, config = checked_schema(body.get("data_schema")), config_of(body.get("config"))
    told = await asyncio.to_thread(targets_of, body.get("webhook_configurations"), _workspace(request))
    asked = Asked(schema, config, targets=told)
    given = await asyncio.to_thread(given_of, body, _workspace(request), key)
    return JSONResponse(job_view(await _begun(request, key, asked, given), key))


async def _begun(request: Request, key: Key, asked: Asked, given: Given) -> Job:
    job = await asyncio.to_thread(accepted, _workspace(request), key, asked, given)
    runner_of(request).wake()
    return job


@router.post("/jobs")
async def begin(request: Request, key: PatientCaller) -> JSONResponse:
    """A job of an agent on an uploaded file."""
    body = await json_of(request)
    asked = await asyncio.to_thread(_asked, request, key, body)
    given = await asyncio.to_thread(uploaded, str(body.get("file_id") or ""), _workspace(request), key)
    return JSONResponse(job_view(await _begun(request, key, asked, given), key))


@router.post("/jobs/batch")
async def begin_all(request: Request, key: PatientCaller) -> JSONResponse:
    """A job of an agent on each of several uploaded files, in their order; none where one of them is not there."""
    body = await json_of(request)
    ids = body.get("file_ids")
    if not isinstance(ids, list) or not ids:
        raise Problem(400, "no_input", "There are no documents: send `file_ids`.")
    asked = await asyncio.to_thread(_asked, request, key, body)
    given = [await asyncio.to_thread(uploaded, str(each), _workspace(request), key) for each in ids]
    jobs = [await _begun(request, key, asked, each) for each in given]
    return JSONResponse([job_view(job, key) for job in jobs])


@router.post("/jobs/file")
async def begin_on_file(request: Request, key: PatientCaller) -> JSONResponse:
    """A job of an agent on the file that comes with the form; overrides are JSON texts."""
    async with request.form(max_part_size=1_000_000) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Problem(400, "no_input", "There is no document: send `file`.")
        body = {name: value for name, value in form.items() if isinstance(value, str)}
        asked = await asyncio.to_thread(_asked, request, key, body)
        given = Given(file.filename or "document", await file.read())
    return JSONResponse(job_view(await _begun(request, key, asked, given), key))


def _asked(request: Request, key: Key, body: JSON) -> Asked:
    """What an agent is asked for, with what the request overrides; raises a Problem 400 or 404."""
    agent: Item = agent_of(_workspace(request), key, str(body.get("extraction_agent_id") or ""))
    schema, config = body.get("data_schema_override"), body.get("config_override")
    if isinstance(config, str):
        try:
            config = json.loads(config) if config else None
        except ValueError as error:
            raise Problem(400, "invalid_config", f"config_override is no JSON: {error}.") from error
    chosen = config_of(config or agent.body["config"])
    if body.get("priority"):
        chosen = config_of({**chosen.shown(), "priority": body["priority"]})
    told = targets_of(body.get("webhook_configurations"), _workspace(request))
    return Asked(checked_schema(schema or agent.body["schema"]), chosen, agent, targets=told)


@router.get("/jobs")
def jobs(request: Request, key: PatientCaller, extraction_agent_id: str) -> JSONResponse:
    """The newest jobs of an agent."""
    found, _ = _workspace(request).jobs.about(key.key_id, extraction_agent_id, 0, _MOST)
    return JSONResponse([job_view(job, key) for job in found])


@router.get("/jobs/{job_id}")
async def state(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job, as soon as it has ended or after a while."""
    return JSONResponse(job_view(await _held(request, key, job_id, _HOLD), key))


@router.get("/jobs/{job_id}/result")
async def result(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The data of a job that has ended well."""
    job = await _held(request, key, job_id, _HOLD)
    found = await _result(request, job)
    if found is None:
        raise not_found(f"result of the extraction job {job_id}")
    return JSONResponse(result_view(job, key, found))


@router.get("/runs/by-job/{job_id}")
async def run_of_job(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The run with its data, as soon as the job has ended; without data where it takes longer."""
    job = await _held(request, key, job_id, _workspace(request).settings.service.hold_seconds)
    return JSONResponse(run_view(job, key, await _result(request, job)))


@router.get("/runs/latest-from-ui")
async def latest(key: PatientCaller, extraction_agent_id: str = "") -> None:
    """There is no page that makes runs."""


@router.get("/runs/{run_id}")
async def one_run(request: Request, key: PatientCaller, run_id: str) -> JSONResponse:
    """A run."""
    return await run_of_job(request, key, run_id)


@router.get("/runs")
async def runs(
    request: Request, key: PatientCaller, extraction_agent_id: str, skip: int = 0, limit: int = 10
) -> JSONResponse:
    """A page of an agent's runs, the newest first."""
    first, most = max(0, skip), max(1, min(limit, _MOST))
    jobs_of = _workspace(request).jobs.about
    found, total = await asyncio.to_thread(jobs_of, key.key_id, extraction_agent_id, first, most)
    items = [run_view(job, key, await _result(request, job)) for job in found]
    return JSONResponse({"items": items, "total": total, "skip": first, "limit": most})


@router.delete("/runs/{run_id}")
async def delete_run(request: Request, key: PatientCaller, run_id: str) -> None:
    """The run is gone with its data; its job is cancelled if it has not ended."""
    await _held(request, key, run_id, 0)
    await asyncio.to_thread(_workspace(request).jobs.cancel, run_id, key.key_id)
    await asyncio.to_thread(_workspace(request).jobs.delete, run_id, key.key_id)


async def _held(request: Request, key: Key, job_id: str, seconds: float) -> Job:
    allowed = min(seconds, _workspace(request).settings.service.hold_seconds)
    job = await runner_of(request).job(job_id, key.key_id, allowed)
    if job is None or job.kind != EXTRACT_KIND:
        raise not_found(f"extraction job {job_id}")
    return job


async def _result(request: Request, job: Job) -> dict[str, Any] | None:
    """Data and proofs of a job that has ended well; None where there are none."""
    if job.state is not JobState.DONE:
        return None
    try:
        found: dict[str, Any] = json.loads(await asyncio.to_thread(_workspace(request).jobs.result, job))
    except MissingObjectError:
        raise not_found(f"result of the extraction job {job.job_id} any more") from None
    return found
