"""Milvus as the vector index: a server by its URL, or Milvus Lite in a folder whose name ends with `.db`.

A docmill collection is a Milvus alias; the physical collection behind it is named after the vector space, so that a new
embedding model or chunker fills a collection of its own. Only one process may open Milvus Lite's folder: each use of it
waits for its turn, opens it, and closes it again.

Milvus Lite's words are held in SQLite within its folder (`docmill/index/words.py`). A server before Milvus 2.5 has no
BM25: there a collection holds vectors only, and searches by words say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docmill.config import IndexConfig
from docmill.errors import ConfigError, UsageError, WordsNotIndexedError
from docmill.index.base import EVERYTHING, Candidate, Held, Row, Space, Where
from docmill.index.connection import MilvusConnection
from docmill.index.filters import Filter, access_is, documents_are, filter_of, kind_is, readers_are
from docmill.index.schema import (
    OUTPUT,
    READERS,
    creation,
    entity_of,
    indexes,
    kind_for,
    row_of,
    schema,
    search_parameters,
)
from docmill.index.words import WORDS_FILE, Words, best_by_words

_PAGE = 5_000
_GROUP = 1_000
"""Rows written in one go: Milvus Lite takes about 0.4 s, and lets a search that waits in between."""
_WORDS_SINCE = (2, 5)
"""The first version of Milvus's server that has BM25, and parameters in filters."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_DIGEST = re.compile(r"(.+)__([0-9a-f]{12})")


def _named(collection: str, digest: str) -> str:
    return f"{collection}__{digest}"


def _physical(collection: str, space: Space) -> str:
    return _named(collection, space.digest)


def _filter(where: Where, access: Callable[[Sequence[str]], Filter] = access_is) -> Filter:
    """Milvus's filter for which rows a search may find; `access` makes that for the caller's tags."""
    found = Filter() if where.access is None else access(sorted(where.access))
    if where.kind is not None:
        found = found & kind_is(where.kind.value)
    return found & filter_of(where.condition) if where.condition is not None else found


class MilvusIndex(MilvusConnection):
    """The index at `uri`: `http(s)://host:port`, or a path that ends with `.db` for Milvus Lite."""

    def __init__(self, uri: str, token: str = "", config: IndexConfig | None = None) -> None:
        super().__init__(uri, token)
        self._config = config or IndexConfig()
        self._known_fields: dict[str, frozenset[str]] = {}

    def _words_of(self, client: Any, physical: str) -> Words:
        """The words of a physical collection in Milvus Lite's folder, filled from its rows where they are not there."""
        if self._words is None:
            self._words = Words(Path(self.uri) / WORDS_FILE)
        if not self._words.knows(physical):
            rows = _every(client, physical, ["chunk_id", "kind", "terms"])
            self._words.fill(physical, ((each["chunk_id"], each["kind"], each["terms"]) for each in rows))
        return self._words

    def _has_words(self) -> bool:
        """Whether new collections index words; a server whose version cannot be read is taken for a new one."""
        if self._lite:
            return True
        version = _VERSION.match(self._version or "")
        return version is None or (int(version[1]), int(version[2])) >= _WORDS_SINCE

    def _fields(self, client: Any, physical: str) -> frozenset[str]:
        """The fields of a physical collection: one that an earlier docmill made has fewer."""
        if physical not in self._known_fields:
            described = client.describe_collection(physical)["fields"]
            self._known_fields[physical] = frozenset(str(field["name"]) for field in described)
        return self._known_fields[physical]

    def _where(self, client: Any, physical: str, where: Where) -> dict[str, Any]:
        by_text = self._lite and READERS in self._fields(client, physical)
        return self._query_filter(client, _filter(where, readers_are if by_text else access_is))

    def _query_filter(self, client: Any, condition: Filter) -> dict[str, Any]:
        if self._lite or not self._has_words():
            return {"filter": condition.rendered()}
        template, params = condition.templated()
        return {"filter": template, "filter_params": params}

    def prepare(self, collection: str, space: Space, expected_rows: int) -> None:
        """The space's physical collection is there, with an index that fits so many rows."""
        with self.session() as client:
            self._ensure(client, collection, space, expected_rows)

    def _ensure(self, client: Any, collection: str, space: Space, expected_rows: int) -> str:
        """The physical collection of the space; it is made, and the alias set, when they are not there."""
        if not _NAMES.fullmatch(collection):
            raise ConfigError(
                f"{collection!r} is not a name for a collection.", hint="Use letters, digits and underscores."
            )
        physical = _physical(collection, space)
        kind = kind_for(self._config, expected_rows, lite=self._lite)
        bm25 = self._has_words() and not self._embedded
        made = indexes(client, space, kind, bm25=bm25, lite=self._lite)
        if not client.has_collection(physical):
            fields = schema(client, space, self._config, words=self._has_words(), bm25=bm25)
            client.create_collection(physical, schema=fields, **creation(self._config))
            client.create_index(physical, made)
        if self._live(client, collection) is None:
            client.create_alias(collection_name=physical, alias=collection)
        self._load_new(client, physical, made)
        return physical

    def _load_new(self, client: Any, physical: str, made: Any) -> None:
        """The collection can be searched, even if another process has just made it and not yet its indexes."""
        from pymilvus.exceptions import MilvusException

        try:
            client.load_collection(physical)
        except MilvusException:
            client.create_index(physical, made)
            client.load_collection(physical)

    def _live(self, client: Any, collection: str) -> str | None:
        """The physical collection behind the alias, None if there is no such alias."""
        for digest in self._digests(client, collection):
            name = _named(collection, digest)
            if collection in client.list_aliases(name)["aliases"]:
                return name
        return None

    def _digests(self, client: Any, collection: str) -> list[str]:
        parted = [_DIGEST.fullmatch(str(name)) for name in client.list_collections()]
        return sorted(each[2] for each in parted if each is not None and each[1] == collection)

    def upsert(self, collection: str, space: Space, rows: Sequence[Row]) -> None:
        """The rows are held. Other processes that wait for Milvus Lite get their turn in between."""
        groups = [rows[start : start + _GROUP] for start in range(0, len(rows), _GROUP)] or [[]]
        while groups:
            with self.session() as client:
                physical = self._ensure(client, collection, space, len(rows))
                while groups:
                    if group := groups.pop(0):
                        known = self._fields(client, physical)
                        entities = [entity_of(row, self._config.partition_key) for row in group]
                        client.upsert(physical, [{k: each[k] for k in each.keys() & known} for each in entities])
                        if self._embedded:
                            self._words_of(client, physical).put(physical, group)
                    if self._embedded and self._turns.wanted():
                        break
                if self._embedded:
                    self._wrote = True
                    client.flush(physical)  # what lies in its memory is filtered row by row in Python

    def held(self, collection: str, space: Space, documents: Sequence[str] | None = None) -> Mapping[str, Held]:
        """Chunk id → what it belongs to."""
        if documents is None:
            return dict(self.each_held(collection, space))
        return dict(self._held(collection, space, documents_are(documents))) if documents else {}

    def each_held(self, collection: str, space: Space) -> Iterator[tuple[str, Held]]:
        """Chunk id and what it belongs to, of all rows, page by page."""
        return self._held(collection, space, Filter())

    def _held(self, collection: str, space: Space, chosen: Filter) -> Iterator[tuple[str, Held]]:
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return
            fields = ["chunk_id", "document_id", "version", "fingerprint"]
            for each in _every(client, physical, fields, **self._query_filter(client, chosen)):
                yield each["chunk_id"], Held(each["document_id"], each["version"], each["fingerprint"])

    def rows(self, collection: str, space: Space, chunk_ids: Sequence[str], *, vectors: bool = False) -> list[Row]:
        """Those of the rows that are held."""
        physical = _physical(collection, space)
        with self.session() as client:
            if not chunk_ids or not client.has_collection(physical):
                return []
            client.load_collection(physical)
            fields = [*OUTPUT, "dense"] if vectors else OUTPUT
            rows = [row_of(entity) for entity in client.get(physical, ids=list(chunk_ids), output_fields=fields)]
        order = {chunk_id: place for place, chunk_id in enumerate(chunk_ids)}
        return sorted(rows, key=lambda row: order[row.chunk_id])

    def find(self, collection: str, space: Space, where: Where, limit: int) -> list[Row]:
        """Rows that pass, by document and ordinal."""
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return []
            client.load_collection(physical)
            condition = self._where(client, physical, where)
            rows = [row_of(each) for each in client.query(physical, output_fields=OUTPUT, limit=limit, **condition)]
        return sorted(rows, key=lambda row: (row.document_id, row.ordinal))

    def delete(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return
            client.load_collection(physical)
            if self._embedded:
                self._words_of(client, physical).delete(physical, chunk_ids)
            for start in range(0, len(chunk_ids), _GROUP):
                client.delete(physical, ids=list(chunk_ids[start : start + _GROUP]))

    def live(self, collection: str) -> str | None:
        """The digest of the space that searches see."""
        with self.session() as client:
            name = self._live(client, collection)
        return name.rpartition("__")[2] if name else None

    def digests(self, collection: str) -> list[str]:
        """The digests of all spaces of the collection."""
        with self.session() as client:
            return self._digests(client, collection)

    def swap(self, collection: str, digest: str) -> str | None:
        """Searches see that space's rows from the next one on: the alias is altered at once."""
        physical = _named(collection, digest)
        with self.session() as client:
            if not client.has_collection(physical):
                raise UsageError(f"The collection {collection!r} has no generation {digest}.")
            client.load_collection(physical)
            before = self._live(client, collection)
            if before is None:
                client.create_alias(collection_name=physical, alias=collection)
            elif before != physical:
                client.alter_alias(collection_name=physical, alias=collection)
            return before.rpartition("__")[2] if before else None

    def drop(self, collection: str, digest: str) -> None:
        """That space's rows are gone."""
        physical = _named(collection, digest)
        with self.session() as client:
            if self._live(client, collection) == physical:
                raise UsageError(f"The generation {digest} of {collection!r} is live.")
            if self._embedded:
                self._words_of(client, physical).drop(physical)
            client.drop_collection(physical)
            self._known_fields.pop(physical, None)

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
        """The nearest rows by cosine similarity."""
        output = [*OUTPUT, "dense"] if vectors else OUTPUT
        return self._search(_physical(collection, space), [list(vector)], "dense", limit, where, output)

    def search_words(
        self, collection: str, space: Space, terms: str, limit: int, where: Where = EVERYTHING
    ) -> list[Candidate]:
        """The best rows by BM25. Raises WordsNotIndexedError where the collection was made by a server without it."""
        if self._embedded:
            return self._search_own_words(collection, space, terms, limit, where)
        return self._search(_physical(collection, space), [terms], "sparse", limit, where, OUTPUT)

    def _search_own_words(self, collection: str, space: Space, terms: str, limit: int, where: Where) -> list[Candidate]:
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return []

            def passing() -> list[str]:
                condition = self._where(client, physical, where)
                return [each["chunk_id"] for each in _every(client, physical, ["chunk_id"], **condition)]

            return best_by_words(
                self._words_of(client, physical),
                physical,
                (terms, limit, where),
                rows=lambda chunk_ids: self.rows(collection, space, chunk_ids),
                passing=passing,
            )

    def _require_words(self, client: Any, physical: str) -> None:
        if "sparse" not in self._fields(client, physical):
            raise WordsNotIndexedError(
                "Words are not indexed in this collection: a Milvus before 2.5 made it, or Milvus Lite in a folder.",
                hint="Search with --mode dense, or ingest into Milvus 2.5 or newer, or into Milvus Lite.",
            )

    def _search(
        self, physical: str, data: list[Any], field: str, limit: int, where: Where, output: list[str]
    ) -> list[Candidate]:
        with self.session() as client:
            if not client.has_collection(physical):
                return []
            if field == "sparse":
                self._require_words(client, physical)
            client.load_collection(physical)
            parameters = search_parameters(self._config.kind, limit, lite=self._lite) if field == "dense" else {}
            found = client.search(
                physical,
                data=data,
                anns_field=field,
                limit=limit,
                output_fields=output,
                search_params={"params": parameters},
                **self._where(client, physical, where),
            )
        sign = -1.0 if field == "sparse" and self._lite else 1.0  # Milvus Lite gives BM25 below zero
        candidates = [Candidate(row_of(hit["entity"]), sign * float(hit["distance"])) for hit in found[0]]
        return sorted(candidates, key=lambda each: (-each.score, each.row.chunk_id))


def _every(client: Any, physical: str, fields: Sequence[str], **condition: Any) -> Iterator[Mapping[str, Any]]:
    """These fields of all rows that pass."""
    client.load_collection(physical)
    iterator = client.query_iterator(physical, batch_size=_PAGE, output_fields=list(fields), **condition)
    while page := iterator.next():
        yield from page
    iterator.close()
