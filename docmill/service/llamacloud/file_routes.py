"""The routes of files: upload in one or two steps, from an address, list, content, deletion; and links to them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from docmill.errors import DocmillError
from docmill.fetch import fetch, rules_of
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of, text_of
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.links import PREFIX, Link, make_link, opened
from docmill.service.llamacloud.page_images import PageImages
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem
from docmill.workspace import Workspace

router = APIRouter(tags=["llamacloud"], route_class=ClosingRoute)
_FILES = "/api/v1/files"


def _files(request: Request) -> Files:
    return Files(request.app.state.workspace)


@router.post(_FILES)
async def upload(request: Request, key: PatientCaller, external_file_id: str = "") -> JSONResponse:
    """Keeps a file (form field `upload_file`)."""
    async with request.form(max_part_size=1_000_000) as form:
        part = form.get("upload_file")
        if not isinstance(part, UploadFile):
            raise Problem(400, "no_input", "There is no file: send `upload_file`.")
        name, data = part.filename or external_file_id or "file", await part.read()
    found = await asyncio.to_thread(_files(request).add, key.key_id, name, data, external_file_id)
    return JSONResponse(found.view(key))


@router.put(_FILES)
async def announce(request: Request, key: PatientCaller, expires_at_seconds: float | None = None) -> JSONResponse:
    """A file that is about to come, with the address that takes its bytes by PUT."""
    body = await json_of(request)
    name = text_of(body, "name")
    made = await asyncio.to_thread(_files(request).announce, key.key_id, name, str(body.get("external_file_id") or ""))
    link = Link("put", f"files/{made.file_id}", key.key_id)
    told = await asyncio.to_thread(make_link, request, link, expires_at_seconds)
    return JSONResponse({"file_id": made.file_id, **told})


@router.put(f"{_FILES}/upload_from_url")
async def upload_from_url(request: Request, key: PatientCaller) -> JSONResponse:
    """Keeps what an address gives, fetched by the service's rules; the caller's headers and proxies are not used."""
    body = await json_of(request)
    workspace: Workspace = request.app.state.workspace
    try:
        fetched = await asyncio.to_thread(fetch, text_of(body, "url"), rules_of(workspace.settings))
    except DocmillError as error:
        raise Problem(400, type(error).__name__, error.message, error.hint) from error
    name = str(body.get("name") or fetched.name)
    found = await asyncio.to_thread(_files(request).add, key.key_id, name, fetched.data)
    return JSONResponse(found.view(key))


@router.get(_FILES)
def list_files(request: Request, key: PatientCaller, file_name: str = "", external_file_id: str = "") -> JSONResponse:
    """The key's files, oldest first."""
    found = [
        each
        for each in _files(request).all(key.key_id)
        if file_name in ("", each.name) and external_file_id in ("", each.external_id)
    ]
    return JSONResponse([each.view(key) for each in found])


@router.get(f"{_FILES}/{{file_id}}")
def get_file(request: Request, key: PatientCaller, file_id: str) -> JSONResponse:
    """What is known of a file."""
    return JSONResponse(_files(request).get(file_id, key.key_id).view(key))


@router.delete(f"{_FILES}/{{file_id}}", status_code=204)
def delete_file(request: Request, key: PatientCaller, file_id: str) -> None:
    """The file is gone; indexes that it was put into keep what they have of it."""
    _files(request).delete(file_id, key.key_id)


@router.get(f"{_FILES}/{{file_id}}/content")
def content(request: Request, key: PatientCaller, file_id: str, expires_at_seconds: float | None = None) -> Body:
    """An address that gives the file's bytes without a key."""
    _files(request).get(file_id, key.key_id)
    return make_link(request, Link("get", f"files/{file_id}", key.key_id), expires_at_seconds)


# Links


@router.get(f"{PREFIX}{{secret}}")
async def follow(request: Request, secret: str) -> Response:
    """What a link names."""
    workspace: Workspace = request.app.state.workspace
    link = await asyncio.to_thread(opened, workspace, secret, "get")
    kind, _, rest = link.path.partition("/")
    if kind == "files":
        data = await asyncio.to_thread(Files(workspace).data, rest, link.tenant)
        return Response(data, media_type="application/octet-stream")
    image = await PageImages(request, link.tenant).at(link.path)
    return Response(image.data, media_type=image.media_type)


@router.put(f"{PREFIX}{{secret}}")
async def fill(request: Request, secret: str) -> Response:
    """The bytes of a file that was announced."""
    workspace: Workspace = request.app.state.workspace
    link = await asyncio.to_thread(opened, workspace, secret, "put")
    data = await request.body()
    await asyncio.to_thread(Files(workspace).fill, link.path.removeprefix("files/"), link.tenant, data)
    return Response(status_code=200)
