"""Lists page by page of what older routes list at once: indexes and their files, retrievers, agents, projects."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.agent_routes import agents_of
from docmill.service.llamacloud.extraction_views import agent_view
from docmill.service.llamacloud.index_file_routes import all_files
from docmill.service.llamacloud.indexes import Index, Indexes
from docmill.service.llamacloud.projects import project_view
from docmill.service.llamacloud.retrievers import retriever_view, retrievers_of
from docmill.service.llamacloud.v2.answers import JSON, page_of, workspace_of
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.problems import not_found

router = APIRouter(tags=["llamacloud"], route_class=ClosingRoute)


@router.get("/api/v2/pipelines")
def indexes(request: Request, key: PatientCaller, name: str = "", pipeline_type: str = "") -> JSONResponse:
    """A page of the indexes that the key may use, the newest first."""
    found = [] if pipeline_type == "PLAYGROUND" else Indexes(workspace_of(request), key).all()

    def shown(index: Index) -> JSON:
        times = {"created_at": moment(index.created_at), "updated_at": moment(index.updated_at)}
        kind = {"pipeline_type": "MANAGED", "status": "CREATED", "project_id": project_id(key)}
        return {"id": index.pipeline_id, "name": index.name, **kind, **times}

    return JSONResponse(page_of(request, [each for each in reversed(found) if name in ("", each.name)], shown))


@router.get("/api/v1/beta/pipelines/{pipeline_id}/files")
def files(request: Request, key: PatientCaller, pipeline_id: str, file_name_contains: str = "") -> JSONResponse:
    """A page of the files of an index, those of the `statuses` that are named."""
    part, statuses = file_name_contains.lower(), request.query_params.getlist("statuses")
    found = [
        each
        for each in all_files(request, key, pipeline_id)
        if part in str(each["name"]).lower() and (not statuses or each["status"] in statuses)
    ]
    return JSONResponse(page_of(request, found, lambda each: dict(each)))


@router.get("/api/v1/beta/retrievers")
def retrievers(request: Request, key: PatientCaller, name: str | None = None) -> JSONResponse:
    """A page of the key's retrievers, the newest first."""
    found = retrievers_of(workspace_of(request)).all(key.key_id, name)[::-1]
    return JSONResponse(page_of(request, found, lambda each: dict(retriever_view(key, each))))


@router.get("/api/v1/beta/extraction-agents")
def agents(request: Request, key: PatientCaller) -> JSONResponse:
    """A page of the key's agents, the newest first."""
    found = agents_of(workspace_of(request)).all(key.key_id)[::-1]
    return JSONResponse(page_of(request, found, lambda each: agent_view(each, key)))


@router.get("/api/v2/projects")
def projects(request: Request, key: PatientCaller, name: str = "") -> JSONResponse:
    """The key's one project, if it is called so."""
    found = [project_view(key)] if name.lower() in ("", "default") else []
    return JSONResponse(page_of(request, found, lambda each: each))


@router.get("/api/v2/projects/{identifier}")
def project(key: PatientCaller, identifier: str) -> JSONResponse:
    """The key's project."""
    if identifier != project_id(key):
        raise not_found(f"project {identifier}")
    return JSONResponse(project_view(key))
