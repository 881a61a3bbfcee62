"""Files that callers upload before they are extracted, and the vote over records of their own."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import secrets
import time
from typing import cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, JsonValue
from starlette.responses import JSONResponse, Response

from docmill.service.auth import Caller
from docmill.service.problems import Problem
from docmill.service.retab.documents import data_key, file_meta, meta_key, uploaded
from docmill.service.retab.listing import wanted_of
from docmill.service.retab.request import RetabProblem
from docmill.service.retab.views import moment
from docmill.structured.consensus import agree
from docmill.structured.record import Json

router = APIRouter()


class Upload(BaseModel):
    """A file that is about to come."""

    filename: str
    size_bytes: int = 0
    content_type: str | None = None
    sha256: str | None = None


class Votes(BaseModel):
    """Records to vote on."""

    inputs: list[dict[str, JsonValue]]
    include_alignment: bool = True


@router.post("/files/upload")
def begin_upload(request: Request, key: Caller, upload: Upload) -> JSONResponse:
    """Where the bytes are to be put."""
    file_id = "file_" + secrets.token_hex(8)
    mime = upload.content_type or mimetypes.guess_type(upload.filename)[0] or "application/octet-stream"
    now = time.time()
    meta = upload.model_dump() | {"id": file_id, "mime_type": mime, "created_at": now}
    request.app.state.workspace.store.put(meta_key(key.key_id, file_id), json.dumps(meta).encode())
    url = str(request.base_url).rstrip("/") + f"/v1/files/{file_id}/content"
    return JSONResponse(
        {
            "fileId": file_id,
            "uploadUrl": url,
            "uploadMethod": "PUT",
            "uploadHeaders": {},
            "mimeData": {"filename": upload.filename, "url": url},
            "expiresAt": moment(now + 86_400),
        }
    )


@router.put("/files/{file_id}/content")
async def put_content(request: Request, key: Caller, file_id: str) -> Response:
    """The bytes of a file that was announced."""
    workspace = request.app.state.workspace
    file_meta(file_id, workspace, key.key_id)
    workspace.store.put(data_key(key.key_id, file_id), await request.body())
    return Response(status_code=200)


@router.get("/files/{file_id}/content")
def get_content(request: Request, key: Caller, file_id: str) -> Response:
    """The bytes of a file."""
    found = uploaded(file_id, request.app.state.workspace, key.key_id)
    return Response(found.data, media_type="application/octet-stream")


@router.post("/files/upload/{file_id}/complete")
async def complete_upload(request: Request, key: Caller, file_id: str) -> JSONResponse:
    """The file is whole: size and checksum are those that were announced."""
    workspace = request.app.state.workspace
    meta = file_meta(file_id, workspace, key.key_id)
    data = uploaded(file_id, workspace, key.key_id).data
    body = json.loads(await request.body() or b"{}")
    wanted = body.get("sha256") or meta.get("sha256")
    if wanted and hashlib.sha256(data).hexdigest() != wanted:
        raise RetabProblem("invalid_request", "sha256: the bytes that came have another checksum.")
    if meta.get("size_bytes") and len(data) != meta["size_bytes"]:
        raise RetabProblem(
            "invalid_request", f"size_bytes: {len(data)} bytes came, {meta['size_bytes']} were announced."
        )
    url = str(request.base_url).rstrip("/") + f"/v1/files/{file_id}/content"
    return JSONResponse({"filename": meta["filename"], "url": url})


@router.get("/files")
def list_files(request: Request, key: Caller) -> JSONResponse:
    """A page of the key's files by the time of their upload; only the files of the page are read."""
    wanted, _ = wanted_of(request)
    workspace, mime = request.app.state.workspace, request.query_params.get("mime_type")
    kept = [
        each
        for each in workspace.store.list(meta_key(key.key_id, "").removesuffix(".json"))
        if each.key.endswith(".json")
        and (not wanted.since or each.modified >= wanted.since)
        and (not wanted.until or each.modified < wanted.until)
    ]
    kept.sort(key=lambda each: (each.modified, each.key), reverse=not wanted.ascending)
    ids = [each.key.rpartition("/")[2].removesuffix(".json") for each in kept]
    ids = ids[ids.index(wanted.after) + 1 :] if wanted.after in ids else ids
    ids = ids[: ids.index(wanted.before)][::-1] if wanted.before in ids else ids
    page: list[Json] = []
    for file_id in ids:
        meta = file_meta(file_id, workspace, key.key_id)
        if wanted.equal.get("filename", meta["filename"]) == meta["filename"] and mime in (None, meta["mime_type"]):
            page.append(_view(file_id, meta))
        if len(page) > wanted.limit:
            break
    follows, shown = len(page) > wanted.limit, page[: wanted.limit]
    shown = shown[::-1] if wanted.before else shown
    ends = {
        "before": shown[0]["id"] if shown and (wanted.after or (wanted.before and follows)) else None,
        "after": shown[-1]["id"] if shown and (follows or wanted.before) else None,
    }
    return JSONResponse({"data": shown, "list_metadata": ends})


def _view(file_id: str, meta: Json) -> Json:
    when = moment(float(cast(float, meta["created_at"])))
    shown: Json = {"object": "file", "id": file_id, "filename": meta["filename"], "mime_type": meta["mime_type"]}
    return {**shown, "page_count": None, "created_at": when, "updated_at": when}


@router.get("/files/{file_id}")
def get_file(request: Request, key: Caller, file_id: str) -> JSONResponse:
    """What is known of a file."""
    return JSONResponse(_view(file_id, file_meta(file_id, request.app.state.workspace, key.key_id)))


@router.get("/files/{file_id}/download-link")
def download_link(request: Request, key: Caller, file_id: str) -> JSONResponse:
    """Where the file can be had."""
    meta = file_meta(file_id, request.app.state.workspace, key.key_id)
    url = str(request.base_url).rstrip("/") + f"/v1/files/{file_id}/content"
    mime = {"filename": meta["filename"], "url": url}
    return JSONResponse({"download_url": url, "expires_in": "3600s", "filename": meta["filename"], "mime_data": mime})


@router.post("/consensus")
def vote(key: Caller, votes: Votes) -> JSONResponse:
    """What the records have in common, and how likely each value is."""
    if not votes.inputs:
        raise Problem(422, "invalid_request", "inputs: at least one record is needed.")
    agreed = agree(cast(list[JsonValue], votes.inputs))
    fields: list[Json] = []
    for path, likelihood in agreed.likelihoods.items():
        values = [_at(each, path) for each in agreed.votes]
        chosen = _at(agreed.value, path)
        supporting = sum(each == chosen for each in values)
        counts = {"supporting_input_count": supporting, "total_input_count": len(values)}
        fields.append({"path": path, "value": chosen, "likelihood": likelihood, **counts})
    alignment = {
        "aligned_inputs": agreed.votes,
        "path_alignments": [
            {"canonical_path": path, "source_paths": [path] * len(agreed.votes)} for path in agreed.likelihoods
        ],
        "reference_index": 0,
    }
    return JSONResponse(
        {"consensus": agreed.value, "likelihoods": agreed.likelihoods, "fields": fields, "alignment": alignment}
    )


def _at(value: JsonValue, path: str) -> JsonValue:
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
