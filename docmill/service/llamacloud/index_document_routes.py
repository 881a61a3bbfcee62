"""The routes of what is in an index: a client's texts with metadata, and all else as documents, too.

Ids of texts are the client's own, and may have any letters; they come quoted once or twice. Documents that docmill
ingested by itself have the ids of their nodes.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, JsonValue, RootModel
from starlette.responses import JSONResponse

from docmill.index.base import EVERYTHING, Where
from docmill.index.conditions import Compare
from docmill.keys import Key
from docmill.models import ChunkKind, Document, Hit
from docmill.retrieve import live_space
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import any_json_of, form_of
from docmill.service.llamacloud.document_metadata import metadata_of
from docmill.service.llamacloud.entries import TEXT, Entries, Entry
from docmill.service.llamacloud.index_contents import Contents, Part
from docmill.service.llamacloud.index_parts import delete, find, put_in, state_of
from docmill.service.llamacloud.index_routes import index_of
from docmill.service.llamacloud.index_state import IN_PROGRESS, document_state, entry_state
from docmill.service.llamacloud.index_work import submit, text_entry
from docmill.service.llamacloud.indexes import Index
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.nodes import Source, text_node
from docmill.service.llamacloud.retrieval import Found, text_of_document
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem
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


class TextForms(RootModel[list[TextForm]]):
    """Texts."""


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

    await put_in(request, key, pipeline_id, make)
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


def _shown(workspace: Workspace, part: Part) -> Body:
    ref, source, entry = part.ref, part.source, part.entry
    if entry is not None:
        text = workspace.store.get(entry.key).decode("utf-8", "replace")
        return _document_view(ref, text, entry.body, entry_state(workspace, entry).status)
    assert source is not None
    text = text_of_document(workspace, source.document, source.entry)
    body: Body = {"metadata": metadata_of(source.document, source.entry)}
    return _document_view(ref, text, body, document_state(workspace, source.document).status)


def _listed(
    request: Request, key: Key, pipeline_id: str, file_id: str, place: tuple[int, int]
) -> tuple[list[Body], int]:
    """The parts of the index that `place` (skip, limit) names, or the one of an id, and how many there are."""
    workspace: Workspace = request.app.state.workspace
    contents = Contents(workspace, index_of(request, key, pipeline_id).collection)
    if not file_id:
        return [_shown(workspace, each) for each in contents.page(*place)], contents.count()
    try:
        _, source, entry = _source(request, key, pipeline_id, file_id)
    except Problem:
        return [], 0
    part = Part(file_id, source, entry if entry is not None and entry.kind == TEXT else None)
    return [_shown(workspace, part)][max(0, place[0]) :][: max(0, place[1])], 1


@router.get("/documents")
def list_documents(
    request: Request, key: PatientCaller, pipeline_id: str, skip: int = 0, limit: int = 10, file_id: str = ""
) -> list[Body]:
    """What is in the index, in a stable order; an empty list behind the last."""
    return _listed(request, key, pipeline_id, file_id, (skip, limit))[0]


@router.get("/documents/paginated")
def page_documents(
    request: Request, key: PatientCaller, pipeline_id: str, skip: int = 0, limit: int = 10, file_id: str = ""
) -> Body:
    """The same with the number of all."""
    page, count = _listed(request, key, pipeline_id, file_id, (skip, limit))
    return {"documents": [*page], "limit": limit, "offset": skip, "total_count": count}


@router.get("/documents/status-counts")
def count_documents(request: Request, key: PatientCaller, pipeline_id: str) -> Body:
    """How many documents stand how."""
    found = Contents(request.app.state.workspace, index_of(request, key, pipeline_id).collection).statuses()
    return {"counts": {**found}, "total_count": sum(found.values()), "pipeline_id": pipeline_id}


@router.post("/documents/force-sync-all", status_code=202)
async def force_sync(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """All texts are looked at again: what has failed is tried anew, the rows of all are counted."""
    workspace: Workspace = request.app.state.workspace

    def begin() -> None:
        collection = index_of(request, key, pipeline_id).collection
        Entries(workspace.ledger.database).reopen(collection, TEXT)
        submit(workspace, key, collection)

    await asyncio.to_thread(begin)
    runner_of(request).wake()
    return JSONResponse({"status": "ok"}, status_code=202)


def _source(request: Request, key: Key, pipeline_id: str, ref: str) -> tuple[Index, Source | None, Entry | None]:
    index, entry, document = find(request, key, pipeline_id, ref)
    return index, Source(document, entry) if document else None, entry


@router.get("/documents/{document_id:path}/status")
async def document_status(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> JSONResponse:
    """How a document stands."""
    return await state_of(request, key, pipeline_id, document_id)


@router.post("/documents/{document_id:path}/sync")
async def sync_document(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> JSONResponse:
    """Nothing but that the document is there: what was put has begun already."""
    await asyncio.to_thread(find, request, key, pipeline_id, document_id)
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
    return _shown(request.app.state.workspace, Part(ref, source, text_only))


@router.delete("/documents/{document_id:path}", status_code=204)
def delete_document(request: Request, key: PatientCaller, pipeline_id: str, document_id: str) -> None:
    """The document cannot be found any more; an object that docmill ingested by itself stays where it is."""
    delete(request, key, pipeline_id, document_id)
