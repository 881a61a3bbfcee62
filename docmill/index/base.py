"""The vector index seam: rows in, candidates out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from docmill.models import Region


@dataclass(frozen=True)
class Row:
    """A chunk as the index holds it. `vector` has unit length; `fingerprint` is that of the embedding stage."""

    chunk_id: str
    document_id: str
    version: str
    fingerprint: str
    ordinal: int
    source_key: str
    text: str
    vector: Sequence[float]
    section: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    types: tuple[str, ...] = ()
    place: str = ""
    elements: tuple[int, ...] = ()
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Held:
    """Which version of which document a row belongs to."""

    document_id: str
    version: str
    fingerprint: str


@dataclass(frozen=True)
class Candidate:
    """A row found by one search: the higher the score the better; its vector is left out."""

    row: Row
    score: float


@dataclass(frozen=True)
class Space:
    """What makes vectors comparable: the model's fingerprint, the number of dimensions and the metric.

    It names the physical collection, so vectors of two models never meet in one.
    """

    model: str
    dimensions: int
    metric: str = "COSINE"


class VectorIndex(Protocol):
    """Rows of a collection, found by vector or by words."""

    def session(self) -> AbstractContextManager[object]:
        """What is called inside shares one connection, and one turn where processes take turns."""
        ...

    def upsert(self, collection: str, space: Space, rows: Sequence[Row]) -> None:
        """The rows are held; a row of the same chunk id is replaced. The collection is made when it is not there."""
        ...

    def held(self, collection: str, space: Space, documents: Sequence[str] | None = None) -> Mapping[str, Held]:
        """Chunk id → what it belongs to, for these documents or for all."""
        ...

    def rows(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> list[Row]:
        """Those of the rows that are held, without their vectors."""
        ...

    def delete(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        ...

    def is_live(self, collection: str, space: Space) -> bool:
        """Whether searches see the space's rows; True for a collection that has no rows of any space."""
        ...

    def promote(self, collection: str, space: Space) -> bool:
        """Searches see the space's rows from now on; True if they saw another's before, which is dropped."""
        ...

    def search_vector(self, collection: str, space: Space, vector: Sequence[float], limit: int) -> list[Candidate]:
        """The nearest rows by cosine similarity, best first."""
        ...

    def search_words(self, collection: str, text: str, limit: int) -> list[Candidate]:
        """The best rows by BM25, best first. Raises WordsNotIndexedError where the collection has no index of words."""
        ...
