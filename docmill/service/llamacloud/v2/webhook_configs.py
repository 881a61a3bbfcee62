"""Saved webhook configurations: addresses that a key keeps, which jobs then name by id. A secret is never answered."""

from __future__ import annotations

import asyncio
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of
from docmill.service.llamacloud.items import Item, Items, items_of
from docmill.service.llamacloud.v2.answers import JSON, page_of, workspace_of
from docmill.service.llamacloud.webhook_targets import Target, target_of, targets_of
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.problems import Problem, not_found
from docmill.structured.record import Json
from docmill.workspace import Workspace

router = APIRouter(tags=["llamacloud"], route_class=ClosingRoute)
_PATH = "/api/v1/beta/webhook-configs"
_KIND = "webhook"


def targets(workspace: Workspace, key: Key, body: JSON) -> tuple[Target, ...]:
    """The addresses of a request: its own, and saved ones by their ids; raises a Problem 400 or 404."""
    ids = body.get("webhook_configuration_ids") or []
    if not isinstance(ids, list):
        raise Problem(400, "invalid_webhook", "webhook_configuration_ids is a list of ids.")
    saved = [Target.model_validate(_known(workspace, key, str(each)).body) for each in ids]
    return (*targets_of(body.get("webhook_configurations"), workspace), *saved)


def _items(workspace: Workspace) -> Items:
    return items_of(workspace, _KIND)


def _known(workspace: Workspace, key: Key, config_id: str) -> Item:
    found = _items(workspace).find(config_id, key.key_id)
    if found is None:
        raise not_found(f"webhook configuration {config_id}")
    return found


def _view(key: Key, item: Item) -> JSON:
    shown = {name: value for name, value in item.body.items() if name not in ("webhook_signing_secret", "whole")}
    return {
        **shown,
        "id": item.item_id,
        "has_secret": bool(item.body["webhook_signing_secret"]),
        "tenant_id": project_id(key),
        "tenant_type": "project",
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
    }


async def _kept(request: Request, key: Key, body: JSON, config_id: str = "") -> JSONResponse:
    """The configuration as it is kept now."""
    workspace = workspace_of(request)

    def put() -> JSON:
        target = target_of({**body, "whole": False}, workspace)
        about = cast(Json, target.model_dump(mode="json"))
        return _view(key, _items(workspace).put(key.key_id, "", about, config_id))

    return JSONResponse(await asyncio.to_thread(put))


@router.post(_PATH)
async def create(request: Request, key: PatientCaller) -> JSONResponse:
    """A new configuration."""
    return await _kept(request, key, await json_of(request))


@router.get(_PATH)
def listed(request: Request, key: PatientCaller) -> list[JSON]:
    """The key's configurations, oldest first."""
    return [_view(key, each) for each in _items(workspace_of(request)).all(key.key_id)]


@router.get("/api/v2/webhook-configs")
def page(request: Request, key: PatientCaller) -> JSONResponse:
    """A page of the key's configurations, the newest first."""
    found = _items(workspace_of(request)).all(key.key_id)[::-1]
    return JSONResponse(page_of(request, found, lambda each: _view(key, each)))


@router.get(_PATH + "/{config_id}")
def one(request: Request, key: PatientCaller, config_id: str) -> JSONResponse:
    """The configuration."""
    return JSONResponse(_view(key, _known(workspace_of(request), key, config_id)))


@router.put(_PATH + "/{config_id}")
async def change(request: Request, key: PatientCaller, config_id: str) -> JSONResponse:
    """The configuration with what is given in place of what it had; jobs that were begun keep theirs."""
    body = await json_of(request)
    known = await asyncio.to_thread(_known, workspace_of(request), key, config_id)
    return await _kept(request, key, {**known.body, **body}, config_id)


@router.delete(_PATH + "/{config_id}", status_code=204)
def delete(request: Request, key: PatientCaller, config_id: str) -> None:
    """The configuration is gone."""
    _known(workspace_of(request), key, config_id)
    _items(workspace_of(request)).delete(config_id, key.key_id)
