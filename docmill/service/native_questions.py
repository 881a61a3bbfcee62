"""Search, explain and collections over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from docmill.explain import explain
from docmill.models import Element, Hit, Outcome
from docmill.retrieve import SearchMode, search
from docmill.service.auth import Caller, allowed
from docmill.status import collection_statuses
from docmill.workspace import Workspace

router = APIRouter(tags=["search"])


class Question(BaseModel):
    """What is looked for."""

    question: str
    collection: str = ""
    top_k: Annotated[int, Field(ge=1, le=1000)] = 5
    mode: SearchMode = SearchMode.HYBRID


class Answer(BaseModel):
    """The hits, best first."""

    collection: str
    hits: list[Hit]


class StepView(BaseModel):
    """A link of a proof: whether it holds."""

    holds: bool
    sentence: str


class ProofView(BaseModel):
    """What a hit rests on."""

    chunk_id: str
    document_id: str
    version: str
    source: str
    text: str
    proven: bool
    steps: list[StepView]
    elements: list[Element]
    stages: list[Outcome]


class CollectionView(BaseModel):
    """A collection in numbers."""

    collection: str
    documents: int
    searchable: int
    failed: int
    partial: int
    quarantined: int
    pending: int
    rows: int
    orphans: int


@router.post("/search")
def search_collection(request: Request, key: Caller, asked: Question) -> Answer:
    """The chunks that answer a question, each with source, pages and boxes."""
    workspace: Workspace = request.app.state.workspace
    name = allowed(key, asked.collection or workspace.settings.collection)
    return Answer(
        collection=name, hits=search(workspace, asked.question, collection=name, top_k=asked.top_k, mode=asked.mode)
    )


@router.get("/explain/{chunk_id}")
def explain_hit(request: Request, key: Caller, chunk_id: str, collection: str = "") -> ProofView:
    """The proof of a hit: chunk, elements, places, object and version, settings, runs; checked now."""
    workspace: Workspace = request.app.state.workspace
    proof = explain(workspace, allowed(key, collection or workspace.settings.collection), chunk_id)
    return ProofView(
        chunk_id=proof.row.chunk_id,
        document_id=proof.row.document_id,
        version=proof.row.version,
        source=proof.row.source_key,
        text=proof.row.text,
        proven=proof.proven,
        steps=[StepView(holds=each.holds, sentence=each.sentence) for each in proof.steps],
        elements=list(proof.elements),
        stages=list(proof.outcomes),
    )


@router.get("/collections")
def list_collections(request: Request, key: Caller) -> list[CollectionView]:
    """The collections that the key may use, in numbers."""
    found = collection_statuses(request.app.state.workspace)
    fields = set(CollectionView.model_fields)
    shown = [asdict(each) for each in found if key.allows(each.collection)]
    return [CollectionView(**{name: each[name] for name in fields}) for each in shown]
