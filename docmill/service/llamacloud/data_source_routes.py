"""The routes of data sources, alone and in indexes, and of the one data sink that there is."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, JsonValue, RootModel
from starlette.responses import JSONResponse

from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import any_json_of, form_of, json_of
from docmill.service.llamacloud.data_sources import Attached, DataSources
from docmill.service.llamacloud.index_routes import index_of, until_idle
from docmill.service.llamacloud.index_state import ERROR, IN_PROGRESS, SUCCESS, State, index_error
from docmill.service.llamacloud.index_work import index_work, submit
from docmill.service.llamacloud.indexes import Index, sink_view
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.v2.answers import page_of
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1", tags=["llamacloud"], route_class=ClosingRoute)
_OF_INDEX = "/pipelines/{pipeline_id}/data-sources"
_ONE_SINK = "Vectors lie in this deployment's own Milvus; an operator names it by milvus_uri."


class AttachForm(BaseModel):
    """A data source that an index is to have; `sync_interval` is in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    data_source_id: str
    sync_interval: float | None = None


class AttachForms(RootModel[list[AttachForm]]):
    """Data sources."""


def _sources(request: Request, key: Key) -> DataSources:
    return DataSources(request.app.state.workspace, key)


@router.get("/data-sources")
def listed(request: Request, key: PatientCaller) -> list[Body]:
    """The key's data sources."""
    sources = _sources(request, key)
    return [sources.view(each) for each in sources.all()]


@router.post("/data-sources")
async def create(request: Request, key: PatientCaller) -> JSONResponse:
    """A new data source: a prefix of a bucket that may be read from."""
    body, sources = await json_of(request), _sources(request, key)
    return JSONResponse(sources.view(await asyncio.to_thread(sources.create, body)))


@router.get("/data-sources/{source_id}")
def one(request: Request, key: PatientCaller, source_id: str) -> Body:
    """A data source."""
    sources = _sources(request, key)
    return sources.view(sources.get(source_id))


@router.put("/data-sources/{source_id}")
async def change(request: Request, key: PatientCaller, source_id: str) -> JSONResponse:
    """The data source with another name."""
    body, sources = await json_of(request), _sources(request, key)
    return JSONResponse(sources.view(await asyncio.to_thread(sources.rename, source_id, body)))


@router.delete("/data-sources/{source_id}", status_code=204)
def delete(request: Request, key: PatientCaller, source_id: str) -> None:
    """The data source is gone, and from indexes what came by it."""
    _sources(request, key).delete(source_id)


# In indexes


def _state(workspace: Workspace, index: Index) -> State:
    """How the newest job that looked at the index's sources stands."""
    jobs = [each for each in workspace.jobs.of_work(index_work(index.collection)) if each.payload.get("sync")]
    newest: Job | None = max(jobs, key=lambda job: job.created_at, default=None)
    if newest is None:
        return State(SUCCESS)
    if not newest.state.ended:
        return State(IN_PROGRESS, job_id=newest.job_id)
    since = newest.finished_at
    if newest.state is JobState.DONE:
        return State(SUCCESS, job_id=newest.job_id, since=since)
    message = f"{newest.message} {newest.hint}".strip() or "The sync was cancelled."
    return State(ERROR, (index_error(newest.job_id, message, "MANAGED_INGESTION"),), newest.job_id, since)


def _view(request: Request, key: Key, index: Index, attached: Attached) -> Body:
    state = _state(request.app.state.workspace, index)
    return _sources(request, key).view_of_index(attached, state.status, state.since)


@router.get(_OF_INDEX)
def of_index(request: Request, key: PatientCaller, pipeline_id: str) -> list[Body]:
    """The data sources that the key has given to the index; what an operator watches is not among them."""
    index = index_of(request, key, pipeline_id)
    return [_view(request, key, index, each) for each in _sources(request, key).of_index(index)]


@router.put(_OF_INDEX)
async def attach(request: Request, key: PatientCaller, pipeline_id: str) -> JSONResponse:
    """The index has these data sources, too, and has begun to mirror them."""
    forms = form_of(AttachForms, await any_json_of(request)).root

    def put() -> list[Body]:
        index, sources = index_of(request, key, pipeline_id), _sources(request, key)
        known = [sources.get(each.data_source_id) for each in forms]
        made = [
            sources.attach(index, each.item_id, form.sync_interval) for each, form in zip(known, forms, strict=True)
        ]
        submit(request.app.state.workspace, key, index.collection, sync=True)
        return [_view(request, key, index, each) for each in made]

    made = await asyncio.to_thread(put)
    runner_of(request).wake()
    return JSONResponse(made)


@router.put(_OF_INDEX + "/{source_id}")
async def change_interval(request: Request, key: PatientCaller, pipeline_id: str, source_id: str) -> JSONResponse:
    """The data source with another interval, which is only kept: sensors and schedules look when they are set to."""
    body = await json_of(request)
    form = form_of(AttachForm, {**body, "data_source_id": source_id})

    def put() -> Body:
        index, sources = index_of(request, key, pipeline_id), _sources(request, key)
        sources.of_both(index, source_id)
        return _view(request, key, index, sources.attach(index, source_id, form.sync_interval))

    return JSONResponse(await asyncio.to_thread(put))


@router.post(_OF_INDEX + "/{source_id}/sync")
async def sync(request: Request, key: PatientCaller, pipeline_id: str, source_id: str) -> JSONResponse:
    """The index mirrors its sources again."""
    workspace: Workspace = request.app.state.workspace

    def begin() -> Body:
        index = index_of(request, key, pipeline_id)
        _sources(request, key).of_both(index, source_id)
        submit(workspace, key, index.collection, sync=True)
        return index.view(key, workspace.config.embed.model)

    view = await asyncio.to_thread(begin)
    runner_of(request).wake()
    return JSONResponse(view)


@router.get(_OF_INDEX + "/{source_id}/status")
async def status(request: Request, key: PatientCaller, pipeline_id: str, source_id: str) -> JSONResponse:
    """How the newest sync stands, as soon as it has ended or after `service.hold_seconds`."""

    def known() -> Index:
        index = index_of(request, key, pipeline_id)
        _sources(request, key).of_both(index, source_id)
        return index

    index = await asyncio.to_thread(known)
    await until_idle(request, index.collection)
    return JSONResponse((await asyncio.to_thread(_state, request.app.state.workspace, index)).view())


# Sinks


@router.get("/data-sinks")
def sinks(key: PatientCaller) -> list[Body]:
    """The one data sink: the deployment's own Milvus."""
    return [sink_view(key)]


@router.get("/beta/data-sinks")
def page_of_sinks(request: Request, key: PatientCaller) -> JSONResponse:
    """The same as a page."""
    return JSONResponse(page_of(request, [sink_view(key)], lambda each: dict[str, JsonValue](each)))


@router.get("/data-sinks/{sink_id}")
def sink(key: PatientCaller, sink_id: str) -> Body:
    """The one data sink."""
    if sink_id != sink_view(key)["id"]:
        raise not_found(f"data sink {sink_id}")
    return sink_view(key)


@router.post("/data-sinks")
def create_sink(key: PatientCaller) -> None:
    """Refused: there is one data sink."""
    raise Problem(400, "one_sink", f"There is one data sink, {sink_view(key)['id']}.", _ONE_SINK)


@router.put("/data-sinks/{sink_id}")
@router.delete("/data-sinks/{sink_id}")
def change_sink(key: PatientCaller, sink_id: str) -> None:
    """Refused: the one data sink stays as it is."""
    sink(key, sink_id)
    raise Problem(400, "one_sink", "The data sink stays as it is.", _ONE_SINK)
