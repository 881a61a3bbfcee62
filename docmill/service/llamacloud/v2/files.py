"""The routes of files that the newer SDK uses: upload, list, look, link, delete."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of
from docmill.service.llamacloud.files import Files, StoredFile
from docmill.service.llamacloud.links import Link, make_link
from docmill.service.llamacloud.v2.answers import JSON, page_of, workspace_of
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem

router = APIRouter(prefix="/api/v1/beta/files", tags=["llamacloud"], route_class=ClosingRoute)
_ORDERS = ("name", "id", "created_at")


@router.post("")
@router.put("")
async def upload(request: Request, key: PatientCaller) -> JSONResponse:
    """Keeps a file (form field `file`); with PUT, one of the same `external_file_id` or name gets these bytes."""
    files = Files(workspace_of(request))
    async with request.form(max_part_size=1_000_000) as form:
        part = form.get("file") or form.get("upload_file")
        if not isinstance(part, UploadFile):
            raise Problem(400, "no_input", "There is no file: send `file`.")
        external = str(form.get("external_file_id") or "")
        name, data = part.filename or external or "file", await part.read()
        purpose = str(form.get("purpose") or "")
    if request.method == "PUT":
        known = await asyncio.to_thread(files.all, key.key_id)
        same = [each for each in known if each.external_id == (external or name)]
        if same:
            return JSONResponse(_view(await asyncio.to_thread(files.fill, same[0].file_id, key.key_id, data), key))
    found = await asyncio.to_thread(files.add, key.key_id, name, data, external)
    return JSONResponse(_view(found, key) | ({"purpose": purpose} if purpose else {}))


def _view(file: StoredFile, key: Key) -> JSON:
    return {**file.view(key), "purpose": None, "expires_at": None, "download_url": None}


def _listed(request: Request, key: Key, asked: JSON, order: str) -> list[StoredFile]:
    found = [
        each
        for each in Files(workspace_of(request)).all(key.key_id)
        if asked.get("file_name") in (None, "", each.name)
        and asked.get("external_file_id") in (None, "", each.external_id)
        and (not asked.get("file_ids") or each.file_id in asked["file_ids"])
    ]
    if order == "name":
        return sorted(found, key=lambda each: (each.name, each.file_id))
    return sorted(found, key=lambda each: each.file_id) if order == "id" else found[::-1]


@router.get("")
def listed(request: Request, key: PatientCaller, order_by: str = "created_at") -> JSONResponse:
    """A page of the key's files, the newest first unless ordered by `name` or `id`."""
    if order_by not in _ORDERS:
        raise Problem(400, "invalid_order", f"order_by is one of {', '.join(_ORDERS)}.")
    query = request.query_params
    asked = {**query, "file_ids": query.getlist("file_ids")}
    return JSONResponse(page_of(request, _listed(request, key, asked, order_by), lambda each: _view(each, key)))


@router.post("/query")
async def query(request: Request, key: PatientCaller) -> JSONResponse:
    """The same, asked for by a body."""
    body = await json_of(request)
    order = str(body.get("order_by") or "created_at").split(",")[0].split(" ")[0]
    found = await asyncio.to_thread(_listed, request, key, body.get("filter") or {}, order)
    return JSONResponse(page_of(request, found, lambda each: _view(each, key), body))


@router.get("/{file_id}")
def one(request: Request, key: PatientCaller, file_id: str) -> JSONResponse:
    """What is known of a file."""
    return JSONResponse(_view(Files(workspace_of(request)).get(file_id, key.key_id), key))


@router.get("/{file_id}/content")
def content(
    request: Request, key: PatientCaller, file_id: str, expires_at_seconds: float | None = None
) -> JSONResponse:
    """An address that gives the file's bytes without a key."""
    Files(workspace_of(request)).get(file_id, key.key_id)
    return JSONResponse(make_link(request, Link("get", f"files/{file_id}", key.key_id), expires_at_seconds))


@router.delete("/{file_id}", status_code=204)
def delete(request: Request, key: PatientCaller, file_id: str) -> None:
    """The file is gone."""
    Files(workspace_of(request)).delete(file_id, key.key_id)
