"""Milvus as the vector index: a server by its URL, or Milvus Lite in a folder whose name ends with `.db`.

A docmill collection is a Milvus alias; the physical collection behind it is named after the vector space, so that a new
embedding model fills a collection of its own. Only one process may open Milvus Lite's folder: each use of it waits for
its turn, opens it, and closes it again.

A server before Milvus 2.5 has no BM25: there a collection holds vectors only, and searches by words say so.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from docmill.errors import ConfigError, SystemicError, WordsNotIndexedError
from docmill.index.base import Candidate, Held, Row, Space
from docmill.index.filters import Filter, documents_are
from docmill.index.lean import import_pymilvus
from docmill.index.turns import Turns
from docmill.models import Region

_LOCK_SECONDS = 300.0
_PAGE = 5_000
_GROUP = 1_000
"""Rows written in one go: Milvus Lite takes about 0.4 s, and lets a search that waits in between."""
_WORDS_SINCE = (2, 5)
"""The first version of Milvus's server that has BM25, and parameters in filters."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_FIELDS = ["chunk_id", "document_id", "version", "fingerprint", "ordinal", "source_key", "text", "pages", "types"]
_OUTPUT = [*_FIELDS, "provenance"]


def _physical(collection: str, space: Space) -> str:
    digest = hashlib.sha256(f"{space.model}|{space.dimensions}|{space.metric}".encode()).hexdigest()[:12]
    return f"{collection}__{digest}"


def _entity(row: Row) -> dict[str, Any]:
    regions = [[each.page, *_box(each), *(each.page_size or ())] for each in row.regions]
    extra: dict[str, Any] = {"section": row.section, "regions": regions, "place": row.place, "elements": row.elements}
    extra |= {"seconds": row.seconds} if row.seconds else {}
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return values | {"pages": list(row.pages), "types": list(row.types), "provenance": extra, "dense": row.vector}


def _box(region: Region) -> tuple[float, float, float, float]:
    return region.bbox.x0, region.bbox.y0, region.bbox.x1, region.bbox.y1


def _row(entity: Mapping[str, Any]) -> Row:
    extra = entity["provenance"]
    regions = tuple(
        Region.model_validate(
            {
                "page": page,
                "bbox": {"x0": x0, "y0": y0, "x1": x1, "y1": y1},
                "page_size": tuple(size) or None,
            }
        )
        for page, x0, y0, x1, y1, *size in extra["regions"]
    )
    values = {name: entity[name] for name in _FIELDS} | {
        "pages": tuple(entity["pages"]),
        "types": tuple(entity["types"]),
    }
    return Row(
        **values,
        vector=(),
        section=tuple(extra["section"]),
        regions=regions,
        place=extra["place"],
        elements=tuple(extra["elements"]),
        seconds=(seconds[0], seconds[1]) if (seconds := extra.get("seconds")) else None,
    )


class MilvusIndex:
    """The index at `uri`: `http(s)://host:port`, or a path that ends with `.db` for Milvus Lite."""

    def __init__(self, uri: str, token: str = "") -> None:
        self.uri = uri
        self._token = token
        self._lite = "://" not in uri
        self._thread_lock = threading.RLock()
        self._turns = Turns(uri)
        self._open: Any = None
        self._version: str | None = None

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A connected client. Milvus Lite is held for this process as long as the outermost session lasts."""
        import_pymilvus()
        from pymilvus.exceptions import MilvusException

        with self._thread_lock:
            if self._open is not None:
                yield self._open
                return
            try:
                with ExitStack() as stack:
                    if self._lite:
                        self._take_turn(stack)
                    self._open = self._connect()
                    stack.callback(self._disconnect)
                    yield self._open
            except MilvusException as error:
                raise SystemicError(
                    f"Milvus at {_shown(self.uri)} failed: {error.message}.", hint="Check that it runs, then run again."
                ) from error

    def _take_turn(self, stack: ExitStack) -> None:
        try:
            stack.enter_context(self._turns.mine(_LOCK_SECONDS))
        except TimeoutError:
            raise SystemicError(
                f"The index {self.uri} has been in use by another process for {_LOCK_SECONDS:.0f} s.",
                hint="Wait for the other run, or set DOCMILL_MILVUS_URI to a Milvus server.",
            ) from None

    def _connect(self) -> Any:
        from pymilvus import MilvusClient

        for name in ("pymilvus", "milvus_lite"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return MilvusClient(uri=self.uri, token=self._token)

    def _disconnect(self) -> None:
        client, self._open = self._open, None
        client.close()
        if self._lite:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(self.uri)

    def _has_words(self, client: Any) -> bool:
        """Whether new collections index words; a server whose version cannot be read is taken for a new one."""
        if self._lite:
            return True
        if self._version is None:
            self._version = client.get_server_version()
        version = _VERSION.match(self._version)
        return version is None or (int(version[1]), int(version[2])) >= _WORDS_SINCE

    def _query_filter(self, client: Any, condition: Filter) -> dict[str, Any]:
        if self._lite or not self._has_words(client):
            return {"filter": condition.rendered()}
        return {"filter": condition.template, "filter_params": dict(condition.params)}

    def _ensure(self, client: Any, collection: str, space: Space) -> str:
        """The physical collection of the space; it is made, and the alias set, when they are not there."""
        if not _NAMES.fullmatch(collection):
            raise ConfigError(
                f"{collection!r} is not a name for a collection.", hint="Use letters, digits and underscores."
            )
        physical = _physical(collection, space)
        if not client.has_collection(physical):
            client.create_collection(
                physical, schema=_schema(client, space, self._has_words(client)), consistency_level="Strong"
            )
            client.create_index(physical, self._indexes(client, space))
        live = self._live(client, collection)
        if live is None:
            client.create_alias(collection_name=physical, alias=collection)
        self._load_new(client, physical, space)
        return physical

    def _indexes(self, client: Any, space: Space) -> Any:
        """The indexes of a physical collection: over its vectors and, where there is BM25, over its text.

        Milvus Lite compares with every vector (FLAT): building a graph whenever the folder is closed keeps searches
        waiting five times longer, and finds less.
        """
        indexes = client.prepare_index_params()
        kind = "FLAT" if self._lite else "AUTOINDEX"
        indexes.add_index("dense", index_type=kind, metric_type=space.metric)
        if self._has_words(client):
            indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        return indexes

    def _load_new(self, client: Any, physical: str, space: Space) -> None:
        """The collection can be searched, even if another process has just made it and not yet its indexes."""
        from pymilvus.exceptions import MilvusException

        try:
            client.load_collection(physical)
        except MilvusException:
            client.create_index(physical, self._indexes(client, space))
            client.load_collection(physical)

    def _live(self, client: Any, collection: str) -> str | None:
        """The physical collection behind the alias, None if there is no such alias."""
        for name in client.list_collections():
            if name.startswith(collection + "__") and collection in client.list_aliases(name)["aliases"]:
                return str(name)
        return None

    def upsert(self, collection: str, space: Space, rows: Sequence[Row]) -> None:
        """The rows are held. Other processes that wait for Milvus Lite get their turn in between."""
        groups = [rows[start : start + _GROUP] for start in range(0, len(rows), _GROUP)] or [[]]
        while groups:
            with self.session() as client:
                physical = self._ensure(client, collection, space)
                while groups:
                    if group := groups.pop(0):
                        client.upsert(physical, [_entity(row) for row in group])
                    if self._lite and self._turns.wanted():
                        break

    def held(self, collection: str, space: Space, documents: Sequence[str] | None = None) -> Mapping[str, Held]:
        """Chunk id → what it belongs to."""
        found: dict[str, Held] = {}
        if documents is not None and not documents:
            return found
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return found
            client.load_collection(physical)
            iterator = client.query_iterator(
                physical,
                batch_size=_PAGE,
                output_fields=["chunk_id", "document_id", "version", "fingerprint"],
                **self._query_filter(client, documents_are(documents) if documents is not None else Filter()),
            )
            while page := iterator.next():
                for each in page:
                    found[each["chunk_id"]] = Held(each["document_id"], each["version"], each["fingerprint"])
            iterator.close()
        return found

    def rows(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> list[Row]:
        """Those of the rows that are held."""
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return []
            client.load_collection(physical)
            return [_row(entity) for entity in client.get(physical, ids=list(chunk_ids), output_fields=_OUTPUT)]

    def delete(self, collection: str, space: Space, chunk_ids: Sequence[str]) -> None:
        """The rows are gone."""
        physical = _physical(collection, space)
        with self.session() as client:
            if not client.has_collection(physical):
                return
            client.load_collection(physical)
            for start in range(0, len(chunk_ids), _GROUP):
                client.delete(physical, ids=list(chunk_ids[start : start + _GROUP]))

    def is_live(self, collection: str, space: Space) -> bool:
        """Whether searches see the space's rows."""
        with self.session() as client:
            return self._live(client, collection) in (None, _physical(collection, space))

    def promote(self, collection: str, space: Space) -> bool:
        """Searches see the space's rows; the collection of another space is dropped."""
        physical = _physical(collection, space)
        with self.session() as client:
            live = self._live(client, collection)
            if live == physical or not client.has_collection(physical):
                return False
            if live is not None:
                client.alter_alias(collection_name=physical, alias=collection)
                client.drop_collection(live)
            return True

    def search_vector(self, collection: str, space: Space, vector: Sequence[float], limit: int) -> list[Candidate]:
        """The nearest rows by cosine similarity."""
        with self.session() as client:
            live = self._live(client, collection)
            if live is not None and live != _physical(collection, space):
                raise ConfigError(
                    f"The collection {collection!r} was built with another embedding model than is configured now.",
                    hint="Run `docmill ingest` again so that it is built anew, or configure the former model.",
                )
            return self._search(client, live, [list(vector)], "dense", limit)

    def search_words(self, collection: str, text: str, limit: int) -> list[Candidate]:
        """The best rows by BM25. Raises WordsNotIndexedError where the collection was made by a server without it."""
        with self.session() as client:
            live = self._live(client, collection)
            if live is not None and not self._lite:
                self._require_words(client, live)
            return self._search(client, live, [text], "sparse", limit)

    def _require_words(self, client: Any, live: str) -> None:
        if all(field["name"] != "sparse" for field in client.describe_collection(live)["fields"]):
            raise WordsNotIndexedError(
                "Words are not indexed in this collection: it was made by a Milvus before 2.5.",
                hint="Search with --mode dense, or ingest into Milvus 2.5 or newer, or into Milvus Lite.",
            )

    def _search(self, client: Any, live: str | None, data: list[Any], field: str, limit: int) -> list[Candidate]:
        if live is None:
            return []
        client.load_collection(live)
        found = client.search(live, data=data, anns_field=field, limit=limit, output_fields=_OUTPUT)
        return [Candidate(_row(hit["entity"]), abs(float(hit["distance"]))) for hit in found[0]]


def _shown(uri: str) -> str:
    """The address without user and password."""
    return re.sub(r"//[^/]*@", "//", uri)


def _schema(client: Any, space: Space, words: bool) -> Any:
    """The fields of a physical collection; with `words` its text is made into a sparse vector for BM25."""
    from pymilvus import DataType, Function, FunctionType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("chunk_id", DataType.VARCHAR, max_length=64, is_primary=True)
    for name, length in (("document_id", 64), ("version", 64), ("fingerprint", 64), ("source_key", 4096)):
        schema.add_field(name, DataType.VARCHAR, max_length=length)
    schema.add_field("ordinal", DataType.INT64)
    schema.add_field("text", DataType.VARCHAR, max_length=65_535, **({"enable_analyzer": True} if words else {}))
    schema.add_field("pages", DataType.ARRAY, element_type=DataType.INT64, max_capacity=4_096)
    schema.add_field("types", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=32, max_length=32)
    schema.add_field("provenance", DataType.JSON)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=space.dimensions)
    if words:
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        made = {"input_field_names": ["text"], "output_field_names": ["sparse"]}
        schema.add_function(Function(name="words", function_type=FunctionType.BM25, **made))
    return schema
