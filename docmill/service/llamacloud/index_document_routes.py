"""The routes of what is in an index: texts with metadata, and uploaded files.

Ids of texts are the client's own, and may have any letters; they come quoted once or twice. Documents that docmill
ingested by itself have the ids of their nodes.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, JsonValue, RootModel
from starlette.responses import JSONResponse

from docmill.artifacts import extension
from docmill.index.base import EVERYTHING, Where
from docmill.index.conditions import Compare
from docmill.keys import Key
from docmill.models import ChunkKind, Document, Hit
from docmill.pipeline import delete_documents
from docmill.retrieve import live_space
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import any_json_of, form_of
from docmill.service.llamacloud.document_metadata import metadata_of
from docmill.service.llamacloud.entries import FILE, TEXT, Entries, Entry
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.index_routes import index_of, until_idle
from docmill.service.llamacloud.index_state import IN_PROGRESS, State, document_state, entry_state
from docmill.service.llamacloud.index_work import file_entry, remove, submit, text_entry
from docmill.service.llamacloud.indexes import Index
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.nodes import Source, sources_of, text_node
from docmill.service.llamacloud.retrieval import Found, text_of_document
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.problems import not_found
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1/pipelines/{pipeline_id}", tags=["llamacloud"], route_class=ClosingRoute)
_LARGEST = 10_000


class TextForm(BaseModel):
    """A text with metadata."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    metadata: dict[str, JsonValue] = {}
    id: str | None = None
    excluded_embed_metadata_keys: list[str] = []
    excluded_llm_metadata_keys: list[str] = []

    @property
    def body(self) -> Body:
        """What is kept beside the text."""
        return self.model_dump(mode="json", exclude={"text", "id"})


class FileForm(BaseModel):
    """An uploaded file with metadata."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file_id: str
    custom_metadata: dict[str, JsonValue] | None = None


class TextForms(RootModel[list[TextForm]]):
    """Texts."""


class FileForms(RootModel[list[FileForm]]):
    """Files."""


# Texts


async def _changed(request: Request, key: Key, pipeline_id: str, make: Callable[[Index], list[Entry]]) -> list[Entry]:
    """The entries that `make` gives are in the index, pending, and a job is on its way."""
    workspace: Workspace = request.app.state.workspace

    def put() -> list[Entry]:
        index = index_of(request, key, pipeline_id)
        made = Entries(workspace.ledger.database).put(make(index))
        if made:
            submit(workspace, key, index.collection)
        return made

    made = await asyncio.to_thread(put)
    runner_of(request).wake()
    return made


@router.put("/documents")
@router.post("/documents")
async def put_documents(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """Texts are in the index, in place of those of the same ids; their ingestion has begun."""
    forms = form_of(TextForms, await any_json_of(request)).root
    workspace: Workspace = request.app.state.workspace
    given = [(each.id or str(uuid.uuid4()), each) for each in forms]
    last = dict(given)

    def make(index: Index) -> list[Entry]:
        return [text_entry(workspace, index.collection, ref, each.text, each.body) for ref, each in last.items()]

    await _changed(request, key, pipeline_id, make)
    return JSONResponse([_document_view(ref, each.text, each.body, IN_PROGRESS) for ref, each in given])


def _document_view(ref: str, text: str, body: Body, status: str) -> Body:
    return {
        "id": ref,
        "text": text,
        "metadata": body.get("metadata") or {},
        "excluded_embed_metadata_keys": body.get("excluded_embed_metadata_keys") or [],
        "excluded_llm_metadata_keys": body.get("excluded_llm_metadata_keys") or [],
        "page_positions": None,
        "status_metadata": {"status": status},
    }


def _sources(workspace: Workspace, index: Index, file_id: str = "") -> list[tuple[str, Source | None, Entry | None]]:
    """(id, document, entry) of all that is in an index: texts as they came, then files and what docmill ingested."""
    texts = Entries(workspace.ledger.database).all(index.collection, TEXT)
    own = {each.document_id for each in texts}
    others = [each for each in workspace.ledger.documents(index.collection) if each.document_id not in own]
    known = sources_of(workspace, [*own, *(each.document_id for each in others)])
    found: list[tuple[str, Source | None, Entry | None]] = [
        (each.ref_id, known.get(each.document_id), each) for each in texts
    ]
    found += [
        (known[each.document_id].ref, known[each.document_id], None) for each in others if each.document_id in known
    ]
    return [each for each in found if file_id in ("", each[0])]


def _shown(workspace: Workspace, ref: str, source: Source | None, entry: Entry | None) -> Body:
    if entry is not None:
        text = workspace.store.get(entry.key).decode("utf-8", "replace")
        return _document_view(ref, text, entry.body, entry_state(workspace, entry).status)
    assert source is not None
    text = text_of_document(workspace, source.document, source.entry)
    body: Body = {"metadata": metadata_of(source.document, source.entry)}
    return _document_view(ref, text, body, document_state(workspace, source.document).status)


@router.get("/documents")
def list_documents(
    request: Request, key: PatientCaller, pipeline_id: str, skip: int = 0, limit: int = 10, file_id: str = ""
) -> list[Body]:
    """What is in the index, in a stable order; an empty list behind the last."""
    workspace: Workspace = request.app.state.workspace
    found = _sources(workspace, index_of(request, key, pipeline_id), file_id)
    return [_shown(workspace, *each) for each in found[max(0, skip) : max(0, skip) + max(0, limit)]]


@router.get("/documents/paginated")
def page_documents(
    request: Request, key: PatientCaller, pipeline_id: str, skip: int = 0, limit: int = 10, file_id: str = ""
) -> Body:
    """The same with the number of all."""
    workspace: Workspace = request.app.state.workspace
    found = _sources(workspace, index_of(request, key, pipeline_id), file_id)
    page = found[max(0, skip) : max(0, skip) + max(0, limit)]
    shown: list[JsonValue] = [_shown(workspace, *each) for each in page]
    return {"documents": shown, "limit": limit, "offset": skip, "total_count": len(found)}


def _find(request: Request, key: Key, pipeline_id: str, ref: str) -> tuple[Index, Entry | None, Document | None]:
    """The entry or the document that a reference means; raises a Problem 404."""
    workspace: Workspace = request.app.state.workspace
    index = index_of(request, key, pipeline_id)
    entry = Entries(workspace.ledger.database).find(index.collection, ref)
    try:
        document = workspace.ledger.document(entry.document_id if entry else uuid.UUID(ref).hex)
    except ValueError:
        document = None
    if document is not None and document.collection != index.collection:
        document = None
    if entry is None and document is None:
        raise not_found(f"document {ref} in the index {index.name}")
    return index, entry, document


def _source(request: Request, key: Key, pipeline_id: str, ref: str) -> tuple[Index, Source | None, Entry | None]:
    index, entry, document = _find(request, key, pipeline_id, ref)
    return index, Source(document, entry) if document else None, entry


async def _state(request: Request, key: Key, pipeline_id: str, ref: str) -> JSONResponse:
    """How the entry or document stands, as soon as the job that works on it has ended."""
    workspace: Workspace = request.app.state.workspace
    index, entry, document = await asyncio.to_thread(_find, request, key, pipeline_id, ref)
    if entry is not None and entry.pending:
        await until_idle(request, index.collection)
        index, entry, document = await asyncio.to_thread(_find, request, key, pipeline_id, ref)
    if entry is not None:
        state: State = await asyncio.to_thread(entry_state, workspace, entry)
    else:
        assert document is not None
        state = await asyncio.to_thread(document_state, workspace, document)
    return JSONResponse(state.view())


@router.get("/documents/{document_id:path}/status")
async def document_status(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> JSONResponse:
    """How a document stands."""
    return await _state(request, key, pipeline_id, document_id)


@router.post("/documents/{document_id:path}/sync")
async def sync_document(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> JSONResponse:
    """Nothing but that the document is there: what was put has begun already."""
    await asyncio.to_thread(_find, request, key, pipeline_id, document_id)
    return JSONResponse({"status": "ok"})


@router.get("/documents/{document_id:path}/chunks")
def document_chunks(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> list[Body]:
    """The chunks of a document as they can be found, in their order."""
    workspace: Workspace = request.app.state.workspace
    index, source, _ = _source(request, key, pipeline_id, document_id)
    space = live_space(workspace, index.collection)
    if space is None or source is None:
        return []
    same = Compare(field="document_id", op="==", value=source.document.document_id)
    where = Where(EVERYTHING.access, same, ChunkKind.PASSAGE)
    rows = workspace.index.find(index.collection, space, where, _LARGEST)
    return [
        text_node(workspace, index, _as_found(row.chunk_id, row.text, row.pages, source.document), source)
        for row in rows
    ]


def _as_found(chunk_id: str, text: str, pages: Sequence[int], document: Document) -> Found:
    hit = Hit(
        chunk_id=chunk_id,
        score=0.0,
        text=text,
        collection=document.collection,
        document_id=document.document_id,
        version=document.version,
        source_key=document.source_key,
        pages=tuple(pages),
    )
    return Found(hit, 0.0)


@router.get("/documents/{document_id:path}")
def get_document(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> Body:
    """A document with its text."""
    _, source, entry = _source(request, key, pipeline_id, document_id)
    ref = entry.ref_id if entry else source.ref if source else document_id
    text_only = entry if entry is not None and entry.kind == TEXT else None
    return _shown(request.app.state.workspace, ref, source, text_only)


@router.delete("/documents/{document_id:path}", status_code=204)
def delete_document(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> None:
    """The document cannot be found any more; an object that docmill ingested by itself stays where it is."""
    _delete(request, key, pipeline_id, document_id)


def _delete(request: Request, key: Key, pipeline_id: str, ref: str) -> None:
    workspace: Workspace = request.app.state.workspace
    index, entry, document = _find(request, key, pipeline_id, ref)
    if entry is not None:
        remove(workspace, [entry])
    elif document is not None:
        delete_documents(workspace, index.collection, [document.document_id])


# Files


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

    made = await _changed(request, key, pipeline_id, make)
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


def _files(request: Request, key: Key, pipeline_id: str) -> list[Body]:
    workspace: Workspace = request.app.state.workspace
    index = index_of(request, key, pipeline_id)
    found = Entries(workspace.ledger.database).all(index.collection, FILE)
    return [_file_view(key, pipeline_id, each, entry_state(workspace, each).status) for each in found]


@router.get("/files")
def list_files(request: Request, key: PatientCaller, pipeline_id: str) -> list[Body]:
    """The files that clients have put into the index."""
    return _files(request, key, pipeline_id)


@router.get("/files2")
def page_files(request: Request, key: PatientCaller, pipeline_id: str, limit: int = 100, offset: int = 0) -> Body:
    """The same, a page at a time, with the number of all."""
    found = _files(request, key, pipeline_id)
    page: list[JsonValue] = [*found[max(0, offset) : max(0, offset) + max(0, limit)]]
    return {"files": page, "limit": limit, "offset": offset, "total_count": len(found)}


@router.get("/files/status-counts")
def count_files(request: Request, key: PatientCaller, pipeline_id: str) -> Body:
    """How many files stand how."""
    counts: dict[str, JsonValue] = {}
    found = _files(request, key, pipeline_id)
    for each in found:
        name = str(each["status"])
        counts[name] = int(str(counts.get(name, 0))) + 1
    return {"counts": counts, "total_count": len(found), "pipeline_id": pipeline_id}


@router.get("/files/{file_id}/status")
async def file_status(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> JSONResponse:
    """How a file stands."""
    return await _state(request, key, pipeline_id, file_id)


@router.put("/files/{file_id}")
async def update_file(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> JSONResponse:
    """The file with other metadata."""
    body = await any_json_of(request)
    form = form_of(FileForm, {**(body if isinstance(body, dict) else {}), "file_id": file_id})
    workspace: Workspace = request.app.state.workspace

    def make(index: Index) -> list[Entry]:
        entry = Entries(workspace.ledger.database).find(index.collection, file_id)
        if entry is None or entry.kind != FILE:
            raise not_found(f"file {file_id} in the index {index.name}")
        data, name = workspace.store.get(entry.key), str(entry.body["name"])
        return [file_entry(workspace, index.collection, file_id, name, data, form.custom_metadata or {})]

    made = await _changed(request, key, pipeline_id, make)
    return JSONResponse(_file_view(key, pipeline_id, made[0], IN_PROGRESS))


@router.delete("/files/{file_id}", status_code=204)
def delete_file(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> None:
    """The file cannot be found in the index any more."""
    _delete(request, key, pipeline_id, file_id)


@router.get("/files/{file_id}")
def get_file(request: Request, key: PatientCaller, pipeline_id: str, file_id: str) -> Body:
    """A file that a client has put into the index."""
    index, entry, _ = _find(request, key, pipeline_id, file_id)
    if entry is None or entry.kind != FILE:
        raise not_found(f"file {file_id} in the index {index.name}")
    status = entry_state(request.app.state.workspace, entry).status
    return _file_view(key, pipeline_id, entry, status)
