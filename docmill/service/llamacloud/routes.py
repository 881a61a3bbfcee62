"""The routes of Parse: upload, state, results, each below both prefixes that the clients use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from docmill.errors import MissingObjectError
from docmill.extract.registry import SUPPORTED
from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud import agent_routes, data_source_routes, extraction_routes, projects, retrievers
from docmill.service.llamacloud import file_routes as files
from docmill.service.llamacloud import index_document_routes as index_documents
from docmill.service.llamacloud import index_file_routes as index_files
from docmill.service.llamacloud import index_routes as indexes
from docmill.service.llamacloud import page_image_routes as page_images
from docmill.service.llamacloud.bundle import Result, picture_of, result_of, workbook_of
from docmill.service.llamacloud.extraction_work import EXTRACT_KIND, do_extract
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.index_work import INDEX_KIND, do_index
from docmill.service.llamacloud.options import ParseOptions, options_of
from docmill.service.llamacloud.page_images import PAGE_KIND, SIZES_KIND, do_page, do_sizes
from docmill.service.llamacloud.parse_intake import Wish, accepted, accepted_url
from docmill.service.llamacloud.v2 import v2_router
from docmill.service.llamacloud.webhook_targets import Target, targets_of_form
from docmill.service.llamacloud.webhooks import WEBHOOK_KIND, do_webhook
from docmill.service.llamacloud.wire import ClosingRoute, error_answer, moment
from docmill.service.llamacloud.work import FILE, KIND, do_parse
from docmill.service.problems import Problem, not_found
from docmill.service.protocol import Protocol
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

_PREFIXES = ("/api/parsing", "/api/v1/parsing")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TEXT = "text/plain; charset=utf-8"
_CODES = {
    "EmptyDocumentError": "NO_DATA_FOUND_IN_FILE",
    "UnsupportedTypeError": "UNSUPPORTED_FILE_TYPE",
    "CorruptDocumentError": "INVALID_FILE",
    "EncryptedDocumentError": "ENCRYPTED_FILE",
    "LimitExceededError": "LIMIT_EXCEEDED",
    "IncompleteDocumentError": "PAGE_ERROR_TOLERANCE_EXCEEDED",
    "SourceError": "URL_FETCH_FAILED",
    "MissingObjectError": "URL_FETCH_FAILED",
}
_DOCUMENTS = {"csv", "doc", "docx", "epub", "htm", "html", "odp", "ods", "pdf", "ppt", "pptx", "rtf", "tsv"}
_ENDINGS = _DOCUMENTS | {"xls", "xlsb", "xlsx", "bmp", "gif", "jpeg", "jpg", "png", "svg", "tiff", "webp"}
_SHORT = {"htm": "html", "jpg": "jpeg"}
_STATES = {JobState.DONE: "SUCCESS", JobState.FAILED: "ERROR", JobState.CANCELLED: "CANCELLED"}

router = APIRouter(tags=["llamacloud"], route_class=ClosingRoute)


def llamacloud_protocol() -> Protocol:
    """The protocol with its job handler."""
    served = APIRouter()
    served.include_router(router)
    for part in (
        projects,
        files,
        page_images,
        indexes,
        index_documents,
        index_files,
        data_source_routes,
        retrievers,
        agent_routes,
        extraction_routes,
    ):
        served.include_router(part.router)
    served.include_router(v2_router())
    jobs = {KIND: do_parse, EXTRACT_KIND: do_extract, INDEX_KIND: do_index, PAGE_KIND: do_page}
    jobs |= {SIZES_KIND: do_sizes, WEBHOOK_KIND: do_webhook}
    guide = "docs/migrate-from-llamacloud.md says what it serves."
    return Protocol("llamacloud", served, ("/api/",), error_answer, jobs, frozenset({WEBHOOK_KIND}), guide)


def _both(path: str, method: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Serves a route below both prefixes."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for prefix in _PREFIXES:
            router.add_api_route(prefix + path, function, methods=[method], response_model=None)
        return function

    return add


@_both("/upload", "POST")
async def upload(request: Request, key: PatientCaller) -> JSONResponse:
    """Accepts a document with its options: the job, once it is durable."""
    return await _uploaded(request, key, {})


@_both("/screenshot", "POST")
async def screenshots(request: Request, key: PatientCaller) -> JSONResponse:
    """The same for the pictures of its pages alone: its text is read without models."""
    forced = {"fast_mode": ["true"], "take_screenshot": ["true"], "disable_image_extraction": ["true"]}
    return await _uploaded(request, key, forced)


async def _uploaded(request: Request, key: Key, forced: Mapping[str, Sequence[str]]) -> JSONResponse:
    """The state of the job that an upload with its options, and the forced ones, has become."""
    workspace: Workspace = request.app.state.workspace
    async with request.form(max_part_size=1_000_000) as form:
        options = options_of({**_fields(form), **forced}, workspace.config.extract)
        targets = await asyncio.to_thread(targets_of_form, form, workspace)
        wish = _wish(options, form, targets)
        file, url, file_id = form.get("file"), form.get("input_url"), form.get("file_id")
        if isinstance(file, UploadFile):
            content = await file.read()
            given = (file.filename or FILE, content)
            job = await asyncio.to_thread(accepted, workspace, key, wish, given)
        elif isinstance(file_id, str) and file_id:
            stored = Files(workspace)
            known = await asyncio.to_thread(stored.get, file_id, key.key_id)
            given = (known.name, await asyncio.to_thread(stored.data, file_id, key.key_id))
            job = await asyncio.to_thread(accepted, workspace, key, wish, given)
        elif isinstance(url, str) and url:
            job = await asyncio.to_thread(accepted_url, workspace, key, wish, url)
        else:
            raise Problem(400, "no_input", "There is no document: send `file`, `file_id` or `input_url`.")
    runner_of(request).wake()
    return JSONResponse(_state(job))


def _fields(form: FormData) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _wish(options: ParseOptions, form: FormData, targets: tuple[Target, ...]) -> Wish:
    anew, kept = _is_set(form, "invalidate_cache"), not _is_set(form, "do_not_cache")
    return Wish(options, anew=anew, kept=kept, targets=targets)


def _is_set(form: FormData, name: str) -> bool:
    return str(form.get(name, "")).lower() in ("true", "1")


def _state(job: Job) -> dict[str, object]:
    failed = job.state is JobState.FAILED
    message = f"{job.message} {job.hint}".strip() if failed else None
    code = _CODES.get(job.error, "INTERNAL") if failed else None
    if failed and code == "INTERNAL" and job.payload.get("url"):
        code = "URL_FETCH_FAILED"
    if failed and job.error == "IncompleteDocumentError" and options_of_job(job).is_strict:
        code = "STRICT_MODE"
    return {
        "id": job.job_id,
        "status": _STATES.get(job.state, "PENDING"),
        "error_code": code,
        "error_message": message,
    }


@_both("/supported_file_extensions", "GET")
async def supported(key: PatientCaller) -> list[str]:
    """Those endings of the files that can be parsed for which the protocol has a name: its clients refuse others."""
    endings = _ENDINGS & {*SUPPORTED, *(short for short, kind in _SHORT.items() if kind in SUPPORTED)}
    return sorted(f".{each}" for each in endings)


@_both("/job/{job_id}", "GET")
async def state(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job's state, as soon as it has ended or after `service.hold_seconds`."""
    hold = request.app.state.workspace.settings.service.hold_seconds
    job = await runner_of(request).job(job_id, key.key_id, hold)
    if job is None or job.kind != KIND:
        raise not_found(f"job {job_id}")
    return JSONResponse(_state(job))


async def _done(request: Request, key: Key, job_id: str) -> tuple[Job, bytes]:
    """The job and its packed result; raises a Problem 404 where there is none."""
    job = await runner_of(request).job(job_id, key.key_id)
    if job is None or job.kind != KIND or job.state is not JobState.DONE:
        raise not_found(f"result of a job {job_id}")
    try:
        return job, await asyncio.to_thread(request.app.state.workspace.jobs.result, job)
    except MissingObjectError:
        raise not_found(f"result of a job {job_id} any more") from None


async def _result(request: Request, key: Key, job_id: str) -> Result:
    job, blob = await _done(request, key, job_id)
    return await asyncio.to_thread(result_of, blob, job_id, options_of_job(job))


def options_of_job(job: Job) -> ParseOptions:
    """The options that a job was asked for with."""
    return ParseOptions.model_validate(job.payload["options"])


async def _job_of(request: Request, key: Key, job_id: str) -> Job:
    """The parse job; raises a Problem 404."""
    job = await runner_of(request).job(job_id, key.key_id)
    if job is None or job.kind != KIND:
        raise not_found(f"job {job_id}")
    return job


@_both("/job/{job_id}/details", "GET")
async def details(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job's state, its document's name and its times."""
    job = await _job_of(request, key, job_id)
    times = {"created_at": job.created_at, "started_at": job.started_at, "ended_at": job.finished_at}
    told = {name: moment(value) if value else None for name, value in times.items()}
    return JSONResponse({**_state(job), "file_name": job.payload.get("name"), **told})


@_both("/job/{job_id}/parameters", "GET")
async def parameters(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The options of the job that decide its result."""
    return JSONResponse((await _job_of(request, key, job_id)).payload["options"])


@_both("/job/{job_id}/result/pdf", "GET")
async def as_pdf(request: Request, key: PatientCaller, job_id: str) -> Response:
    """The document itself where it is a PDF; others are not turned into one."""
    job, _ = await _done(request, key, job_id)
    data = await asyncio.to_thread(request.app.state.workspace.jobs.file, job, job.files[0]) if job.files else b""
    if not data.startswith(b"%PDF-"):
        raise not_found(f"PDF of the job {job_id}: its document is of another type")
    return Response(data, media_type="application/pdf")


@_both("/job/{job_id}/result/json", "GET")
async def as_json(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The pages with all that is known of them."""
    found = await _result(request, key, job_id)
    return JSONResponse({"pages": found.pages, "job_metadata": found.metadata()})


@_both("/job/{job_id}/result/markdown", "GET")
async def as_markdown(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The pages as one Markdown text."""
    found = await _result(request, key, job_id)
    return JSONResponse({"markdown": found.joined("md"), "job_metadata": found.metadata()})


@_both("/job/{job_id}/result/text", "GET")
async def as_text(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The pages as one plain text."""
    found = await _result(request, key, job_id)
    return JSONResponse({"text": found.joined("text"), "job_metadata": found.metadata()})


@_both("/job/{job_id}/result/structured", "GET")
async def as_records(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The record of each page."""
    found = await _result(request, key, job_id)
    records = [page["structuredData"] for page in found.pages]
    return JSONResponse({"structured": records, "job_metadata": found.metadata()})


@_both("/job/{job_id}/result/raw/markdown", "GET")
async def raw_markdown(request: Request, key: PatientCaller, job_id: str) -> Response:
    """The pages' Markdown as bytes."""
    return Response((await _result(request, key, job_id)).raw("md"), media_type=_TEXT)


@_both("/job/{job_id}/result/raw/text", "GET")
async def raw_text(request: Request, key: PatientCaller, job_id: str) -> Response:
    """The pages' text as bytes."""
    return Response((await _result(request, key, job_id)).raw("text"), media_type=_TEXT)


@_both("/job/{job_id}/result/xlsx", "GET")
@_both("/job/{job_id}/result/raw/xlsx", "GET")
async def as_workbook(request: Request, key: PatientCaller, job_id: str) -> Response:
    """The tables, a sheet each."""
    _, blob = await _done(request, key, job_id)
    return Response(await asyncio.to_thread(workbook_of, blob), media_type=_XLSX)


@_both("/job/{job_id}/result/image/{name}", "GET")
async def image(request: Request, key: PatientCaller, job_id: str, name: str) -> Response:
    """A picture that a page names."""
    _, blob = await _done(request, key, job_id)
    found = await asyncio.to_thread(picture_of, blob, name)
    if found is None:
        raise not_found(f"picture {name} of the job {job_id}")
    return Response(found, media_type="image/jpeg" if name.endswith(".jpg") else "image/png")
