"""The routes of extraction jobs for the newer SDK: begin, look, list, cancel, delete; schemas."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from docmill.errors import MissingObjectError
from docmill.fetch import fetch, rules_of
from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.agent_routes import generated
from docmill.service.llamacloud.bodies import json_of, text_of
from docmill.service.llamacloud.extraction import RunConfig, checked_schema, config_of
from docmill.service.llamacloud.extraction_intake import Asked, Given, accepted, uploaded
from docmill.service.llamacloud.extraction_work import EXTRACT_KIND
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.v2 import answers, configurations, webhook_configs
from docmill.service.llamacloud.v2.answers import JSON, workspace_of
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.llamacloud.work import KIND
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

SUBJECT = "extract"
_MODES = {"turbo": "BALANCED", "cost_effective": "BALANCED", "agentic": "MULTIMODAL", "agentic_plus": "PREMIUM"}
_TARGETS = {"per_doc": "document_metadata", "per_page": "page_metadata", "per_table_row": "row_metadata"}

router = APIRouter(prefix="/api/v2/extract", tags=["llamacloud"], route_class=ClosingRoute)


@router.post("")
async def begin(request: Request, key: PatientCaller) -> JSONResponse:
    """Accepts an uploaded file or the document of a parse job with a configuration: the job, once it is durable."""
    body = await json_of(request)
    file_input = text_of(body, "file_input")
    workspace = workspace_of(request)
    configuration = await asyncio.to_thread(_configuration, workspace, key, body)
    v2 = {"file_input": file_input, "configuration": configuration, "configuration_id": body.get("configuration_id")}
    kept = not configuration.get("disable_cache")
    schema = checked_schema(configuration.get("data_schema"))
    targets = await asyncio.to_thread(webhook_configs.targets, workspace, key, body)
    asked = Asked(schema, run_config(configuration), subject=SUBJECT, kept=kept, about={"v2": v2}, targets=targets)
    given = await asyncio.to_thread(_given, workspace, key, file_input)
    job = await asyncio.to_thread(accepted, workspace, key, asked, given)
    runner_of(request).wake()
    return JSONResponse(_view(job, key))


def _configuration(workspace: Workspace, key: Key, body: JSON) -> JSON:
    """The configuration of a request, its own or a saved one; raises a Problem 400 or 404."""
    own, saved = body.get("configuration"), body.get("configuration_id")
    if saved:
        return configurations.saved(workspace, key, str(saved), "extract_v2")
    if not isinstance(own, dict):
        raise Problem(400, "no_configuration", "There is no `configuration` and no `configuration_id`.")
    return {name: value for name, value in own.items() if value is not None}


def run_config(given: JSON) -> RunConfig:
    """A configuration of the newer SDK as that of a run; raises a Problem 400."""
    fast = given.get("parse_tier") == "fast"
    cited = bool(given.get("cite_sources"))
    target = str(given.get("extraction_target") or "per_doc")
    told: dict[str, Any] = {
        "extraction_mode": "FAST" if fast else _MODES.get(str(given.get("tier")), "MULTIMODAL"),
        "extraction_target": target.upper(),
        "system_prompt": given.get("system_prompt"),
        "page_range": given.get("target_pages"),
        "max_pages": given.get("max_pages"),
        "cite_sources": cited,
        "citation_bbox": cited and given.get("tier") != "turbo",
        "confidence_scores": bool(given.get("confidence_scores")),
    }
    return config_of(told)


def _given(workspace: Workspace, key: Key, file_input: str) -> Given:
    """The document of a file's id or a parse job's; raises a Problem 404."""
    if Files(workspace).find(file_input, key.key_id) is not None:
        return uploaded(file_input, workspace, key)
    job = workspace.jobs.find(file_input, key.key_id)
    if job is None or job.kind != KIND:
        raise not_found(f"file or parse job {file_input}")
    if job.payload.get("url"):
        fetched = fetch(str(job.payload["url"]), rules_of(workspace.settings))
        return Given(fetched.name, fetched.data)
    return Given(str(job.payload["name"]), workspace.jobs.file(job, job.files[0]))


def _view(job: Job, key: Key, wanted: set[str] | None = None, result: JSON | None = None) -> JSON:
    told = cast(JSON, job.payload["v2"])
    config = cast(JSON, job.payload["config"])
    found: JSON = {
        "id": job.job_id,
        "project_id": project_id(key),
        "status": answers.STATES[job.state],
        "file_input": told["file_input"],
        "configuration_id": told["configuration_id"],
        "created_at": moment(job.created_at),
        "updated_at": moment(job.finished_at or job.started_at or job.created_at),
        "error_message": answers.message_of(job),
        "extract_result": result["data"] if result else None,
    }
    if "configuration" in (wanted or ()):
        found["configuration"] = told["configuration"]
    if result is None:
        return found
    metadata = result["extraction_metadata"]
    pages = metadata["usage"]["num_pages_extracted"]
    found["metadata"] = {"usage": {"num_pages_extracted": pages}}
    if "extract_metadata" in (wanted or ()) or config["cite_sources"] or config["confidence_scores"]:
        found["extract_metadata"] = {"field_metadata": _proofs(metadata["field_metadata"], config)}
    return found


def _proofs(proofs: JSON, config: JSON) -> JSON | None:
    target = str(config["extraction_target"]).lower()
    if not proofs:
        return None
    return {_TARGETS[target]: proofs if target == "per_doc" else proofs["items"]}


@router.get("")
def listed(request: Request, key: PatientCaller) -> JSONResponse:
    """A page of the key's jobs, the newest first."""
    asked = request.query_params
    file_input, saved = asked.get("file_input") or asked.get("document_input_value"), asked.get("configuration_id")
    found = [
        job
        for job in answers.jobs_about(request, key, SUBJECT)
        if file_input in (None, cast(JSON, job.payload["v2"])["file_input"])
        and saved in (None, cast(JSON, job.payload["v2"])["configuration_id"])
    ]
    workspace, wanted = workspace_of(request), answers.expanded(request)
    return JSONResponse(answers.page_of(request, found, lambda job: _view(job, key, wanted, _result(workspace, job))))


def _result(workspace: Workspace, job: Job) -> JSON | None:
    if job.state is not JobState.DONE:
        return None
    try:
        found: JSON = json.loads(workspace.jobs.result(job))
    except MissingObjectError:
        return None
    return found


@router.get("/{job_id}")
async def look(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job with its data, as soon as it has ended."""
    job = await _of_here(request, key, job_id)
    result = await asyncio.to_thread(_result, workspace_of(request), job)
    return JSONResponse(_view(job, key, answers.expanded(request), result))


async def _of_here(request: Request, key: Key, job_id: str) -> Job:
    job = await answers.held(request, key, job_id, EXTRACT_KIND)
    if "v2" not in job.payload:
        raise not_found(f"job {job_id}")
    return job


@router.post("/{job_id}/cancel")
async def cancel(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job is not done any more."""
    return JSONResponse(_view(await answers.cancelled(request, key, job_id, EXTRACT_KIND), key))


@router.delete("/{job_id}")
async def delete(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job is gone with its result."""
    await answers.deleted(request, key, job_id, EXTRACT_KIND)
    return JSONResponse({"id": job_id, "project_id": project_id(key)})


@router.post("/schema/validation")
async def validate(request: Request, key: PatientCaller) -> JSONResponse:
    """The schema as it came, if it can be used."""
    body = await json_of(request)
    return JSONResponse({"data_schema": checked_schema(body.get("data_schema"))})


@router.post("/schema/generate")
async def generate(request: Request, key: PatientCaller) -> JSONResponse:
    """A configuration whose schema is made from an uploaded example."""
    body = await json_of(request)
    schema = await generated(request, key, body)
    parameters = {"product_type": "extract_v2", "data_schema": schema}
    return JSONResponse({"name": str(body.get("name") or "generated"), "parameters": parameters})
