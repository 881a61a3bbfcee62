"""Finds chunks by meaning, by words, or by both.

Both lists are fused by reciprocal ranks: a chunk scores 1 / (60 + rank) in each list that holds it (Cormack, Clarke and
Büttcher, SIGIR 2009). Ranks, not scores, because a BM25 score and a cosine cannot be compared.
"""

from __future__ import annotations

from enum import StrEnum

from docmill.errors import UsageError, WordsNotIndexedError
from docmill.index.base import Candidate, Row
from docmill.models import Hit
from docmill.workspace import Workspace

_RRF = 60
_DEPTH = 5
"""Each list is read this many times deeper than the number of hits asked for, so that fusion has something to fuse."""


class SearchMode(StrEnum):
    """By meaning (dense vectors), by words (sparse, BM25), or by both."""

    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


def search(
    workspace: Workspace, question: str, *, collection: str, top_k: int = 5, mode: SearchMode = SearchMode.HYBRID
) -> list[Hit]:
    """The best `top_k` chunks for the question, best first; none if the collection is empty or unknown.

    Where words are not indexed a hybrid search goes by meaning alone, and each hit's `note` says so; a search by words
    raises WordsNotIndexedError.
    """
    if not question.strip():
        raise UsageError("The question is empty.", hint="Ask for something.")
    if top_k < 1:
        raise UsageError("top_k must be 1 or more.")
    depth = max(top_k * _DEPTH, 20)
    vector: list[float] = []
    if mode is not SearchMode.SPARSE:
        vector = workspace.embedder.embed([question], query=True).vectors[0].tolist()
    space, index, note = workspace.space, workspace.index, ""
    dense: list[Candidate] = []
    sparse: list[Candidate] = []
    with index.session():
        if mode is not SearchMode.SPARSE:
            dense = index.search_vector(collection, space, vector, depth)
        if mode is not SearchMode.DENSE:
            try:
                sparse = index.search_words(collection, question, depth)
            except WordsNotIndexedError as error:
                if mode is SearchMode.SPARSE:
                    raise
                note = f"Found by meaning only. {error.message}"
    hits = _fuse(collection, dense, sparse, single=mode is not SearchMode.HYBRID)[:top_k]
    return [hit.model_copy(update={"note": note}) for hit in hits] if note else hits


def _fuse(collection: str, dense: list[Candidate], sparse: list[Candidate], *, single: bool) -> list[Hit]:
    dense_rank = {each.row.chunk_id: rank for rank, each in enumerate(dense, start=1)}
    sparse_rank = {each.row.chunk_id: rank for rank, each in enumerate(sparse, start=1)}
    rows = {each.row.chunk_id: each for each in [*dense, *sparse]}
    hits = []
    for chunk_id, candidate in rows.items():
        ranks = [ranks[chunk_id] for ranks in (dense_rank, sparse_rank) if chunk_id in ranks]
        score = candidate.score if single else sum(1 / (_RRF + rank) for rank in ranks)
        hits.append(_hit(collection, candidate.row, score, dense_rank.get(chunk_id), sparse_rank.get(chunk_id)))
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))


def _hit(collection: str, row: Row, score: float, dense_rank: int | None, sparse_rank: int | None) -> Hit:
    return Hit(
        chunk_id=row.chunk_id,
        score=round(score, 6),
        text=row.text,
        collection=collection,
        document_id=row.document_id,
        version=row.version,
        source_key=row.source_key,
        section=row.section,
        pages=row.pages,
        regions=row.regions,
        types=row.types,
        place=row.place,
        seconds=row.seconds,
        elements=row.elements,
        fingerprint=row.fingerprint,
        dense_rank=dense_rank,
        sparse_rank=sparse_rank,
    )
