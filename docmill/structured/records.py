"""The records of collections' documents: rows in the ledger's database, whole records in the object store.

A row tells a record's value, what is missing, doubtful or does not add up, and where the record with all its citations
lies: `records/<schema>/<version[:2]>/<version>/<fingerprint>.json`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from pydantic import JsonValue

from docmill.database import Database, again
from docmill.models import Status
from docmill.store import ObjectStore
from docmill.structured.record import Json, Record
from docmill.tables import records as _rows

_IN_LIST = 500


@dataclass(frozen=True)
class RecordRow:
    """A record of a document by a schema; `target` says which part of it: "" all, `page 3`, `row 12`.

    `doubtful` are the paths of values of low confidence, `confidence` is the least of all values. A row whose status is
    failed has no value but a message.
    """

    schema: str
    document_id: str
    target: str
    schema_version: int
    collection: str
    source_key: str
    version: str
    fingerprint: str
    status: Status
    value: Json
    valid: bool = False
    missing: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    arithmetic: tuple[str, ...] = ()
    confidence: float = 0.0
    message: str = ""
    artifact: str = ""
    updated_at: float = 0.0


class Records:
    """The records in a database and a store."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store

    def put(self, rows: Sequence[RecordRow]) -> None:
        """The rows replace those of the same schemas and documents; artifacts that nobody needs are gone."""
        before = {
            row.artifact for row in self.of([row.document_id for row in rows]) if row.schema in {r.schema for r in rows}
        }
        self._replace(rows)
        self._drop_artifacts(before)

    @again
    def _replace(self, rows: Sequence[RecordRow]) -> None:
        now = time.time()
        with self._database.write() as connection:
            for schema, document_id in {(row.schema, row.document_id) for row in rows}:
                connection.execute(_rows.delete().where(_rows.c.schema == schema, _rows.c.document_id == document_id))
            values = [
                dict(vars(row))
                | {"status": row.status.value, "updated_at": now}
                | {name: list(getattr(row, name)) for name in ("missing", "doubtful", "arithmetic")}
                for row in rows
            ]
            if values:
                connection.execute(_rows.insert(), values)

    def of(self, document_ids: Sequence[str], schema: str = "") -> list[RecordRow]:
        """The documents' records, by schema, source key and target."""
        found: list[RecordRow] = []
        for start in range(0, len(document_ids), _IN_LIST):
            part = document_ids[start : start + _IN_LIST]
            query = sa.select(_rows).where(_rows.c.document_id.in_(part))
            found += self._read(query.where(_rows.c.schema == schema) if schema else query)
        return sorted(found, key=lambda row: (row.schema, row.source_key, len(row.target), row.target))

    def of_schema(self, schema: str, collection: str = "") -> list[RecordRow]:
        """All records by a schema."""
        query = sa.select(_rows).where(_rows.c.schema == schema)
        query = query.where(_rows.c.collection == collection) if collection else query
        return self._read(query.order_by(_rows.c.source_key, _rows.c.target))

    def _read(self, query: sa.Select[tuple[object, ...]]) -> list[RecordRow]:
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]

    def forget(self, document_ids: Sequence[str]) -> int:
        """The documents' records are gone from database and store; how many."""
        rows = self.of(document_ids)
        self._delete(document_ids)
        self._drop_artifacts({row.artifact for row in rows})
        return len(rows)

    @again
    def _delete(self, document_ids: Sequence[str]) -> None:
        with self._database.write() as connection:
            for start in range(0, len(document_ids), _IN_LIST):
                part = document_ids[start : start + _IN_LIST]
                connection.execute(_rows.delete().where(_rows.c.document_id.in_(part)))

    def _drop_artifacts(self, keys: set[str]) -> None:
        """Those of the artifacts that no row names any more are gone: documents with the same bytes share them."""
        for key in sorted(keys - {""}):
            with self._database.read() as connection:
                used = connection.execute(
                    sa.select(_rows.c.document_id).where(_rows.c.artifact == key).limit(1)
                ).first()
            if used is None:
                self._store.delete(key)

    def keep(self, key: str, records: Sequence[tuple[str, Record]]) -> None:
        """The records of a document lie at `key`."""
        shown: list[JsonValue] = [
            {"target": target, "record": cast(JsonValue, record.model_dump(mode="json", exclude_defaults=True))}
            for target, record in records
        ]
        import json

        self._store.put(key, json.dumps(shown, ensure_ascii=False).encode())

    def kept(self, key: str) -> list[tuple[str, Record]]:
        """The records that lie at `key`."""
        import json

        return [(each["target"], Record.model_validate(each["record"])) for each in json.loads(self._store.get(key))]


def _row(row: sa.Row[tuple[object, ...]]) -> RecordRow:
    found = dict(row._mapping)
    found["status"] = Status(cast(str, found["status"]))
    for name in ("missing", "doubtful", "arithmetic"):
        found[name] = tuple(cast(list[str], found[name]))
    return RecordRow(**found)


def parquet(rows: Sequence[RecordRow]) -> bytes:
    """The records as a Parquet file: a column a top-level property (nested ones as JSON), and what proves them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for row in rows for name in row.value))
    columns: dict[str, list[JsonValue]] = {name: [_cell(row.value.get(name)) for row in rows] for name in names}
    fixed = (
        "document_id",
        "source_key",
        "target",
        "schema_version",
        "version",
        "valid",
        "confidence",
        "message",
        "artifact",
    )
    table: dict[str, object] = {f"_{name}": [getattr(row, name) for row in rows] for name in fixed}
    table["_missing"] = [list(row.missing) for row in rows]
    table["_doubtful"] = [list(row.doubtful) for row in rows]
    arrays: dict[str, object] = {name: _array(values) for name, values in columns.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({**table, **arrays}), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _array(values: list[JsonValue]) -> object:
    """An Arrow array; values of several types become text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])


def _cell(value: JsonValue) -> JsonValue:
    import json

    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def flat(rows: Sequence[RecordRow]) -> Iterator[Json]:
    """The records for programs: value, proof's place, and what is to be reviewed."""
    for row in rows:
        shown: Json = {"schema": row.schema, "schema_version": row.schema_version, "source": row.source_key}
        about: Json = {
            "target": row.target,
            "status": row.status.value,
            "valid": row.valid,
            "confidence": row.confidence,
        }
        lists: Json = {name: list(getattr(row, name)) for name in ("missing", "doubtful", "arithmetic")}
        yield {**shown, **about, **lists, "value": row.value, "message": row.message, "document_id": row.document_id}
