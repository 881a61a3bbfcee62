"""An index in memory: the twin of Milvus for tests and experiments. Words are scored by BM25 (k1 1.2, b 0.75)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from docmill.errors import ConfigError
from docmill.index.base import Candidate, Held, Row, Space

_K1, _B = 1.2, 0.75


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _bare(row: Row) -> Row:
    """The row without its vector, as Milvus gives it back."""
    return replace(row, vector=())


class MemoryIndex:
    """Rows in dictionaries; everything is compared with everything."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Space], dict[str, Row]] = {}
        self._live: dict[str, Space] = {}

    def session(self) -> AbstractContextManager[object]:
        """Nothing to connect to."""
        return nullcontext()

    def upsert(self, collection: str, space: Space, rows: Sequence[Row]) -> None:
        """The rows are held."""
        self._live.setdefault(collection, space)
        self._rows.setdefault((collection, space), {}).update({row.chunk_id: row for row in rows})

    def held(self, collection: str, space: Space, documents: Sequence[str] | None = None) -> Mapping[str, Held]:
        """Chunk id → what it belongs to."""
        wanted = None if documents is None else set(documents)
        return {
            row.chunk_id: Held(row.document_id, row.version, row.fingerprint)
            for row in self._rows.get((collection, space), {}).values()
            if wanted is None or row.document_id in wanted
        }

    def rows(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> list[Row]:
        """Those of the rows that are held."""
        held = self._rows.get((collection, space), {})
        return [_bare(held[chunk_id]) for chunk_id in chunk_ids if chunk_id in held]

    def delete(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        for chunk_id in chunk_ids:
            self._rows.get((collection, space), {}).pop(chunk_id, None)

    def is_live(self, collection: str, space: Space) -> bool:
        """Whether searches see the space's rows."""
        return self._live.get(collection, space) == space

    def promote(self, collection: str, space: Space) -> bool:
        """Searches see the space's rows; those of another space are dropped."""
        live = self._live.get(collection)
        if live == space or (collection, space) not in self._rows:
            return False
        self._live[collection] = space
        if live is not None:
            del self._rows[collection, live]
        return True

    def _searched(self, collection: str) -> list[Row]:
        live = self._live.get(collection)
        return list(self._rows.get((collection, live), {}).values()) if live else []

    def search_vector(self, collection: str, space: Space, vector: Sequence[float], limit: int) -> list[Candidate]:
        """The nearest rows by dot product."""
        if self._live.get(collection, space) != space:
            raise ConfigError(f"The collection {collection!r} was built with another embedding model.")
        rows = self._searched(collection)
        found = [Candidate(_bare(row), sum(a * b for a, b in zip(row.vector, vector, strict=True))) for row in rows]
        return sorted(found, key=lambda each: (-each.score, each.row.chunk_id))[:limit]

    def search_words(self, collection: str, text: str, limit: int) -> list[Candidate]:
        """The best rows by BM25; rows without any of the words are left out."""
        rows = self._searched(collection)
        bags = [Counter(_words(row.text)) for row in rows]
        mean = sum(bag.total() for bag in bags) / len(bags) if bags else 1.0
        scores = [0.0] * len(rows)
        for word in set(_words(text)):
            having = sum(word in bag for bag in bags)
            idf = math.log(1 + (len(bags) - having + 0.5) / (having + 0.5))
            for position, bag in enumerate(bags):
                often = bag[word]
                scores[position] += idf * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * bag.total() / mean))
        found = [Candidate(_bare(row), score) for row, score in zip(rows, scores, strict=True) if score > 0]
        return sorted(found, key=lambda each: (-each.score, each.row.chunk_id))[:limit]
