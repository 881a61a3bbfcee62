"""The vector index seam: rows in, candidates out.

A collection has one physical collection (a generation) a space. Searches see the live one; another is filled beside it
and takes its place at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from docmill.index.conditions import Condition, holds
from docmill.models import ChunkKind, Metadata, Region

PUBLIC = "*"
"""The access tag of what everybody may find."""


@dataclass(frozen=True)
class Row:
    """A chunk as the index holds it. `vector` has unit length; `fingerprint` is that of the embedding stage.

    `terms` are the words that BM25 counts. `access` are the tags of which a searcher needs one. `parent` is the ordinal
    of the first chunk of its passage.
    """

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
    terms: str = ""
    kind: ChunkKind = ChunkKind.PASSAGE
    parent: int = 0
    access: tuple[str, ...] = (PUBLIC,)
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True)
class Where:
    """Which rows a search may find: those that bear one of the `access` tags, are of the `kind` and meet the condition.

    `access` None is for the platform itself, which sees every row; a search for a user always gives tags.
    """

    access: frozenset[str] | None = frozenset({PUBLIC})
    condition: Condition | None = None
    kind: ChunkKind | None = ChunkKind.PASSAGE


EVERYTHING = Where(None, None, None)


def passes(row: Row, where: Where) -> bool:
    """Whether a search may find the row."""
    if where.access is not None and not where.access & set(row.access):
        return False
    if where.kind is not None and row.kind is not where.kind:
        return False
    return where.condition is None or holds(where.condition, {**row.metadata, **vars(row)})


@dataclass(frozen=True)
class Held:
    """Which version of which document a row belongs to."""

    document_id: str
    version: str
    fingerprint: str


@dataclass(frozen=True)
class Candidate:
    """A row found by one search: the higher the score the better; its vector is left out unless asked for."""

    row: Row
    score: float


@dataclass(frozen=True)
class Space:
    """What rows of one physical collection have in common: the model's fingerprint, dimensions, metric, and layout.

    `layout` is a fingerprint of how chunks are cut and indexed. A space names the physical collection, so vectors of
    two models and chunks of two settings never meet in one. `name` is the model's, which does not.
    """

    model: str
    dimensions: int
    metric: str = "COSINE"
    layout: str = ""
    name: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """12 hex digits that differ for every other space."""
        parts = [self.model, str(self.dimensions), self.metric, *([self.layout] if self.layout else [])]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


class VectorIndex(Protocol):
    """Rows of a collection, found by vector or by words."""

    def session(self) -> AbstractContextManager[object]:
        """What is called inside shares one connection, and one turn where processes take turns."""
        ...

    def kept_open(self) -> AbstractContextManager[None]:
        """What is called inside may find the index open from the call before: for many calls with pauses in between."""
        ...

    def prepare(self, collection: str, space: Space, expected_rows: int) -> None:
        """The space's physical collection is there, with an index that fits so many rows."""
        ...

    def upsert(self, collection: str, space: Space, rows: Sequence[Row]) -> None:
        """The rows are held; a row of the same chunk id is replaced. The collection is made when it is not there."""
        ...

    def held(self, collection: str, space: Space, documents: Sequence[str] | None = None) -> Mapping[str, Held]:
        """Chunk id → what it belongs to, for these documents or for all."""
        ...

    def each_held(self, collection: str, space: Space) -> Iterator[tuple[str, Held]]:
        """Chunk id and what it belongs to, of all rows; only some of them are in memory at a time."""
        ...

    def rows(self, collection: str, space: Space, chunk_ids: Sequence[str], *, vectors: bool = False) -> list[Row]:
        """Those of the rows that are held, in the order of the ids, without their vectors unless asked for."""
        ...

    def find(self, collection: str, space: Space, where: Where, limit: int) -> list[Row]:
        """Rows that pass, by document and ordinal, `limit` at most, without their vectors."""
        ...

    def delete(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        ...

    def live(self, collection: str) -> str | None:
        """The digest of the space that searches see, None for a collection that has no rows of any space."""
        ...

    def digests(self, collection: str) -> list[str]:
        """The digests of all spaces that the collection has rows of."""
        ...

    def swap(self, collection: str, digest: str) -> str | None:
        """Searches see that space's rows from now on; the digest of the one that they saw before, which stays."""
        ...

    def drop(self, collection: str, digest: str) -> None:
        """That space's rows are gone; raises UsageError if searches see them."""
        ...

    def search_vector(
        self,
        collection: str,
        space: Space,
        vector: Sequence[float],
        limit: int,
        where: Where = EVERYTHING,
        *,
        vectors: bool = False,
    ) -> list[Candidate]:
        """The nearest rows of the space by cosine similarity, best first, with their vectors where asked for."""
        ...

    def search_words(
        self, collection: str, space: Space, terms: str, limit: int, where: Where = EVERYTHING
    ) -> list[Candidate]:
        """The best rows of the space by BM25 of their terms, best first. Raises WordsNotIndexedError without any."""
        ...
