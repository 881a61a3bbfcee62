"""The routes of Retab's protocol below `/v1`."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, cast

from fastapi import APIRouter, Header, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from docmill.errors import SystemicError, TransientError
from docmill.ids import content_version
from docmill.jobs import JobState
from docmill.keys import Key
from docmill.service.auth import Caller
from docmill.service.problems import Problem
from docmill.service.protocol import Protocol
from docmill.service.retab import files
from docmill.service.retab.documents import GivenDocument, document_of
from docmill.service.retab.listing import page_of, wanted_of
from docmill.service.retab.request import ExtractionRequest, RetabProblem, request_of, task_of
from docmill.service.retab.streaming import answer_type, lines
from docmill.service.retab.views import document_type, extraction_view, sources_view
from docmill.service.retab.work import KIND, Hub, Work, handler
from docmill.service.runner import runner_of
from docmill.structured.choice import engine_for
from docmill.structured.extractions import Extractions, ExtractionStatus, StoredExtraction, new_id
from docmill.structured.record import Json
from docmill.workspace import Workspace

_REPLAY = 600.0
"""Seconds after its completion for which the same request gets the same extraction: clients retry silently."""
_LONGEST = 1800.0
_NOT_SERVED = (
    "classifications", "edits", "parses", "partitions", "schemas", "secrets", "splits", "tables", "usage", "workflows"
)  # fmt: skip


def retab_protocol() -> Protocol:
    """The protocol with its job handler."""
    hub = Hub()
    router = APIRouter(prefix="/v1", tags=["retab"])
    work = Work(hub, lambda: _loop[0], engine_for)
    _add_creation(router, hub)
    _add_reading(router)
    router.include_router(files.router)
    prefixes = ("/v1/extractions", "/v1/files", "/v1/consensus", *(f"/v1/{name}" for name in _NOT_SERVED))
    guide = "docs/migrate-from-retab.md says what it serves."
    return Protocol("retab", router, prefixes, retab_error, {KIND: handler(work)}, guide=guide)


_loop: list[asyncio.AbstractEventLoop | None] = [None]


def retab_error(problem: Problem, request_id: str) -> Response:
    """`{"detail": {"code", "message", "details"}}`."""
    code = (
        "not_supported"
        if problem.status in (404, 405) and problem.code in ("not_found", "method_not_allowed")
        else problem.code
    )
    status = 404 if problem.status == 405 else problem.status
    message = f"{problem.message} {problem.hint}".strip()
    detail = {"code": code, "message": message, "details": getattr(problem, "details", None)}
    return JSONResponse({"detail": detail}, status_code=status)


def extractions_of(workspace: Workspace) -> Extractions:
    """The extractions of a workspace."""
    return Extractions(workspace.ledger.database, workspace.store)


def _workspace(request: Request) -> Workspace:
    found: Workspace = request.app.state.workspace
    return found


def _add_creation(router: APIRouter, hub: Hub) -> None:
    @router.post("/extractions")
    async def create(request: Request, key: Caller, idempotency_key: Annotated[str, Header()] = "") -> Response:
        """An extraction; the answer comes when it has ended, or at once with `background`."""
        wanted, _ = await request_of(request)
        kind, many = answer_type(request.headers.get("accept", ""), stream=False)
        stored = await _begun(request, key, wanted, idempotency_key)
        if many:
            return _streamed(request, hub, stored, kind)
        if wanted.background:
            return JSONResponse(await asyncio.to_thread(_accepted, _workspace(request), stored), status_code=201)
        stored = await _ended(request, stored)
        _raise_failure(stored)
        return JSONResponse(await asyncio.to_thread(_whole, _workspace(request), stored), status_code=201)

    @router.post("/extractions/stream")
    async def stream(request: Request, key: Caller, idempotency_key: Annotated[str, Header()] = "") -> Response:
        """An extraction, line by line as it grows, or as one document: as `Accept` and `stream` say."""
        wanted, has_key = await request_of(request)
        kind, many = answer_type(request.headers.get("accept", ""), wanted.stream if has_key else None)
        stored = await _begun(request, key, wanted, idempotency_key)
        if many:
            return _streamed(request, hub, stored, kind)
        stored = await _ended(request, stored)
        _raise_failure(stored)
        return JSONResponse(await asyncio.to_thread(_whole, _workspace(request), stored), media_type=kind)


def _streamed(request: Request, hub: Hub, stored: StoredExtraction, kind: str) -> Response:
    workspace = _workspace(request)
    queue = hub.listen(stored.extraction_id)

    async def ended() -> Json | None:
        found = await asyncio.to_thread(extractions_of(workspace).find, stored.extraction_id)
        if found is not None and found.status.ended:
            return await asyncio.to_thread(_whole, workspace, found)
        if found is None:
            return await asyncio.to_thread(_whole, workspace, replace(stored, status=ExtractionStatus.CANCELLED))
        checked = await asyncio.to_thread(_checked, workspace, found)
        return await asyncio.to_thread(_whole, workspace, checked) if checked.status.ended else None

    async def body() -> AsyncIterator[bytes]:
        try:
            async for line in lines(stored, queue, ended):
                yield line
        finally:
            hub.leave(stored.extraction_id, queue)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), media_type=kind, headers=headers)


async def _begun(request: Request, key: Key, wanted: ExtractionRequest, repeat: str) -> StoredExtraction:
    """The extraction that the request asks for, new or one of before, with a job at work on it."""
    task_of(wanted)
    workspace = _workspace(request)
    _loop[0] = asyncio.get_running_loop()
    document = await asyncio.to_thread(document_of, wanted.document, workspace, key.key_id)
    wanted = wanted.model_copy(update={"document": wanted.document.model_copy(update={"filename": document.filename})})
    stored = await asyncio.to_thread(_submitted, workspace, key, wanted, document, (request.url.path, repeat))
    runner_of(request).wake()
    return stored


def _submitted(
    workspace: Workspace, key: Key, wanted: ExtractionRequest, document: GivenDocument, about: tuple[str, str]
) -> StoredExtraction:
    """The stored extraction, its job submitted; one of the same request within the window is taken instead."""
    route, repeat = about
    extractions = extractions_of(workspace)
    version = content_version(document.data)
    asked = wanted.hash(route, version)
    now = time.time()
    extraction_id = new_id(now, secrets.randbits(60))
    if repeat:
        known_request, known = extractions.keep_key(key.key_id, repeat, asked, extraction_id)
        if known_request != asked:
            message = "The Idempotency-Key was used before for another request."
            raise Problem(409, "idempotency_conflict", message, "Take a new key.")
        before = extractions.find(known, key.key_id)
        if before is not None:
            return before
    if not wanted.bust_cache and (same := extractions.same(key.key_id, asked, _REPLAY)) is not None:
        return same
    media_type = _media_type(document)
    stored = StoredExtraction(
        extraction_id=extraction_id,
        tenant=key.key_id,
        status=ExtractionStatus.QUEUED,
        filename=document.filename,
        document_type=document_type(media_type),
        head=_head(wanted, document, version, media_type),
        request=asked,
        created_at=now,
    )
    extractions.add(stored)
    payload = {
        "extraction_id": extraction_id,
        "version": version,
        "request": wanted.model_copy(update={"document": wanted.document.model_copy(update={"url": ""})}).model_dump(
            mode="json"
        ),
    }
    job = workspace.jobs.add(KIND, payload, files={"document": document.data}, tenant=key.key_id)
    extractions.set_job(extraction_id, job.job_id)
    return replace(stored, job_id=job.job_id)


def _media_type(document: GivenDocument) -> str:
    """What the bytes are; what cannot be told is a text."""
    from docmill.errors import PermanentError
    from docmill.extract.media_type import detect

    try:
        return detect(document.data, document.filename).media_type
    except PermanentError:
        return "application/octet-stream"


def _head(wanted: ExtractionRequest, document: GivenDocument, version: str, media_type: str) -> Json:
    return {
        "file": {"id": f"file_{version[:16]}", "filename": document.filename, "mime_type": media_type},
        "model": wanted.model,
        "json_schema": wanted.json_schema,
        "n_consensus": wanted.n_consensus,
        "instructions": wanted.instructions,
        "metadata": cast(Json, wanted.metadata),
        "sources": wanted.sources.mode if wanted.sources else "located",
    }


async def _ended(request: Request, stored: StoredExtraction) -> StoredExtraction:
    """The extraction as soon as it has ended, or when the client has long given up."""
    workspace, runner = _workspace(request), runner_of(request)
    deadline = time.monotonic() + _LONGEST
    found: StoredExtraction | None = stored
    while found is not None and not found.status.ended and time.monotonic() < deadline and not runner.draining:
        await runner.job(found.job_id, stored.tenant, 5.0)
        found = await asyncio.to_thread(extractions_of(workspace).find, stored.extraction_id)
        if found is not None:
            found = await asyncio.to_thread(_checked, workspace, found)
    return found or stored


def _checked(workspace: Workspace, stored: StoredExtraction) -> StoredExtraction:
    """The extraction; one whose job has failed without a word is failed, too."""
    if stored.status.ended or not stored.job_id:
        return stored
    job = workspace.jobs.find(stored.job_id)
    if job is not None and job.state is not JobState.FAILED:
        return stored
    transient = job is not None and job.error in (TransientError.__name__, SystemicError.__name__, "ModelError")
    code = "engine_unavailable" if transient else "interrupted"
    message = f"{job.message} {job.hint}".strip() if job is not None else "The work on it was lost."
    extractions = extractions_of(workspace)
    extractions.fail(stored.extraction_id, code, message)
    return extractions.find(stored.extraction_id) or stored


def _raise_failure(stored: StoredExtraction) -> None:
    """Raises what a synchronous call is answered when its extraction has failed."""
    if stored.status is ExtractionStatus.FAILED and stored.error is not None:
        code, message = str(stored.error["code"]), str(stored.error["message"])
        raise Problem(503 if code in ("engine_unavailable", "interrupted") else 422, code, message)


def _whole(workspace: Workspace, stored: StoredExtraction) -> Json:
    """The extraction with all that is known of it now."""
    found = extractions_of(workspace).find(stored.extraction_id) or stored
    return extraction_view(found, extractions_of(workspace).record(found))


def _accepted(workspace: Workspace, stored: StoredExtraction) -> Json:
    """The extraction as it was when it was accepted: a caller is told `queued`, though work may have begun since."""
    return extraction_view(stored, extractions_of(workspace).record(stored))


def _found(workspace: Workspace, key: Key, extraction_id: str) -> StoredExtraction:
    found = extractions_of(workspace).find(extraction_id, key.key_id)
    if found is None:
        raise Problem(404, "extraction_not_found", f"There is no extraction {extraction_id}.")
    return _checked(workspace, found)


def _add_reading(router: APIRouter) -> None:
    @router.get("/extractions/{extraction_id}")
    def get(request: Request, key: Caller, extraction_id: str, include_output: bool = True) -> JSONResponse:
        """The extraction; without its output it is cheap."""
        workspace = _workspace(request)
        stored = _found(workspace, key, extraction_id)
        record = extractions_of(workspace).record(stored) if include_output else None
        return JSONResponse(extraction_view(stored, record))

    @router.get("/extractions")
    def list_(request: Request, key: Caller) -> JSONResponse:
        """A page of the extractions, filtered."""
        wanted, matches = wanted_of(request)
        return JSONResponse(page_of(extractions_of(_workspace(request)), key.key_id, wanted, matches))

    @router.delete("/extractions/{extraction_id}", status_code=204)
    def delete(request: Request, key: Caller, extraction_id: str) -> Response:
        """The extraction is gone."""
        workspace = _workspace(request)
        stored = _found(workspace, key, extraction_id)
        extractions_of(workspace).cancel(extraction_id)
        extractions_of(workspace).delete(extraction_id, key.key_id)
        if stored.job_id:
            workspace.jobs.cancel(stored.job_id)
            workspace.jobs.delete(stored.job_id)
        return Response(status_code=204)

    @router.post("/extractions/{extraction_id}/cancel")
    def cancel(request: Request, key: Caller, extraction_id: str) -> JSONResponse:
        """The extraction is cancelled unless it has ended."""
        workspace = _workspace(request)
        stored = _found(workspace, key, extraction_id)
        if extractions_of(workspace).cancel(extraction_id):
            workspace.jobs.cancel(stored.job_id)
        return JSONResponse(_whole(workspace, stored))

    @router.get("/extractions/{extraction_id}/sources")
    def sources(request: Request, key: Caller, extraction_id: str, mode: str = "", job_id: str = "") -> JSONResponse:
        """Where each value stands."""
        return _sources(request, key, extraction_id, (mode, job_id))

    @router.post("/extractions/{extraction_id}/sources")
    async def make_sources(request: Request, key: Caller, extraction_id: str) -> JSONResponse:
        """The same: sources are found during the extraction."""
        body = json.loads(await request.body() or b"{}")
        mode, job = str(body.get("mode") or ""), str(body.get("job_id") or "")
        return await asyncio.to_thread(_sources, request, key, extraction_id, (mode, job))


def _sources(request: Request, key: Key, extraction_id: str, asked: tuple[str, str]) -> JSONResponse:
    workspace = _workspace(request)
    stored = _found(workspace, key, extraction_id)
    mode, job_id = asked
    if mode not in ("", "located", "cited"):
        raise RetabProblem("invalid_request", "mode must be located or cited.")
    view = sources_view(
        stored, extractions_of(workspace).record(stored), mode or str(stored.head.get("sources", "located"))
    )
    if job_id and job_id != cast(Json, view["job"])["id"]:
        raise Problem(409, "sources_job_mismatch", f"{job_id} is not the job of these sources.")
    return JSONResponse(view, status_code=200 if stored.status.ended else 202)
