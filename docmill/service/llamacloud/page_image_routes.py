"""The routes of pages and figures as pictures, and of addresses for them that need no key."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.links import Link, make_link
from docmill.service.llamacloud.page_images import PageImages, document_of, figure_view, figures_of, target_of
from docmill.service.llamacloud.wire import ClosingRoute
from docmill.service.problems import not_found
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1/files/{file_id}", tags=["llamacloud"], route_class=ClosingRoute)


async def _target(request: Request, key: Key, file_id: str) -> str:
    return await asyncio.to_thread(target_of, request.app.state.workspace, key, file_id)


@router.get("/page_screenshots")
async def screenshots(request: Request, key: PatientCaller, file_id: str) -> list[Body]:
    """The pages of a file: their numbers (from 0) and how large their pictures are."""
    sizes = await PageImages(request, key.key_id).sizes(await _target(request, key, file_id))
    return [
        {"file_id": file_id, "page_index": index, "image_size": size, "metadata": {}}
        for index, size in enumerate(sizes)
    ]


@router.get("/page_screenshots/{page_index}")
async def screenshot(request: Request, key: PatientCaller, file_id: str, page_index: int) -> Response:
    """A page (from 0) as JPEG."""
    found = await PageImages(request, key.key_id).screenshot(await _target(request, key, file_id), page_index)
    return Response(found.data, media_type=found.media_type)


@router.post("/page_screenshots/{page_index}/presigned_url")
async def screenshot_link(request: Request, key: PatientCaller, file_id: str, page_index: int) -> Body:
    """An address that gives the page without a key."""
    path = f"screenshots/{await _target(request, key, file_id)}/{page_index}"
    return await asyncio.to_thread(make_link, request, Link("get", path, key.key_id))


@router.get("/page-figures")
def all_figures(request: Request, key: PatientCaller, file_id: str) -> list[Body]:
    """The figures of a file of an index."""
    return _figures(request.app.state.workspace, key, file_id, None)


@router.get("/page-figures/{page_index}")
def figures_of_page(request: Request, key: PatientCaller, file_id: str, page_index: int) -> list[Body]:
    """The figures of a page (from 0)."""
    return _figures(request.app.state.workspace, key, file_id, page_index)


def _figures(workspace: Workspace, key: Key, file_id: str, page_index: int | None) -> list[Body]:
    document = document_of(workspace, key, file_id)
    if document is None:
        raise not_found(f"file {file_id} in an index")
    return [
        figure_view(workspace, file_id, page, name, element)
        for (page, name), element in figures_of(workspace, document).items()
        if page_index in (None, page - 1)
    ]


@router.get("/page-figures/{page_index}/{figure_name}")
async def figure(request: Request, key: PatientCaller, file_id: str, page_index: int, figure_name: str) -> Response:
    """A figure as it lies in the document."""
    target = await _target(request, key, file_id)
    images = PageImages(request, key.key_id)
    found = await asyncio.to_thread(images.figure, target, page_index, figure_name)
    return Response(found.data, media_type=found.media_type)


@router.post("/page-figures/{page_index}/{figure_name}/presigned_url")
async def figure_link(request: Request, key: PatientCaller, file_id: str, page_index: int, figure_name: str) -> Body:
    """An address that gives the figure without a key."""
    path = f"figures/{await _target(request, key, file_id)}/{page_index}/{figure_name}"
    return await asyncio.to_thread(make_link, request, Link("get", path, key.key_id))
