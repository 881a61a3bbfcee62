"""Saved configurations: options of parse or extract jobs that a key keeps under a name."""

from __future__ import annotations

import asyncio
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import json_of, text_of
from docmill.service.llamacloud.items import Item, Items, items_of
from docmill.service.llamacloud.v2.answers import JSON, page_of, workspace_of
from docmill.service.llamacloud.wire import ClosingRoute, moment
from docmill.service.problems import Problem, not_found
from docmill.structured.record import Json
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1/beta/configurations", tags=["llamacloud"], route_class=ClosingRoute)
_KIND = "configuration"
_PRODUCTS = ("parse_v2", "extract_v2")


def _items(workspace: Workspace) -> Items:
    return items_of(workspace, _KIND)


def saved(workspace: Workspace, key: Key, config_id: str, product: str) -> JSON:
    """The parameters of a saved configuration; raises a Problem 404 where the key has none of that id and product."""
    found = _items(workspace).find(config_id, key.key_id)
    parameters = cast(JSON, found.body["parameters"]) if found is not None else {}
    if parameters.get("product_type") != product:
        raise not_found(f"configuration {config_id} for {product}")
    return {name: value for name, value in parameters.items() if name != "product_type"}


def _view(item: Item) -> JSON:
    parameters = cast(JSON, item.body["parameters"])
    return {
        "id": item.item_id,
        "name": item.name,
        "parameters": parameters,
        "product_type": parameters["product_type"],
        "version": moment(item.updated_at),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
    }


def _parameters(body: JSON) -> Json:
    """The parameters of a request; raises a Problem 400."""
    given = body.get("parameters")
    if not isinstance(given, dict) or given.get("product_type") not in _PRODUCTS:
        raise Problem(400, "invalid_parameters", f"parameters.product_type is one of {', '.join(_PRODUCTS)}.")
    return given


def _known(request: Request, key: Key, config_id: str) -> Item:
    found = _items(workspace_of(request)).find(config_id, key.key_id)
    if found is None:
        raise not_found(f"configuration {config_id}")
    return found


@router.post("")
async def create(request: Request, key: PatientCaller) -> JSONResponse:
    """A new configuration."""
    body = await json_of(request)
    name, parameters = text_of(body, "name"), _parameters(body)
    items = _items(workspace_of(request))
    return JSONResponse(_view(await asyncio.to_thread(items.put, key.key_id, name, {"parameters": parameters})))


@router.get("")
def listed(request: Request, key: PatientCaller, name: str = "") -> JSONResponse:
    """A page of the key's configurations, the newest first."""
    products = request.query_params.getlist("product_type")
    found = [_view(each) for each in _items(workspace_of(request)).all(key.key_id, name or None)[::-1]]
    chosen = [each for each in found if not products or each["product_type"] in products]
    return JSONResponse(page_of(request, chosen, dict))


@router.get("/{config_id}")
def one(request: Request, key: PatientCaller, config_id: str) -> JSONResponse:
    """The configuration."""
    return JSONResponse(_view(_known(request, key, config_id)))


@router.put("/{config_id}")
async def change(request: Request, key: PatientCaller, config_id: str) -> JSONResponse:
    """The configuration with another name or other parameters; jobs that were begun keep theirs."""
    body = await json_of(request)
    known = await asyncio.to_thread(_known, request, key, config_id)
    parameters = _parameters(body) if body.get("parameters") else known.body["parameters"]
    name = str(body.get("name") or known.name)
    about: Json = {"parameters": parameters}
    changed = await asyncio.to_thread(_items(workspace_of(request)).put, key.key_id, name, about, config_id)
    return JSONResponse(_view(changed))


@router.delete("/{config_id}", status_code=204)
def delete(request: Request, key: PatientCaller, config_id: str) -> None:
    """The configuration is gone."""
    _known(request, key, config_id)
    _items(workspace_of(request)).delete(config_id, key.key_id)
