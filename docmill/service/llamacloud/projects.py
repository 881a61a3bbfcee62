"""The one project of a key, and its organisation."""

from __future__ import annotations

from fastapi import APIRouter, Request

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.wire import ClosingRoute, moment, organization_id, project_id
from docmill.service.problems import not_found

router = APIRouter(tags=["llamacloud"], route_class=ClosingRoute)


@router.get("/api/v1/projects")
async def projects(key: PatientCaller, project_name: str = "") -> list[dict[str, object]]:
    """The key's one project, if it is called so: names are told apart without regard to case."""
    return [project_view(key)] if project_name.lower() in ("", "default") else []


@router.get("/api/v1/projects/{identifier}")
async def project(key: PatientCaller, identifier: str) -> dict[str, object]:
    """The key's project."""
    if identifier != project_id(key):
        raise not_found(f"project {identifier}")
    return project_view(key)


@router.put("/api/v1/projects")
async def same_project(request: Request, key: PatientCaller) -> dict[str, object]:
    """The key's project, which exists already: there is no other."""
    return project_view(key)


def project_view(key: Key) -> dict[str, object]:
    """The key's project as the protocol shows it."""
    return {
        "id": project_id(key),
        "name": "Default",
        "organization_id": organization_id(key),
        "is_default": True,
        "created_at": moment(0),
        "updated_at": moment(0),
        "ad_hoc_eval_dataset_id": None,
    }


@router.get("/api/v1/organizations")
async def organizations(key: PatientCaller) -> list[dict[str, object]]:
    """The key's one organisation."""
    return [_organization(key)]


@router.get("/api/v1/organizations/{identifier}")
async def organization(key: PatientCaller, identifier: str) -> dict[str, object]:
    """The key's organisation."""
    if identifier != organization_id(key):
        raise not_found(f"organization {identifier}")
    return _organization(key)


def _organization(key: Key) -> dict[str, object]:
    return {"id": organization_id(key), "name": "Default", "created_at": moment(0), "updated_at": moment(0)}
