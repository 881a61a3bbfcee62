"""Answers questions to an index: what is asked for, which chunks are found, and in which order they come.

Scores are the protocol's: alpha × dense + (1 - alpha) × sparse, each scaled to 0 … 1 over its candidates, without what
docmill's own search adds for pages and documents; a reranker's where one ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from docmill.extract.render import to_markdown
from docmill.index.analysis import analyzed
from docmill.index.base import PUBLIC, Candidate, Where
from docmill.index.conditions import Condition
from docmill.models import ChunkKind, Document, Hit, Stage
from docmill.retrieve import SearchMode, search
from docmill.retrieve.fusion import fuse
from docmill.retrieve.options import SearchOptions
from docmill.retrieve.search import live_space, search_documents
from docmill.service.llamacloud.bodies import form_of
from docmill.service.llamacloud.entries import TEXT, Entry
from docmill.service.llamacloud.filters import MetadataFilters, condition_for
from docmill.service.llamacloud.named_documents import named_in, values_of
from docmill.service.problems import Problem
from docmill.workspace import Workspace

_CANDIDATES = 30
_RERANKED = 6
_CARDS = 50
NO_RERANKER = "enable_reranking: no reranking model is deployed; the nodes are in the order of their fused scores."

TopK = Annotated[int | None, Field(ge=0, le=100)]
Share = Annotated[float | None, Field(ge=0, le=1)]


class Question(BaseModel):
    """What is asked of an index; None is what the client leaves to the index or to the protocol's defaults."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    query: str = ""
    dense_similarity_top_k: TopK = None
    dense_similarity_cutoff: Share = None
    sparse_similarity_top_k: TopK = None
    alpha: Share = None
    enable_reranking: bool | None = None
    rerank_top_n: Annotated[int | None, Field(ge=1, le=100)] = None
    search_filters: MetadataFilters | None = None
    files_top_k: Annotated[int | None, Field(ge=1, le=5)] = None
    retrieval_mode: Literal["chunks", "files_via_metadata", "files_via_content", "auto_routed"] | None = None
    retrieve_image_nodes: bool | None = None
    retrieve_page_screenshot_nodes: bool | None = None
    retrieve_page_figure_nodes: bool | None = None

    @property
    def wants_screenshots(self) -> bool:
        """Whether the pages of what is found are asked for as pictures."""
        return bool(self.retrieve_page_screenshot_nodes or self.retrieve_image_nodes)

    @property
    def wants_figures(self) -> bool:
        """Whether the figures on the pages of what is found are asked for."""
        return bool(self.retrieve_page_figure_nodes or self.retrieve_image_nodes)

    @property
    def dense_k(self) -> int:
        """Candidates by meaning; none where alpha says that words alone count."""
        k = _CANDIDATES if self.dense_similarity_top_k is None else self.dense_similarity_top_k
        return 0 if self.alpha == 0 else k

    @property
    def sparse_k(self) -> int:
        """Candidates by words, as many as by meaning where only those are given."""
        given = self.sparse_similarity_top_k
        fallback = self.dense_similarity_top_k or _CANDIDATES
        return 0 if self.alpha == 1 else fallback if given is None else given

    @property
    def count(self) -> int:
        """How many nodes are given at most."""
        largest = max(self.dense_k, self.sparse_k)
        asked = self.dense_similarity_top_k is not None or self.sparse_similarity_top_k is not None
        if self.enable_reranking or (self.enable_reranking is None and not asked):
            return self.rerank_top_n or _RERANKED
        return largest


def question_of(body: Mapping[str, JsonValue], preset: Mapping[str, JsonValue]) -> Question:
    """The question with the index's own parameters where it gives none; raises a Problem 422."""
    given = {name: value for name, value in body.items() if value is not None}
    question = form_of(Question, {**{name: value for name, value in preset.items() if value is not None}, **given})
    if not question.query.strip():
        raise Problem(422, "invalid_request", "query: the question is empty.")
    return question


@dataclass(frozen=True)
class Found:
    """A chunk, or with `document` a whole file, that answers; `note` is for the answer's metadata."""

    hit: Hit
    score: float
    document: Document | None = None


@dataclass(frozen=True)
class Answer:
    """What is found, best first, and what is to be said of how."""

    found: list[Found]
    note: str = ""


def answer(workspace: Workspace, collection: str, question: Question) -> Answer:
    """What the index has for the question."""
    condition = _condition(workspace, collection, question.search_filters)
    mode = question.retrieval_mode or "chunks"
    if mode == "auto_routed":
        named = named_in(workspace, collection, question.query)
        if named:
            return Answer([Found(_whole(each), 1.0, each) for each in named[: question.files_top_k or 1]])
        mode = "chunks"
    if mode == "files_via_metadata":
        return Answer(_by_cards(workspace, collection, question, condition))
    if mode == "files_via_content":
        options = _options(question, condition)
        hits = search_documents(
            workspace, question.query, collection=collection, top_k=question.files_top_k or 1, options=options
        )
        return Answer(_files(workspace, [(each, each.score) for each in hits]))
    return _chunks(workspace, collection, question, condition)


def _condition(workspace: Workspace, collection: str, filters: MetadataFilters | None) -> Condition | None:
    if filters is None:
        return None

    return condition_for(filters, partial(values_of, workspace, collection))


def _options(question: Question, condition: Condition | None) -> SearchOptions:
    return SearchOptions(
        alpha=0.5 if question.alpha is None else question.alpha,
        dense_top_k=max(1, question.dense_k),
        sparse_top_k=max(1, question.sparse_k),
        min_similarity=question.dense_similarity_cutoff or None,
        condition=condition,
        page_weight=0,
        document_weight=0,
        distinct=False,
        feedback=0,
    )


def _chunks(workspace: Workspace, collection: str, question: Question, condition: Condition | None) -> Answer:
    largest = question.dense_k + question.sparse_k
    if not largest:
        return Answer([])
    mode = SearchMode.HYBRID
    if not question.dense_k or not question.sparse_k:
        mode = SearchMode.DENSE if question.dense_k else SearchMode.SPARSE
    options = _options(question, condition)
    hits = search(workspace, question.query, collection=collection, top_k=largest, mode=mode, options=options)
    found = [Found(each, each.score) for each in hits]
    reranks = question.enable_reranking is not False and bool(workspace.settings.rerank_model)
    if reranks:
        found = _reranked(workspace, question.query, found)
    return Answer(found[: question.count], NO_RERANKER if question.enable_reranking and not reranks else "")


def _reranked(workspace: Workspace, query: str, found: Sequence[Found]) -> list[Found]:
    scores = workspace.reranker.rerank(query, [each.hit.text for each in found])
    scored = [Found(each.hit, float(score)) for each, score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda each: (-each.score, each.hit.chunk_id))


# Files


def _by_cards(workspace: Workspace, collection: str, question: Question, condition: Condition | None) -> list[Found]:
    """Files by what is said of them: their cards hold name, titles and headings."""
    space = live_space(workspace, collection)
    if space is None:
        return []
    where = Where(frozenset({PUBLIC}), condition, ChunkKind.DOCUMENT)
    vector = workspace.embedder_for(space).embed([question.query], query=True).vectors[0].tolist()
    terms = analyzed(question.query, workspace.config.index.language)
    with workspace.index.session():
        dense = workspace.index.search_vector(collection, space, vector, _CARDS, where)
        sparse: list[Candidate] = []
        if terms:
            sparse = workspace.index.search_words(collection, space, terms, _CARDS, where)
    scored = fuse(dense, sparse, _options(question, condition))[: question.files_top_k or 1]
    documents = {
        each.document_id: each for each in workspace.ledger.documents_by_id([one.row.document_id for one in scored])
    }
    return [
        Found(_whole(documents[each.row.document_id]), each.score, documents[each.row.document_id])
        for each in scored
        if each.row.document_id in documents
    ]


def _files(workspace: Workspace, hits: Sequence[tuple[Hit, float]]) -> list[Found]:
    documents = {
        each.document_id: each for each in workspace.ledger.documents_by_id([hit.document_id for hit, _ in hits])
    }
    return [
        Found(_whole(documents[hit.document_id]), score, documents[hit.document_id])
        for hit, score in hits
        if hit.document_id in documents
    ]


def _whole(document: Document) -> Hit:
    """The whole document as if it were one chunk; its text is read where it is shown."""
    return Hit(
        chunk_id=document.document_id,
        score=0.0,
        text="",
        collection=document.collection,
        document_id=document.document_id,
        version=document.version,
        source_key=document.source_key,
    )


def text_of_document(workspace: Workspace, document: Document, entry: Entry | None) -> str:
    """All that stands in a document, as it may be shown: personal data that is taken out of chunks is not in it."""
    stage = Stage.ENRICHED_ELEMENTS if workspace.config.enrich.active else Stage.EXTRACTED_ELEMENTS
    if entry is not None and entry.kind == TEXT and stage is Stage.EXTRACTED_ELEMENTS:
        return workspace.store.get(entry.key).decode("utf-8", "replace")
    outcome = workspace.ledger.outcomes([document.document_id]).get((document.document_id, stage))
    if outcome is None or outcome.error:
        return ""
    if stage is Stage.ENRICHED_ELEMENTS:
        return to_markdown(workspace.artifacts.enriched(document, outcome.fingerprint))
    return to_markdown(workspace.artifacts.extraction(document, outcome.fingerprint))
