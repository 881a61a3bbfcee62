"""The routes of indexes: create, connect, sync, status, delete, and questions to them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of, text_of
from docmill.service.llamacloud.data_sources import DataSources
from docmill.service.llamacloud.entries import Entries
from docmill.service.llamacloud.index_state import State, index_state, open_job
from docmill.service.llamacloud.index_work import remove, submit
from docmill.service.llamacloud.indexes import Index, Indexes, check_sink
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.nodes import retrieve
from docmill.service.llamacloud.retrieval import question_of
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1/pipelines", tags=["llamacloud"], route_class=ClosingRoute)


def index_of(request: Request, key: Key, pipeline_id: str) -> Index:
    """The index that the key may use; raises a Problem 404."""
    return Indexes(request.app.state.workspace, key).get(pipeline_id)


def _view(request: Request, key: Key, index: Index) -> Body:
    workspace: Workspace = request.app.state.workspace
    return index.view(key, workspace.config.embed.model)


@router.get("")
def search_indexes(
    request: Request, key: PatientCaller, pipeline_name: str = "", pipeline_type: str = "", project_name: str = ""
) -> list[Body]:
    """The indexes that the key may use, those of a name where one is given."""
    if pipeline_type == "PLAYGROUND" or project_name.lower() not in ("", "default"):
        return []
    found = Indexes(request.app.state.workspace, key).all()
    return [_view(request, key, each) for each in found if pipeline_name in ("", each.name)]


async def _put(request: Request, key: Key, *, is_new: bool) -> JSONResponse:
    body = await json_of(request)
    name = text_of(body, "name")
    check_sink(key, body)

    def put() -> Body:
        indexes = Indexes(request.app.state.workspace, key)
        if is_new and indexes.named(name) is not None:
            raise Problem(409, "name_taken", f"There is an index named {name!r}.")
        return _view(request, key, indexes.put(name, body))

    return JSONResponse(await asyncio.to_thread(put))


@router.put("")
async def upsert_index(request: Request, key: PatientCaller) -> JSONResponse:
    """The index of a name, created where there is none."""
    return await _put(request, key, is_new=False)


@router.post("")
async def create_index(request: Request, key: PatientCaller) -> JSONResponse:
    """A new index; 409 for a name that is taken."""
    return await _put(request, key, is_new=True)


@router.get("/{pipeline_id}")
def get_index(request: Request, key: PatientCaller, pipeline_id: str) -> Body:
    """An index."""
    return _view(request, key, index_of(request, key, pipeline_id))


@router.put("/{pipeline_id}")
async def update_index(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """The index with other settings; its name stays, for it is the collection's."""
    body = await json_of(request)

    def update() -> Body:
        index = index_of(request, key, pipeline_id)
        return _view(request, key, Indexes(request.app.state.workspace, key).put(index.name, body))

    return JSONResponse(await asyncio.to_thread(update))


@router.delete("/{pipeline_id}", status_code=204)
@router.post("/{pipeline_id}/force-delete", status_code=204)
def delete_index(request: Request, key: PatientCaller, pipeline_id: str) -> None:
    """All that clients have put into the index is gone; what docmill itself watches or ingested stays."""
    workspace: Workspace = request.app.state.workspace
    index = index_of(request, key, pipeline_id)
    DataSources(workspace, key).detach_all(index)
    remove(workspace, Entries(workspace.ledger.database).all(index.collection))
    Indexes(workspace, key).forget(index)


@router.get("/{pipeline_id}/status")
async def status(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """How the index stands, as soon as its jobs have ended or after `service.hold_seconds`."""
    index = await asyncio.to_thread(index_of, request, key, pipeline_id)
    agent = request.headers.get("user-agent", "")
    patient = "x-fern-language" in request.headers or not agent.startswith("node")
    await until_idle(request, index.collection)
    state: State = await asyncio.to_thread(
        index_state, request.app.state.workspace, index.collection, is_patient=patient
    )
    return JSONResponse(state.view())


async def until_idle(request: Request, collection: str) -> None:
    """Returns when a job of the index has ended, at once without one, or after `service.hold_seconds`."""
    workspace: Workspace = request.app.state.workspace
    job = await asyncio.to_thread(open_job, workspace, collection)
    if job is not None:
        await runner_of(request).job(job.job_id, job.tenant, workspace.settings.service.hold_seconds)


@router.post("/{pipeline_id}/sync")
async def sync(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """The index mirrors its watched sources again, and what was left undone is done; what was put has begun already."""
    workspace: Workspace = request.app.state.workspace
    index = await asyncio.to_thread(index_of, request, key, pipeline_id)

    def begin() -> None:
        watched = {name for name, _ in workspace.ledger.sources()} | set(workspace.settings.watch)
        idle = open_job(workspace, index.collection) is None
        if index.collection in watched or (idle and Entries(workspace.ledger.database).pending(index.collection)):
            submit(workspace, key, index.collection, sync=index.collection in watched)

    await asyncio.to_thread(begin)
    runner_of(request).wake()
    return JSONResponse(_view(request, key, index))


@router.post("/{pipeline_id}/sync/cancel")
def cancel_sync(request: Request, key: PatientCaller, pipeline_id: str) -> Body:
    """The jobs of the index that have not ended are cancelled; what was put stays to be done by the next one."""
    workspace: Workspace = request.app.state.workspace
    index = index_of(request, key, pipeline_id)
    while (job := open_job(workspace, index.collection)) is not None:
        workspace.jobs.cancel(job.job_id)
    return _view(request, key, index)


@router.post("/{pipeline_id}/retrieve")
async def ask(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """The nodes that answer a question."""
    index = await asyncio.to_thread(index_of, request, key, pipeline_id)
    question = question_of(await json_of(request), index.preset)
    return JSONResponse(await retrieve(request, key.key_id, index, question))
