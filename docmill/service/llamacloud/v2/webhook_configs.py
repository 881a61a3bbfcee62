"""Saved webhook configurations: addresses that a key keeps, which jobs then name by id.

The ledger has a row each; address, headers and secret lie in the store at `webhooks/<id>`. A secret is never answered.
"""

from __future__ import annotations

import asyncio
import uuid

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
from docmill.workspace import Workspace

router = APIRouter(tags=["llamacloud"], route_class=ClosingRoute)
_PATH = "/api/v1/beta/webhook-configs"
_KIND = "webhook"


def targets(workspace: Workspace, key: Key, body: JSON) -> tuple[Target, ...]:
    """The addresses of a request: its own, and saved ones by their ids; raises a Problem 400 or 404."""
    ids = body.get("webhook_configuration_ids") or []
    if not isinstance(ids, list):
        raise Problem(400, "invalid_webhook", "webhook_configuration_ids is a list of ids.")
    saved = [_target(workspace, _known(workspace, key, str(each))) for each in ids]
    return (*targets_of(body.get("webhook_configurations"), workspace), *saved)


def _items(workspace: Workspace) -> Items:
    return items_of(workspace, _KIND)


def _known(workspace: Workspace, key: Key, config_id: str) -> Item:
    found = _items(workspace).find(config_id, key.key_id)
    if found is None:
        raise not_found(f"webhook configuration {config_id}")
    return found


def _at(item_id: str) -> str:
    return f"webhooks/{item_id}"


def _target(workspace: Workspace, item: Item) -> Target:
    return Target.model_validate_json(workspace.store.get(_at(item.item_id)))


def _view(workspace: Workspace, key: Key, item: Item) -> JSON:
    target = _target(workspace, item)
    return {
        **target.model_dump(mode="json", exclude={"webhook_signing_secret", "whole"}),
        "id": item.item_id,
        "has_secret": bool(target.webhook_signing_secret),
        "tenant_id": project_id(key),
        "tenant_type": "project",
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
    }


def _put(workspace: Workspace, key: Key, body: JSON, config_id: str) -> JSON:
    """The configuration as it is kept now."""
    target = target_of({**body, "whole": False}, workspace)
    workspace.store.put(_at(config_id), target.model_dump_json().encode())
    return _view(workspace, key, _items(workspace).put(key.key_id, "", {}, config_id))


@router.post(_PATH)
async def create(request: Request, key: PatientCaller) -> JSONResponse:
    """A new configuration."""
    body = await json_of(request)
    return JSONResponse(await asyncio.to_thread(_put, workspace_of(request), key, body, str(uuid.uuid4())))


@router.get(_PATH)
def listed(request: Request, key: PatientCaller) -> list[JSON]:
    """The key's configurations, oldest first."""
    workspace = workspace_of(request)
    return [_view(workspace, key, each) for each in _items(workspace).all(key.key_id)]


@router.get("/api/v2/webhook-configs")
def page(request: Request, key: PatientCaller) -> JSONResponse:
    """A page of the key's configurations, the newest first."""
    workspace = workspace_of(request)
    found = _items(workspace).all(key.key_id)[::-1]
    return JSONResponse(page_of(request, found, lambda each: _view(workspace, key, each)))


@router.get(_PATH + "/{config_id}")
def one(request: Request, key: PatientCaller, config_id: str) -> JSONResponse:
    """The configuration."""
    workspace = workspace_of(request)
    return JSONResponse(_view(workspace, key, _known(workspace, key, config_id)))


@router.put(_PATH + "/{config_id}")
async def change(request: Request, key: PatientCaller, config_id: str) -> JSONResponse:
    """The configuration with what is given in place of what it had; jobs that were begun keep theirs."""
    body, workspace = await json_of(request), workspace_of(request)

    def changed() -> JSON:
        known = _target(workspace, _known(workspace, key, config_id))
        return _put(workspace, key, {**known.model_dump(mode="json"), **body}, config_id)

    return JSONResponse(await asyncio.to_thread(changed))


@router.delete(_PATH + "/{config_id}", status_code=204)
def delete(request: Request, key: PatientCaller, config_id: str) -> None:
    """The configuration is gone."""
    workspace = workspace_of(request)
    _known(workspace, key, config_id)
    _items(workspace).delete(config_id, key.key_id)
    workspace.store.delete(_at(config_id))
