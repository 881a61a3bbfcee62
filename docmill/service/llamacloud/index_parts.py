"""What the routes of texts and of files in an index share: parts of it put, found, looked at and deleted."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from fastapi import Request
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.models import Document
from docmill.pipeline import delete_documents
from docmill.service.llamacloud.entries import Entries, Entry
from docmill.service.llamacloud.index_routes import index_of, until_idle
from docmill.service.llamacloud.index_state import State, document_state, entry_state
from docmill.service.llamacloud.index_work import remove, submit
from docmill.service.llamacloud.indexes import Index
from docmill.service.problems import not_found
from docmill.service.runner import runner_of
from docmill.workspace import Workspace


async def put_in(request: Request, key: Key, pipeline_id: str, make: Callable[[Index], list[Entry]]) -> list[Entry]:
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


def find(request: Request, key: Key, pipeline_id: str, ref: str) -> tuple[Index, Entry | None, Document | None]:
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


async def state_of(request: Request, key: Key, pipeline_id: str, ref: str) -> JSONResponse:
    """How the entry or document stands, as soon as the job that works on it has ended."""
    workspace: Workspace = request.app.state.workspace
    index, entry, document = await asyncio.to_thread(find, request, key, pipeline_id, ref)
    if entry is not None and entry.pending:
        await until_idle(request, index.collection)
        index, entry, document = await asyncio.to_thread(find, request, key, pipeline_id, ref)
    if entry is not None:
        state: State = await asyncio.to_thread(entry_state, workspace, entry)
    else:
        assert document is not None
        state = await asyncio.to_thread(document_state, workspace, document)
    return JSONResponse(state.view())


def delete(request: Request, key: Key, pipeline_id: str, ref: str) -> None:
    """What the reference means cannot be found any more; raises a Problem 404."""
    workspace: Workspace = request.app.state.workspace
    index, entry, document = find(request, key, pipeline_id, ref)
    if entry is not None:
        remove(workspace, [entry])
    elif document is not None:
        delete_documents(workspace, index.collection, [document.document_id])
