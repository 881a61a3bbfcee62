"""The routes of extraction agents: a schema and a configuration that a key keeps under a name."""

from __future__ import annotations

import asyncio
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.scan import scan
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of
from docmill.service.llamacloud.extraction import RunConfig, checked_schema, config_of
from docmill.service.llamacloud.extraction_intake import Given, uploaded
from docmill.service.llamacloud.extraction_views import AGENT, JSON, agent_view, hidden_agent
from docmill.service.llamacloud.items import Item, Items, items_of
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.structured.documents import ReadDocument, ReadTask, read_document
from docmill.structured.proposal import propose
from docmill.structured.record import Json
from docmill.workspace import Workspace

_LONGEST = 3_000
"""Characters of an agent's name."""
_PLAIN: Json = {"type": "object", "properties": {"title": {"type": "string", "description": "Title of the document"}}}
"""The schema of the agent that the protocol makes by itself; its runs bring theirs."""

router = APIRouter(prefix="/api/v1/extraction/extraction-agents", tags=["llamacloud"], route_class=ClosingRoute)


def agents_of(workspace: Workspace) -> Items:
    """The agents in a workspace."""
    return items_of(workspace, AGENT)


def agent_of(workspace: Workspace, key: Key, agent_id: str) -> Item:
    """The key's agent; raises a Problem 404."""
    hidden = hidden_agent(key, _PLAIN, RunConfig().shown())
    found = hidden if agent_id == hidden.item_id else agents_of(workspace).find(agent_id, key.key_id)
    if found is None:
        raise not_found(f"extraction agent {agent_id}")
    return found


@router.post("/schema/validation")
async def validate(request: Request, key: PatientCaller) -> JSONResponse:
    """The schema as it came, if it can be used."""
    body = await json_of(request)
    return JSONResponse({"data_schema": checked_schema(body.get("data_schema"))})


@router.post("/schema/generate")
async def generate(request: Request, key: PatientCaller) -> JSONResponse:
    """A schema for documents like an uploaded one: what stands beside labels in it, and the columns of its tables."""
    return JSONResponse({"data_schema": await generated(request, key, await json_of(request))})


async def generated(request: Request, key: Key, body: JSON) -> Json:
    """A schema from the example that a request names, else the request's own; raises a Problem 400 without either."""
    if body.get("file_id"):
        workspace: Workspace = request.app.state.workspace
        given = await asyncio.to_thread(uploaded, str(body["file_id"]), workspace, key)
        return await asyncio.to_thread(_proposed, request, given)
    if body.get("data_schema"):
        return checked_schema(body["data_schema"])
    raise Problem(400, "no_example", "A schema is made from an example: send `file_id`.")


def _proposed(request: Request, given: Given) -> Json:
    """The schema that is proposed for a document; raises the DocmillError that says why there is none."""
    workspace: Workspace = request.app.state.workspace
    scan(given.content, given.name, workspace.settings.scan)
    task = ReadTask(given.content, given.name, workspace.config.extract)
    return propose([cast(ReadDocument, runner_of(request).run(read_document, task)).layout])


@router.post("")
async def create(request: Request, key: PatientCaller) -> JSONResponse:
    """A new agent; 409 where the key has one of that name."""
    body = await json_of(request)
    name = body.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST:
        raise Problem(400, "invalid_name", f"An agent needs a name of at most {_LONGEST} characters.")
    about = _about(body)
    agents = agents_of(request.app.state.workspace)
    if await asyncio.to_thread(agents.all, key.key_id, name):
        raise Problem(409, "name_taken", f"There is an extraction agent named {name!r} already.")
    return JSONResponse(agent_view(await asyncio.to_thread(agents.put, key.key_id, name, about), key))


def _about(body: JSON) -> Json:
    schema = checked_schema(body.get("data_schema"))
    return cast(Json, {"schema": schema, "config": config_of(body.get("config")).shown()})


@router.get("")
def listed(request: Request, key: PatientCaller) -> JSONResponse:
    """The key's agents, the oldest first."""
    found = agents_of(request.app.state.workspace).all(key.key_id)
    return JSONResponse([agent_view(each, key) for each in found])


@router.get("/by-name/{name:path}")
def by_name(request: Request, key: PatientCaller, name: str) -> JSONResponse:
    """The agent of that name."""
    found = agents_of(request.app.state.workspace).all(key.key_id, name)
    if not found:
        raise not_found(f"extraction agent named {name!r}")
    return JSONResponse(agent_view(found[0], key))


@router.get("/default")
def default(key: PatientCaller) -> JSONResponse:
    """The agent of runs without one; it is in no list."""
    return JSONResponse(agent_view(hidden_agent(key, _PLAIN, RunConfig().shown()), key))


@router.get("/{agent_id}")
def one(request: Request, key: PatientCaller, agent_id: str) -> JSONResponse:
    """The agent."""
    return JSONResponse(agent_view(agent_of(request.app.state.workspace, key, agent_id), key))


@router.put("/{agent_id}")
async def change(request: Request, key: PatientCaller, agent_id: str) -> JSONResponse:
    """The agent with another schema and configuration; runs that were begun keep theirs."""
    about = _about(await json_of(request))
    workspace: Workspace = request.app.state.workspace
    agent = await asyncio.to_thread(agent_of, workspace, key, agent_id)
    changed = await asyncio.to_thread(agents_of(workspace).put, key.key_id, agent.name, about, agent.item_id)
    return JSONResponse(agent_view(changed, key))


@router.delete("/{agent_id}")
def delete(request: Request, key: PatientCaller, agent_id: str) -> None:
    """The agent is gone, its runs are not: `null`, for a client that reads JSON."""
    if not agents_of(request.app.state.workspace).delete(agent_id, key.key_id):
        raise not_found(f"extraction agent {agent_id}")
