"""Makes one list of what was found by meaning and by words. Pure: lists in, list out, the same for the same input.

By scores: each list's scores are scaled to 0 … 1 from its last to its first and added, weighed by alpha. Ranks alone
(reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009) do not know how far the first is ahead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from docmill.index.base import Candidate, Row
from docmill.retrieve.options import Fusion, SearchOptions

_RRF = 60
_NEIGHBOURS = 3
"""Further hits of a page that count, each half as much as the one before."""


@dataclass(frozen=True)
class Scored:
    """A row with its score, its ranks in the lists that hold it, its cosine to the question, its reranker's score."""

    row: Row
    score: float
    dense_rank: int | None = None
    sparse_rank: int | None = None
    similarity: float | None = None
    rerank_score: float | None = None


def fuse(dense: Sequence[Candidate], sparse: Sequence[Candidate], options: SearchOptions) -> list[Scored]:
    """The rows of both lists, best first; of equals by chunk id."""
    ranks = [{each.row.chunk_id: rank for rank, each in enumerate(found, start=1)} for found in (dense, sparse)]
    if options.fusion is Fusion.RANKS:
        parts = [{name: 1 / (_RRF + rank) for name, rank in each.items()} for each in ranks]
        weights = (1.0, 1.0)
    else:
        parts = [_scaled(dense), _scaled(sparse)]
        weights = (options.alpha, 1 - options.alpha) if dense and sparse else (1.0, 1.0)
    rows = {each.row.chunk_id: each.row for each in [*dense, *sparse]}
    scored = [
        Scored(
            row,
            sum(weight * part.get(name, 0.0) for weight, part in zip(weights, parts, strict=True)),
            ranks[0].get(name),
            ranks[1].get(name),
        )
        for name, row in rows.items()
    ]
    return in_order(scored)


def _scaled(found: Sequence[Candidate]) -> dict[str, float]:
    if not found:
        return {}
    low, high = found[-1].score, found[0].score
    return {each.row.chunk_id: (each.score - low) / (high - low) if high > low else 1.0 for each in found}


def in_order(scored: Sequence[Scored]) -> list[Scored]:
    """Best first; of equals by chunk id, so that the order is stable."""
    return sorted(scored, key=lambda each: (-each.score, each.row.chunk_id))


def with_pages(scored: Sequence[Scored], weight: float) -> list[Scored]:
    """Hits of a page support each other: the best one of a page gains what the next ones of it have.

    An answer is often spread over a page: a title, a table, its notes.
    """
    places: dict[tuple[str, int], list[Scored]] = defaultdict(list)
    for each in in_order(scored):
        places[_place(each.row)].append(each)
    gained = [
        replace(first, score=first.score + weight * _faded([each.score for each in rest[:_NEIGHBOURS]]))
        for first, *rest in places.values()
    ]
    return in_order([*gained, *(each for _, *rest in places.values() for each in rest)])


def _faded(scores: Sequence[float]) -> float:
    """The sum of the scores, each worth half as much as the one before."""
    return sum(score * 0.5**place for place, score in enumerate(scores))


def _place(row: Row) -> tuple[str, int]:
    """The document and page, or passage, that a row stands in."""
    return row.document_id, row.pages[0] if row.pages else -row.parent - 1


def with_documents(scored: Sequence[Scored], cards: Sequence[Candidate], weight: float) -> list[Scored]:
    """Hits gain what the card of their document has, scaled to 0 … 1."""
    if not cards or cards[0].score <= 0:
        return list(scored)
    shares: Mapping[str, float] = {each.row.document_id: each.score / cards[0].score for each in cards}
    return in_order(
        [replace(each, score=each.score + weight * shares.get(each.row.document_id, 0.0)) for each in scored]
    )
