"""The routes of Extract without agents: a schema's validation, a run, its job and its result."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import mimetypes
import uuid
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse

from docmill.artifacts import extension
from docmill.ids import content_version, digest
from docmill.jobs import ANEW, Job, JobState, work_id
from docmill.keys import Key
from docmill.models import Stage
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.extraction import RunConfig, checked_schema
from docmill.service.llamacloud.extraction_work import EXTRACT_KIND
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.service.uploads import body_of
from docmill.structured.choice import engine_for
from docmill.workspace import Workspace

_STATES = {JobState.DONE: "SUCCESS", JobState.FAILED: "ERROR", JobState.CANCELLED: "CANCELLED"}
_RUN_STATES = {JobState.DONE: "SUCCESS", JobState.FAILED: "ERROR", JobState.CANCELLED: "ERROR"}
_HOLD = 5.0
"""Seconds at most that a question for an extraction job's state is held: its client gives up sooner than Parse's."""

router = APIRouter(prefix="/api/v1/extraction", tags=["llamacloud"], route_class=ClosingRoute)


@router.post("/extraction-agents/schema/validation")
async def validate(request: Request, key: PatientCaller) -> JSONResponse:
    """The schema as it came, if it can be used."""
    body = await _json(request)
    return JSONResponse({"data_schema": checked_schema(body.get("data_schema"))})


@router.post("/run")
async def run(request: Request, key: PatientCaller) -> JSONResponse:
    """Accepts a document (`file` or `text`) with a schema: the job, once it is durable."""
    body = await _json(request)
    schema = checked_schema(body.get("data_schema"))
    try:
        config = RunConfig.model_validate(body.get("config") or {})
    except ValidationError as error:
        shown = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Problem(400, "invalid_config", f"The config cannot be: {shown}.") from error
    name, content = _document(body)
    workspace: Workspace = request.app.state.workspace
    told = {"config": config.shown(), "schema": schema, "name": name, "size": len(content)}
    job = await asyncio.to_thread(_accept, workspace, key, told, content)
    runner_of(request).wake()
    return JSONResponse(_job(job, key))


async def _json(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises a Problem 400."""
    async with body_of(request) as body:
        try:
            found = await asyncio.to_thread(json.load, body)
        except ValueError as error:
            raise Problem(400, "invalid_body", "The body is no JSON.") from error
    if not isinstance(found, dict):
        raise Problem(400, "invalid_body", "The body is no JSON object.")
    return found


def _document(body: dict[str, Any]) -> tuple[str, bytes]:
    """The name that tells the type, and the bytes; raises a Problem 400."""
    file, text = body.get("file"), body.get("text")
    if isinstance(text, str) and text:
        return "text.txt", text.encode("utf-8", "replace")
    if not isinstance(file, dict) or not isinstance(file.get("data"), str):
        raise Problem(400, "no_input", "There is no document: send `file` or `text`.")
    try:
        content = base64.b64decode(file["data"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(400, "invalid_body", "file.data is not base64.") from error
    kind = str(file.get("mime_type") or "").partition(";")[0]
    return f"inline{mimetypes.guess_extension(kind) or ''}", content


def _accept(workspace: Workspace, key: Key, told: dict[str, Any], content: bytes) -> Job:
    config = dict(told["config"])
    if config.pop("invalidate_cache", False):
        told = {**told, ANEW: True}
    ending = extension(told["name"])
    read_by = workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]
    engine = engine_for("", workspace.settings).fingerprint
    asked = json.dumps([config, told["schema"], ending, read_by, engine])
    work = work_id(EXTRACT_KIND, digest(asked), [content_version(content)])
    return workspace.jobs.add(EXTRACT_KIND, told, files={f"document{ending}": content}, tenant=key.key_id, work=work)


@router.get("/jobs/{job_id}")
async def state(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job, as soon as it has ended or after a while."""
    return JSONResponse(_job(await _held(request, key, job_id, _HOLD), key))


@router.get("/runs/by-job/{job_id}")
async def run_of_job(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The run with its data, as soon as the job has ended; without data where it takes longer."""
    job = await _held(request, key, job_id, request.app.state.workspace.settings.service.hold_seconds)
    found: dict[str, Any] = {"data": None, "extraction_metadata": None}
    if job.state is JobState.DONE:
        found = json.loads(await asyncio.to_thread(request.app.state.workspace.jobs.result, job))
    shared = _job(job, key)
    about = {
        "id": _id(job, "run"),
        "job_id": job.job_id,
        "status": _RUN_STATES.get(job.state, "PENDING"),
        "project_id": project_id(key),
        "extraction_agent_id": shared["extraction_agent"]["id"],
        "from_ui": False,
        "config": job.payload["config"],
        "data_schema": job.payload["schema"],
        "created_at": moment(job.created_at),
        "updated_at": moment(job.finished_at or job.created_at),
    }
    return JSONResponse({**about, **{name: shared[name] for name in ("error", "file", "file_id")}, **found})


async def _held(request: Request, key: Key, job_id: str, seconds: float) -> Job:
    allowed = min(seconds, request.app.state.workspace.settings.service.hold_seconds)
    job = await runner_of(request).job(job_id, key.key_id, allowed)
    if job is None or job.kind != EXTRACT_KIND:
        raise not_found(f"extraction job {job_id}")
    return job


def _id(job: Job, what: str) -> str:
    return str(uuid.uuid5(uuid.UUID(job.job_id), what))


def _job(job: Job, key: Key) -> dict[str, Any]:
    """The job with its file and the agent that the protocol wants to see: one of the project, shown nowhere else."""
    times = {"created_at": moment(job.created_at), "updated_at": moment(job.created_at)}
    project = project_id(key)
    agent = {
        "id": str(uuid.uuid5(uuid.UUID(project), "agent of runs without one")),
        "name": "_default",
        "project_id": project,
        "data_schema": job.payload["schema"],
        "config": job.payload["config"],
        "custom_configuration": None,
        **times,
    }
    name = str(job.payload["name"])
    file = {
        "id": _id(job, "file"),
        "name": name,
        "external_file_id": name,
        "file_size": job.payload["size"],
        "file_type": extension(name).lstrip("."),
        "project_id": project,
        **times,
    }
    failed = job.state is JobState.FAILED
    return {
        "id": job.job_id,
        "status": _STATES.get(job.state, "PENDING"),
        "error": f"{job.message} {job.hint}".strip() if failed else None,
        "extraction_agent": agent,
        "file": file,
        "file_id": file["id"],
    }
