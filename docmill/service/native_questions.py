"""Search, explain and collections over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from docmill.explain import explain
from docmill.index.conditions import parse_condition
from docmill.models import Element, Hit, Outcome
from docmill.retrieve import SearchMode, search
from docmill.retrieve.options import DEFAULTS, SearchOptions
from docmill.service.auth import Caller, allowed
from docmill.service.problems import Problem
from docmill.status import collection_statuses
from docmill.workspace import Workspace

router = APIRouter(tags=["search"])


class Question(BaseModel):
    """What is looked for: `filter` is a condition such as `year >= 2020`, `options` are those of `docmill search`."""

    question: str
    collection: str = ""
    top_k: Annotated[int, Field(ge=1, le=1000)] = 5
    mode: SearchMode = SearchMode.HYBRID
    filter: str = ""
    options: SearchOptions = DEFAULTS


class Answer(BaseModel):
    """The hits, best first."""

    collection: str
    hits: list[Hit]


class StepView(BaseModel):
    """A link of a proof: whether it holds."""

    holds: bool
    sentence: str


class ProofView(BaseModel):
    """What a hit rests on; `also_in` are other documents that say nearly the same."""

    chunk_id: str
    document_id: str
    version: str
    source: str
    text: str
    proven: bool
    steps: list[StepView]
    elements: list[Element]
    stages: list[Outcome]
    also_in: list[str]


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
    """The chunks that answer a question, each with source, pages and boxes; of documents that everybody may find."""
    workspace: Workspace = request.app.state.workspace
    name = allowed(key, asked.collection or workspace.settings.collection)
    options = asked.options
    if options.access:
        hint = "Only what everybody may find is found over HTTP; use `docmill search --access TAG`."
        raise Problem(422, "invalid_request", "Access tags cannot be claimed over HTTP.", hint)
    if asked.filter:
        options = options.model_copy(update={"condition": parse_condition(asked.filter)})
    hits = search(workspace, asked.question, collection=name, top_k=asked.top_k, mode=asked.mode, options=options)
    return Answer(collection=name, hits=hits)


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
        also_in=list(proof.also_in),
    )


@router.get("/collections")
def list_collections(request: Request, key: Caller) -> list[CollectionView]:
    """The collections that the key may use, in numbers."""
    found = collection_statuses(request.app.state.workspace)
    fields = set(CollectionView.model_fields)
    shown = [asdict(each) for each in found if key.allows(each.collection)]
    return [CollectionView(**{name: each[name] for name in fields}) for each in shown]
