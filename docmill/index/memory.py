"""An index in memory: the twin of Milvus for tests and experiments. Words are scored by BM25 (k1 1.2, b 0.75)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from docmill.errors import UsageError
from docmill.index.base import EVERYTHING, Candidate, Held, Row, Space, Where, passes
from docmill.index.words import inverse_frequency, words_in
from docmill.models import ChunkKind

_K1, _B = 1.2, 0.75


def _bare(row: Row) -> Row:
    """The row without its vector, as Milvus gives it back."""
    return replace(row, vector=())


class MemoryIndex:
    """Rows in dictionaries; everything is compared with everything."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[str, Row]] = {}
        self._live: dict[str, str] = {}

    def session(self) -> AbstractContextManager[object]:
        """Nothing to connect to."""
        return nullcontext()

    def kept_open(self) -> AbstractContextManager[None]:
        """Nothing to open."""
        return nullcontext()

    def prepare(self, collection: str, space: Space, expected_rows: int) -> None:
        """The space can be written."""
        self._live.setdefault(collection, space.digest)
        self._rows.setdefault((collection, space.digest), {})

    def upsert(self, collection: str, space: Space, rows: Sequence[Row]) -> None:
        """The rows are held."""
        self.prepare(collection, space, len(rows))
        self._rows[collection, space.digest].update({row.chunk_id: row for row in rows})

    def held(self, collection: str, space: Space, documents: Sequence[str] | None = None) -> Mapping[str, Held]:
        """Chunk id → what it belongs to."""
        wanted = None if documents is None else set(documents)
        return {
            row.chunk_id: Held(row.document_id, row.version, row.fingerprint)
            for row in self._rows.get((collection, space.digest), {}).values()
            if wanted is None or row.document_id in wanted
        }

    def each_held(self, collection: str, space: Space) -> Iterator[tuple[str, Held]]:
        """Chunk id and what it belongs to."""
        yield from self.held(collection, space).items()

    def rows(self, collection: str, space: Space, chunk_ids: Sequence[str], *, vectors: bool = False) -> list[Row]:
        """Those of the rows that are held."""
        held = self._rows.get((collection, space.digest), {})
        found = [held[chunk_id] for chunk_id in chunk_ids if chunk_id in held]
        return found if vectors else [_bare(row) for row in found]

    def find(self, collection: str, space: Space, where: Where, limit: int) -> list[Row]:
        """Rows that pass, by document and ordinal."""
        found = sorted(self._passing(collection, space, where), key=lambda row: (row.document_id, row.ordinal))
        return [_bare(row) for row in found[:limit]]

    def delete(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        for chunk_id in chunk_ids:
            self._rows.get((collection, space.digest), {}).pop(chunk_id, None)

    def live(self, collection: str) -> str | None:
        """The digest of the space that searches see."""
        return self._live.get(collection)

    def digests(self, collection: str) -> list[str]:
        """The digests of all spaces of the collection."""
        return sorted(digest for name, digest in self._rows if name == collection)

    def swap(self, collection: str, digest: str) -> str | None:
        """Searches see that space's rows."""
        if (collection, digest) not in self._rows:
            raise UsageError(f"The collection {collection!r} has no generation {digest}.")
        before = self._live.get(collection)
        self._live[collection] = digest
        return before

    def drop(self, collection: str, digest: str) -> None:
        """That space's rows are gone."""
        if self._live.get(collection) == digest:
            raise UsageError(f"The generation {digest} of {collection!r} is live.")
        self._rows.pop((collection, digest), None)

    def _passing(self, collection: str, space: Space, where: Where) -> list[Row]:
        rows = self._rows.get((collection, space.digest), {}).values()
        return [row for row in rows if passes(row, where)]

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
        """The nearest rows by dot product."""
        rows = self._passing(collection, space, where)
        given = (lambda row: row) if vectors else _bare
        found = [Candidate(given(row), sum(a * b for a, b in zip(row.vector, vector, strict=True))) for row in rows]
        return sorted(found, key=lambda each: (-each.score, each.row.chunk_id))[:limit]

    def search_words(
        self, collection: str, space: Space, terms: str, limit: int, where: Where = EVERYTHING
    ) -> list[Candidate]:
        """The best rows by BM25; rows without any of the terms are left out. Statistics are those of a kind's rows."""
        held = list(self._rows.get((collection, space.digest), {}).values())
        scored = [
            candidate
            for kind in ([where.kind] if where.kind else ChunkKind)
            for candidate in _scored([row for row in held if row.kind is kind], words_in(terms))
        ]
        found = [each for each in scored if each.score > 0 and passes(each.row, where)]
        return sorted(found, key=lambda each: (-each.score, each.row.chunk_id))[:limit]


def _scored(rows: Sequence[Row], words: Sequence[str]) -> list[Candidate]:
    """The rows with their BM25 scores for the words."""
    bags = [Counter(row.terms.split()) for row in rows]
    mean = (sum(bag.total() for bag in bags) / len(bags) if bags else 1.0) or 1.0
    scores = [0.0] * len(rows)
    for word in words:
        weight = inverse_frequency(len(bags), sum(word in bag for bag in bags))
        for position, bag in enumerate(bags):
            often = bag[word]
            scores[position] += weight * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * bag.total() / mean))
    return [Candidate(_bare(row), score) for row, score in zip(rows, scores, strict=True)]
