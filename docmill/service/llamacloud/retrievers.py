"""Retrievers over several indexes: a question goes to all of them, or to the one whose description is nearest to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import JSONResponse

from docmill.keys import Key
from docmill.service.auth import PatientCaller
from docmill.service.llamacloud.bodies import form_of, json_of, text_of
from docmill.service.llamacloud.index_routes import index_of
from docmill.service.llamacloud.items import Body, Item, Items, items_of
from docmill.service.llamacloud.nodes import retrieve
from docmill.service.llamacloud.retrieval import question_of
from docmill.service.llamacloud.wire import ClosingRoute, moment, project_id
from docmill.service.problems import Problem, not_found
from docmill.workspace import Workspace

router = APIRouter(prefix="/api/v1/retrievers", tags=["llamacloud"], route_class=ClosingRoute)
_KIND = "retriever"
_TOP = 6


class Part(BaseModel):
    """One of the indexes of a retriever. `description` is what questions are compared with where one is chosen."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pipeline_id: str
    name: str | None = None
    description: str | None = None
    preset_retrieval_parameters: dict[str, JsonValue] | None = None

    def view(self) -> Body:
        """The part as the protocol shows it."""
        return {**self.model_dump(mode="json"), "preset_retrieval_parameters": self.preset_retrieval_parameters or {}}


class Rerank(BaseModel):
    """How many nodes are given in the end."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    top_n: int | None = None


class Asked(BaseModel):
    """A question to several indexes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    query: str
    mode: Literal["routing", "full"] | None = None
    rerank_top_n: int | None = None
    rerank_config: Rerank | None = None
    pipelines: list[Part] = []

    @property
    def count(self) -> int:
        """How many nodes are given at most."""
        return (self.rerank_config.top_n if self.rerank_config else None) or self.rerank_top_n or _TOP


def retrievers_of(workspace: Workspace) -> Items:
    """The retrievers in a workspace."""
    return items_of(workspace, _KIND)


def _parts(body: Body) -> list[Part]:
    given = body.get("pipelines")
    return [form_of(Part, each) for each in given] if isinstance(given, list) else []


def retriever_view(key: Key, item: Item) -> Body:
    """A retriever as the protocol shows it."""
    return {
        "id": item.item_id,
        "name": item.name,
        "project_id": project_id(key),
        "pipelines": [each.view() for each in _parts(item.body)],
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
    }


def _get(request: Request, key: Key, retriever_id: str) -> Item:
    found = retrievers_of(request.app.state.workspace).find(retriever_id, key.key_id)
    if found is None:
        raise not_found(f"retriever {retriever_id}")
    return found


async def _put(request: Request, key: Key, *, is_new: bool) -> JSONResponse:
    body = await json_of(request)
    name = text_of(body, "name")
    kept: Body = {"pipelines": [each.view() for each in _parts(body)]}

    def put() -> Body:
        known = retrievers_of(request.app.state.workspace).all(key.key_id, name)
        if known and is_new:
            raise Problem(409, "name_taken", f"There is a retriever named {name!r}.")
        return retriever_view(
            key,
            retrievers_of(request.app.state.workspace).put(key.key_id, name, kept, known[0].item_id if known else ""),
        )

    return JSONResponse(await asyncio.to_thread(put))


@router.get("")
def list_retrievers(request: Request, key: PatientCaller, name: str | None = None) -> list[Body]:
    """The key's retrievers, that of a name where one is given."""
    return [retriever_view(key, each) for each in retrievers_of(request.app.state.workspace).all(key.key_id, name)]


@router.post("")
async def create_retriever(request: Request, key: PatientCaller) -> JSONResponse:
    """A new retriever; 409 for a name that is taken."""
    return await _put(request, key, is_new=True)


@router.put("")
async def upsert_retriever(request: Request, key: PatientCaller) -> JSONResponse:
    """The retriever of a name, created where there is none."""
    return await _put(request, key, is_new=False)


@router.post("/retrieve")
async def ask_directly(request: Request, key: PatientCaller) -> JSONResponse:
    """The nodes of the indexes that the request names."""
    asked = form_of(Asked, await json_of(request))
    return JSONResponse(await _ask(request, key, "", asked, asked.pipelines))


@router.get("/{retriever_id}")
def get_retriever(request: Request, key: PatientCaller, retriever_id: str) -> Body:
    """A retriever."""
    return retriever_view(key, _get(request, key, retriever_id))


@router.put("/{retriever_id}")
async def update_retriever(request: Request, key: PatientCaller, retriever_id: str) -> JSONResponse:
    """The retriever with another name or other indexes."""
    body = await json_of(request)
    known = await asyncio.to_thread(_get, request, key, retriever_id)
    parts = _parts(body) if body.get("pipelines") is not None else _parts(known.body)
    kept: Body = {"pipelines": [each.view() for each in parts]}
    made = await asyncio.to_thread(
        retrievers_of(request.app.state.workspace).put,
        key.key_id,
        str(body.get("name") or known.name),
        kept,
        retriever_id,
    )
    return JSONResponse(retriever_view(key, made))


@router.delete("/{retriever_id}", status_code=204)
def delete_retriever(request: Request, key: PatientCaller, retriever_id: str) -> None:
    """The retriever is gone; its indexes stay."""
    _get(request, key, retriever_id)
    retrievers_of(request.app.state.workspace).delete(retriever_id, key.key_id)


@router.post("/{retriever_id}/retrieve")
async def ask(request: Request, key: PatientCaller, retriever_id: str) -> JSONResponse:
    """The nodes of the retriever's indexes."""
    asked = form_of(Asked, await json_of(request))
    parts = _parts((await asyncio.to_thread(_get, request, key, retriever_id)).body)
    return JSONResponse(await _ask(request, key, retriever_id, asked, parts))


async def _ask(request: Request, key: Key, retriever_id: str, asked: Asked, parts: Sequence[Part]) -> Body:
    """The best nodes of the indexes by their scores, which all count from 0 to 1 (or are the reranker's)."""
    workspace: Workspace = request.app.state.workspace
    chosen = list(parts)
    if asked.mode == "routing" and len(parts) > 1:
        chosen = [await asyncio.to_thread(_nearest, workspace, asked.query, parts)]
    nodes: list[Body] = []
    pictures: dict[str, list[JsonValue]] = {"image_nodes": [], "page_figure_nodes": []}
    for part in chosen:
        index = await asyncio.to_thread(index_of, request, key, part.pipeline_id)
        question = question_of({"query": asked.query}, {**index.preset, **(part.preset_retrieval_parameters or {})})
        found = await retrieve(request, key.key_id, index, question)
        name = part.name or index.name
        for each in cast(list[dict[str, Body]], found["retrieval_nodes"]):
            nodes.append(_node(each, retriever_id or index.pipeline_id, name, index.pipeline_id))
        for kind, known in pictures.items():
            known += cast(list[JsonValue], found[kind])
    best = sorted(nodes, key=lambda each: -cast(float, each["score"]))
    return {"nodes": [*best[: asked.count]], **pictures}


def _node(found: dict[str, Body], retriever_id: str, name: str, pipeline_id: str) -> Body:
    node = found["node"]
    inner: Body = {
        "id": node["id_"],
        "retriever_id": retriever_id,
        "retriever_pipeline_name": name,
        "pipeline_id": pipeline_id,
        "metadata": node["extra_info"],
        "text": node["text"],
        "start_char_idx": None,
        "end_char_idx": None,
    }
    score = cast(float, found["score"])
    return {"class_name": "CompositeRetrievedTextNodeWithScore", "score": score, "node": inner}


def _nearest(workspace: Workspace, query: str, parts: Sequence[Part]) -> Part:
    """The index whose name and description are nearest to the question by meaning."""
    question = workspace.embedder.embed([query], query=True).vectors[0]
    told = [f"{each.name or ''}: {each.description or ''}" for each in parts]
    similar = workspace.embedder.embed(told).vectors @ question
    return parts[int(similar.argmax())]
