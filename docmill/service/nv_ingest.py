"""The wire protocol of nv-ingest's client, versions v1 and v2: submit a document, fetch its elements.

The client ends a job at 429 and 503 and loses the reason of any refusal at submit. So callers are held back instead of
refused, a passing fault is 502 (it tries again), and wrong options make a job that fails with a readable reason.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from docmill.errors import UsageError
from docmill.ids import content_version
from docmill.ingestor.build import extension_of
from docmill.ingestor.options import Tasks, tasks_of
from docmill.ingestor.shape import Source
from docmill.ingestor.work import Bench, Done, process
from docmill.jobs import Job, JobState, work_id
from docmill.keys import Key
from docmill.models import Document
from docmill.service.app import readiness
from docmill.service.auth import PatientCaller
from docmill.service.problems import Problem, not_found
from docmill.service.protocol import Protocol
from docmill.service.runner import Context, runner_of
from docmill.service.uploads import body_of
from docmill.service.work import job_document

KIND = "nv_ingest"
_PREFIXES = tuple(f"/{version}/{path}" for version in ("v1", "v2") for path in ("submit_job", "fetch_job", "health"))
_MESSAGE = 480
"""Characters of a message: the client prints it whole."""

router = APIRouter(tags=["nv-ingest"])


def nv_ingest_protocol() -> Protocol:
    """The protocol of nv-ingest's client."""
    return Protocol("nv-ingest", router, _PREFIXES, _error, {KIND: do_job})


def _error(problem: Problem, request_id: str) -> Response:
    """`{"detail": …}`; what the client would give up at is 502, at which it tries again."""
    status = 502 if problem.status in (429, 503) else problem.status
    return JSONResponse({"detail": f"{problem.message} {problem.hint}".strip()}, status_code=status)


@router.get("/")
async def root() -> dict[str, str]:
    """What answers here; the client's ping."""
    return {"service": "docmill", "documentation": "/docs"}


@router.get("/v1/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/v1/health/ready")
async def ready(request: Request) -> JSONResponse:
    """Jobs can be accepted: 200, else 503."""
    return await readiness(request)


@router.post("/v1/submit_job")
@router.post("/v2/submit_job")
async def submit_job(request: Request, key: PatientCaller) -> Response:
    """Accepts a job specification: the job's id as a JSON string, once the job is durable."""
    runner = runner_of(request)
    if runner.draining:
        raise Problem(502, "draining", "The service is stopping.")
    async with body_of(request) as body:
        job = await asyncio.to_thread(_accept, request.app.state.workspace, key, body.read)
    runner.wake()
    trace = uuid.UUID(job.job_id).hex
    return JSONResponse(job.job_id, headers={"x-trace-id": trace})


@router.get("/v1/fetch_job/{job_id}")
@router.get("/v2/fetch_job/{job_id}")
async def fetch_job(request: Request, key: PatientCaller, job_id: str) -> Response:
    """The result as soon as there is one; 202 where it takes longer than `service.fetch_wait_seconds`."""
    workspace = request.app.state.workspace
    job = await runner_of(request).job(job_id, key.key_id, workspace.settings.service.fetch_wait_seconds)
    if job is None or job.kind != KIND:
        raise not_found(f"job {job_id}")
    if not job.state.ended:
        return JSONResponse({"detail": "The job is not done yet."}, status_code=202)
    if job.state is JobState.DONE:
        return Response(await asyncio.to_thread(workspace.jobs.result, job), media_type="application/json")
    return JSONResponse(_failed(job))


def _accept(workspace: Any, key: Key, read: Any) -> Job:  # noqa: ANN401 - the state of an application has no types
    """The durable job of a submitted body; raises a Problem 422 for one that is no job specification."""
    specification = _specification(read())
    payload = specification["job_payload"]
    kind, name = _first(payload, "document_type"), _first(payload, "source_name")
    content = _content(kind, _first(payload, "content"))
    told: dict[str, object] = {
        "document_type": kind.lower(),
        "source_name": name,
        "source_id": _first(payload, "source_id") or name,
    }
    try:
        told["tasks"] = tasks_of(_tasks(specification)).model_dump(mode="json")
    except UsageError as error:
        told["refused"] = error.message
    file = f"content{extension_of(kind.lower(), name)}"
    told["file"] = file
    work = work_id(KIND, json.dumps(told, sort_keys=True), [content_version(content)])
    job: Job = workspace.jobs.add(KIND, told, files={file: content}, tenant=key.key_id, work=work)
    return job


def _specification(body: bytes) -> dict[str, Any]:
    """The specification inside of a body; both are JSON, one in the other."""
    try:
        specification = json.loads(json.loads(body)["payload"])
        payload = specification["job_payload"]
        if not all(isinstance(payload[name], list) and payload[name] for name in ("content", "document_type")):
            raise KeyError("content")
    except (ValueError, KeyError, TypeError) as error:
        message = 'The body is no job specification: {"payload": "<JSON text with job_payload and tasks>"}.'
        raise Problem(422, "invalid_specification", message) from error
    found: dict[str, Any] = specification
    return found


def _first(payload: dict[str, Any], name: str) -> str:
    values = payload.get(name)
    return str(values[0]) if isinstance(values, list) and values else ""


def _tasks(specification: dict[str, Any]) -> list[dict[str, object]]:
    tasks = specification.get("tasks")
    return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []


def _content(kind: str, text: str) -> bytes:
    """The document's bytes: text travels as it is, everything else as base64."""
    if kind.lower() in ("text", "html"):
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(422, "invalid_content", "The content is not base64.") from error


def do_job(context: Context) -> bytes:
    """The result envelope of a job."""
    told = context.job.payload
    if told.get("refused"):
        raise UsageError(str(told["refused"]))
    name, kind = str(told["source_name"]), str(told["document_type"])
    moment = datetime.fromtimestamp(context.job.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    source = Source(name, str(told["source_id"]), kind, created=moment, modified=moment)
    document = job_document(context, str(told["file"]))
    bench = Bench(context.workspace, context.pool, context.folder)
    done = process(bench, source, document, Tasks.model_validate(told["tasks"]))
    return envelope(context.job, source, document, done)


def envelope(job: Job, source: Source, document: Document, done: Done) -> bytes:
    """The answer of a job that gave something; failed pages are marked."""
    annotations = {_annotation(job, "docmill"): {"task_id": "docmill", "task_result": "SUCCESS"}}
    for page, reason in done.failed_pages.items():
        message = f"Page {page} could not be read: {reason}."[:_MESSAGE]
        told = {"task_id": "extract", "task_result": "FAILURE", "message": message}
        annotations[_annotation(job, f"page {page}")] = told
    for note in done.notes:
        annotations[_annotation(job, note)] = {"task_id": "docmill", "task_result": "SUCCESS", "message": note}
    metadata: dict[str, object] = {
        "total_pages": done.pages,
        "original_source_id": source.source_id,
        "original_source_name": source.name,
    }
    if done.failed_pages:
        metadata["failed_pages"] = sorted(done.failed_pages)
    description = f"Processed {done.pages} page{'s' if done.pages != 1 else ''}."
    if done.failed_pages:
        description += f" {len(done.failed_pages)} of them failed."
    head = {
        "status": "success",
        "description": description,
        "fragment": 0,
        "fragment_count": 1,
        "metadata": metadata,
        "trace": done.trace,
        "annotations": annotations,
        "docmill": {"document_id": document.document_id, "run_id": job.job_id},
    }
    body = json.dumps(head, ensure_ascii=False).encode()
    return b'{"data": [' + b",".join(done.lines()) + b"], " + body[1:]


def _failed(job: Job) -> dict[str, object]:
    """The answer of a job of which nothing is usable."""
    why = job.message if job.state is JobState.FAILED else "The job was cancelled."
    message = " ".join(f"{why} {job.hint}".split())[:_MESSAGE]
    told = {"task_id": "docmill", "task_result": "FAILURE", "message": message}
    name = str(job.payload.get("source_name", ""))
    return {
        "status": "failed",
        "description": f"The document {name} could not be processed."[:_MESSAGE],
        "data": [],
        "metadata": {"original_source_id": name, "original_source_name": name},
        "trace": {},
        "annotations": {_annotation(job, "failed"): told},
        "docmill": {"run_id": job.job_id},
    }


def _annotation(job: Job, about: str) -> str:
    return f"annotation::{uuid.uuid5(uuid.UUID(job.job_id), about)}"
