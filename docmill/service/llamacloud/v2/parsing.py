"""The routes of parse jobs for the newer SDK: begin, look, list, cancel, delete; and results behind links."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import cast

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from docmill.errors import MissingObjectError
from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of
from docmill.service.llamacloud.bundle import Result, picture_of, result_of, workbook_of
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.links import PREFIX, Link, make_link, opened
from docmill.service.llamacloud.options import ParseOptions
from docmill.service.llamacloud.parse_intake import Wish, accepted, accepted_url
from docmill.service.llamacloud.v2 import answers, configurations, webhook_configs
from docmill.service.llamacloud.v2.answers import JSON, workspace_of
from docmill.service.llamacloud.v2.parse_options import parse_options, saved_images
from docmill.service.llamacloud.v2.parse_pages import images, item_pages, markdown_pages, page_metadata, text_pages
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.llamacloud.work import FILE, KIND
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.structured.record import Json
from docmill.workspace import Workspace

SUBJECT = "parse"
_TIERS = ("fast", "cost_effective", "agentic", "agentic_plus")
_RESULTS = "/api/v2/parse/results/"
_SECRET = ("webhook", "http_proxy")
"""Options that may hold keys or passwords: they are not kept."""
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

router = APIRouter(prefix="/api/v2/parse", tags=["llamacloud"], route_class=ClosingRoute)


@router.post("")
async def begin(request: Request, key: PatientCaller) -> JSONResponse:
    """Accepts an uploaded file (`file_id`) or an address (`source_url`) with options: the job, once it is durable."""
    body = await json_of(request)
    wish = await asyncio.to_thread(_wish, request, key, body)
    workspace, file_id, url = workspace_of(request), body.get("file_id"), body.get("source_url")
    if file_id:
        document = await asyncio.to_thread(_uploaded, workspace, key, str(file_id))
        job = await asyncio.to_thread(accepted, workspace, key, wish, document)
    elif url:
        job = await asyncio.to_thread(accepted_url, workspace, key, wish, str(url))
    else:
        raise Problem(400, "no_input", "There is no document: send `file_id` or `source_url`.")
    runner_of(request).wake()
    return JSONResponse(_view(job, key))


def _uploaded(workspace: Workspace, key: Key, file_id: str) -> tuple[str, bytes]:
    files = Files(workspace)
    return files.get(file_id, key.key_id).name, files.data(file_id, key.key_id)


@router.post("/upload")
async def begin_on_file(request: Request, key: PatientCaller) -> JSONResponse:
    """The same with the form fields `file` and `configuration`, the options as JSON."""
    async with request.form(max_part_size=1_000_000) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Problem(400, "no_input", "There is no document: send `file`.")
        try:
            body = json.loads(str(form.get("configuration") or "{}"))
        except ValueError as error:
            raise Problem(400, "invalid_body", f"configuration is no JSON: {error}.") from error
        document = (file.filename or FILE, await file.read())
    wish = await asyncio.to_thread(_wish, request, key, body)
    job = await asyncio.to_thread(accepted, workspace_of(request), key, wish, document)
    runner_of(request).wake()
    return JSONResponse(_view(job, key))


def _wish(request: Request, key: Key, body: JSON) -> Wish:
    """What a request asks for, on top of a saved configuration where it names one; raises a Problem 400 or 404."""
    workspace = workspace_of(request)
    if body.get("configuration_id"):
        known = configurations.saved(workspace, key, str(body["configuration_id"]), "parse_v2")
        own = {name: value for name, value in body.items() if value is not None and value != "configured"}
        body = {**known, **own}
    about = {
        "tier": str(body.get("tier") or "agentic"),
        "images": sorted(saved_images(body)),
        "user_metadata": body.get("user_metadata"),
        "file_id": body.get("file_id"),
        "raw": {name: value for name, value in body.items() if not name.startswith(_SECRET)},
    }
    options = parse_options(body, workspace.config.extract)
    targets = webhook_configs.targets(workspace, key, body)
    return Wish(options, kept=not body.get("disable_cache"), subject=SUBJECT, about=about, targets=targets)


def _view(job: Job, key: Key) -> JSON:
    return {
        "id": job.job_id,
        "project_id": project_id(key),
        "status": answers.STATES[job.state],
        "created_at": moment(job.created_at),
        "updated_at": moment(job.finished_at or job.started_at or job.created_at),
        "error_message": answers.message_of(job),
        "name": str(job.payload["name"]),
        "tier": job.payload.get("tier"),
        "user_metadata": job.payload.get("user_metadata"),
    }


@router.get("")
def listed(request: Request, key: PatientCaller) -> JSONResponse:
    """A page of the key's jobs, the newest first."""
    found = answers.jobs_about(request, key, SUBJECT)
    return JSONResponse(answers.page_of(request, found, lambda job: _view(job, key)))


@router.get("/versions")
def versions(key: PatientCaller) -> JSONResponse:
    """The one version of each tier, docmill's own; a job takes any name of a version for it."""
    here = version("docmill")
    return JSONResponse({**{tier: [here] for tier in _TIERS}, "latest": dict.fromkeys(_TIERS, here)})


@router.get("/{job_id}")
async def look(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job, as soon as it has ended, with what `expand` names of its result."""
    job = await answers.held(request, key, job_id, KIND)
    found: JSON = {"job": _view(job, key)}
    wanted = answers.expanded(request)
    if job.state is JobState.DONE and wanted:
        blob = await asyncio.to_thread(_blob, workspace_of(request), job)
        found |= await asyncio.to_thread(_expanded, request, key, job, blob, wanted)
    return JSONResponse(found)


def _blob(workspace: Workspace, job: Job) -> bytes:
    try:
        return workspace.jobs.result(job)
    except MissingObjectError:
        raise not_found(f"result of a job {job.job_id} any more") from None


def _result(job: Job, blob: bytes) -> Result:
    return result_of(blob, job.job_id, ParseOptions.model_validate(job.payload["options"]))


def _expanded(request: Request, key: Key, job: Job, blob: bytes, wanted: set[str]) -> JSON:
    """What is wanted of a result beside the job."""
    result = _result(job, blob)
    pages = result.pages
    made: dict[str, Callable[[], object]] = {
        "text": lambda: text_pages(pages),
        "markdown": lambda: markdown_pages(pages),
        "items": lambda: item_pages(pages),
        "metadata": lambda: page_metadata(pages),
        "text_full": lambda: result.joined("text"),
        "markdown_full": lambda: result.joined("md"),
        "job_metadata": result.metadata,
        "raw_parameters": lambda: job.payload.get("raw"),
    }
    found: JSON = {name: make() for name, make in made.items() if name in wanted}
    linked = sorted(name for name in _LINKED if f"{name}_content_metadata" in wanted)
    if linked or "images_content_metadata" in wanted:
        link = make_link(request, Link("get", f"parse/{job.job_id}", key.key_id))
        base = str(link["url"]).replace(PREFIX, _RESULTS)
        if "images_content_metadata" in wanted:
            found["images_content_metadata"] = _images(request, job, pages, base)
        if linked:
            found["result_content_metadata"] = {
                name: {
                    "size_bytes": len(_linked(result, blob, _LINKED[name])[0]),
                    "exists": True,
                    "presigned_url": f"{base}/{_LINKED[name]}",
                }
                for name in linked
            }
    return found


def _images(request: Request, job: Job, pages: Sequence[Json], base: str) -> JSON:
    names = {part for value in request.query_params.getlist("image_filenames") for part in value.split(",")}
    found = images(pages, set(cast(list[str], job.payload.get("images") or [])))
    shown = [
        each | {"presigned_url": f"{base}/{each['filename']}"}
        for each in found
        if not names or each["filename"] in names
    ]
    return {"images": shown, "total_count": len(shown)}


_LINKED = {
    "text": "text.txt",
    "markdown": "markdown.md",
    "items": "items.json",
    "metadata": "metadata.json",
    "xlsx": "tables.xlsx",
}


def _linked(result: Result, blob: bytes, name: str) -> tuple[bytes, str]:
    """The bytes and the media type of a part of a result; raises a Problem 404."""
    if name == "text.txt":
        return result.raw("text"), "text/plain; charset=utf-8"
    if name == "markdown.md":
        return result.raw("md"), "text/markdown; charset=utf-8"
    if name in ("items.json", "metadata.json"):
        made = item_pages(result.pages) if name == "items.json" else page_metadata(result.pages)
        return json.dumps(made, ensure_ascii=False).encode("utf-8", "replace"), "application/json"
    if name == "tables.xlsx":
        return workbook_of(blob), _XLSX
    found = picture_of(blob, name)
    if found is None:
        raise not_found(f"part {name} of the result")
    return found, "image/jpeg" if name.endswith(".jpg") else "image/png"


@router.get("/results/{secret}/{name}")
def follow(request: Request, secret: str, name: str) -> Response:
    """A part of a result, for who holds its link."""
    workspace = workspace_of(request)
    link = opened(workspace, secret, "get")
    kind, _, job_id = link.path.partition("/")
    job = workspace.jobs.find(job_id, link.tenant) if kind == "parse" else None
    if job is None or job.state is not JobState.DONE:
        raise not_found("such link, or its time is over")
    blob = _blob(workspace, job)
    content, media_type = _linked(_result(job, blob), blob, name)
    return Response(content, media_type=media_type)


@router.post("/{job_id}/cancel")
async def cancel(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job is not done any more."""
    return JSONResponse(_view(await answers.cancelled(request, key, job_id, KIND), key))


@router.delete("/{job_id}")
async def delete(request: Request, key: PatientCaller, job_id: str) -> JSONResponse:
    """The job is gone with its result."""
    await answers.deleted(request, key, job_id, KIND)
    return JSONResponse({"id": job_id, "project_id": project_id(key)})
