"""The routes of the uploaded files in an index, and of their metadata."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, JsonValue, RootModel
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from docmill.artifacts import extension
from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import any_json_of, form_of
from docmill.service.llamacloud.entries import FILE, Entries, Entry
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.index_parts import delete, find, put_in, state_of
from docmill.service.llamacloud.index_routes import index_of
from docmill.service.llamacloud.index_state import IN_PROGRESS, entry_state
from docmill.service.llamacloud.index_work import file_entry, retagged
from docmill.service.llamacloud.indexes import Index
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.problems import Problem, not_found
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1/pipelines/{pipeline_id}", tags=["llamacloud"], route_class=ClosingRoute)


class FileForm(BaseModel):
    """An uploaded file with metadata."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file_id: str
    custom_metadata: dict[str, JsonValue] | None = None


class FileForms(RootModel[list[FileForm]]):
    """Files."""


@router.put("/files")
async def add_files(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """Uploaded files are in the index; their ingestion has begun."""
    forms = form_of(FileForms, await any_json_of(request)).root
    workspace: Workspace = request.app.state.workspace
    files = Files(workspace)

    def make(index: Index) -> list[Entry]:
        made = []
        for each in forms:
            file, data = files.get(each.file_id, key.key_id), files.data(each.file_id, key.key_id)
            made.append(
                file_entry(workspace, index.collection, file.file_id, file.name, data, each.custom_metadata or {})
            )
        return made

    made = await put_in(request, key, pipeline_id, make)
    return JSONResponse([_file_view(key, pipeline_id, each, IN_PROGRESS) for each in made])


def _file_view(key: Key, pipeline_id: str, entry: Entry, status: str) -> Body:
    name = str(entry.body["name"])
    return {
        "id": entry.entry_id,
        "file_id": entry.ref_id,
        "pipeline_id": pipeline_id,
        "name": name,
        "external_file_id": name,
        "file_size": entry.body.get("size"),
        "file_type": extension(name).lstrip(".") or None,
        "project_id": project_id(key),
        "custom_metadata": entry.metadata,
        "status": status if status != "PARTIAL_SUCCESS" else "SUCCESS",
        "created_at": moment(entry.created_at),
        "updated_at": moment(entry.updated_at),
    }


def _entries(request: Request) -> Entries:
    return Entries(request.app.state.workspace.ledger.database)


def _views(request: Request, key: Key, pipeline_id: str, entries: Sequence[Entry]) -> list[Body]:
    workspace: Workspace = request.app.state.workspace
    return [_file_view(key, pipeline_id, each, entry_state(workspace, each).status) for each in entries]


def all_files(request: Request, key: Key, pipeline_id: str) -> list[Body]:
    """The files of the index as the protocol shows them, the oldest first."""
    found = _entries(request).all(index_of(request, key, pipeline_id).collection, FILE)
    return _views(request, key, pipeline_id, found)


@router.get("/files")
def list_files(request: Request, key: PatientCaller, pipeline_id: str) -> list[Body]:
    """The files that clients have put into the index."""
    return all_files(request, key, pipeline_id)


@router.get("/files2")
def page_files(request: Request, key: PatientCaller, pipeline_id: str, limit: int = 100, offset: int = 0) -> Body:
    """The same, a page at a time, with the number of all."""
    collection = index_of(request, key, pipeline_id).collection
    found = _entries(request).page(collection, FILE, max(0, offset), max(0, limit))
    count = _entries(request).count(collection, FILE)
    return {
        "files": [*_views(request, key, pipeline_id, found)],
        "limit": limit,
        "offset": offset,
        "total_count": count,
    }


@router.get("/files/status-counts")
def count_files(request: Request, key: PatientCaller, pipeline_id: str) -> Body:
    """How many files stand how."""
    counts = Counter(str(each["status"]) for each in all_files(request, key, pipeline_id))
    return {"counts": {**counts}, "total_count": counts.total(), "pipeline_id": pipeline_id}


@router.get("/files/{file_id}/status")
async def file_status(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> JSONResponse:
    """How a file stands."""
    return await state_of(request, key, pipeline_id, file_id)


@router.put("/files/{file_id}")
async def update_file(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> JSONResponse:
    """The file with other metadata."""
    body = await any_json_of(request)
    form = form_of(FileForm, {**(body if isinstance(body, dict) else {}), "file_id": file_id})

    def make(index: Index) -> list[Entry]:
        entry = _entries(request).find(index.collection, file_id)
        if entry is None or entry.kind != FILE:
            raise not_found(f"file {file_id} in the index {index.name}")
        return [retagged(request.app.state.workspace, entry, form.custom_metadata or {})]

    made = await put_in(request, key, pipeline_id, make)
    return JSONResponse(_file_view(key, pipeline_id, made[0], IN_PROGRESS))


@router.delete("/files/{file_id}", status_code=204)
def delete_file(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> None:
    """The file cannot be found in the index any more."""
    delete(request, key, pipeline_id, file_id)


@router.get("/files/{file_id}")
def get_file(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> Body:
    """A file that a client has put into the index."""
    index, entry, _ = find(request, key, pipeline_id, file_id)
    if entry is None or entry.kind != FILE:
        raise not_found(f"file {file_id} in the index {index.name}")
    status = entry_state(request.app.state.workspace, entry).status
    return _file_view(key, pipeline_id, entry, status)


# Metadata of all files


@router.put("/metadata")
async def import_metadata(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """The files that a CSV names in its column `file_name` have its other columns as metadata beside their own.

    Raises a Problem 422 for what is no such table.
    """
    async with request.form(max_part_size=1_000_000) as form:
        part = form.get("upload_file")
        if not isinstance(part, UploadFile):
            raise Problem(400, "no_input", "There is no file: send `upload_file`.")
        given = _rows_of(await part.read())
    named: set[str] = set()

    def make(index: Index) -> list[Entry]:
        known = [each for each in _entries(request).all(index.collection, FILE) if each.body["name"] in given]
        named.update(str(each.body["name"]) for each in known)
        workspace: Workspace = request.app.state.workspace
        return [retagged(workspace, each, {**each.metadata, **given[str(each.body["name"])]}) for each in known]

    made = await put_in(request, key, pipeline_id, make)
    unknown = ", ".join(sorted(set(given) - named))
    return JSONResponse({"status": "ok", "updated_files": str(len(made)), "unknown_files": unknown})


def _rows_of(data: bytes) -> dict[str, Body]:
    """What a CSV says of each file; raises a Problem 422."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Problem(422, "invalid_request", f"upload_file: it is no CSV in UTF-8: {error}.") from error
    if not rows or not all(row.get("file_name") for row in rows):
        raise Problem(422, "invalid_request", "upload_file: each row needs a name in the column file_name.")
    return {
        row["file_name"]: {name: value for name, value in row.items() if name and name != "file_name" and value}
        for row in rows
    }


@router.delete("/metadata", status_code=204)
async def forget_metadata(request: Request, key: PatientCaller, pipeline_id: str) -> None:
    """The files of the index have no metadata of their clients any more."""

    def make(index: Index) -> list[Entry]:
        found = _entries(request).all(index.collection, FILE)
        return [retagged(request.app.state.workspace, each, {}) for each in found if each.metadata]

    await put_in(request, key, pipeline_id, make)
