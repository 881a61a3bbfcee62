"""Extractions that callers asked for over HTTP: durable, listed, found again when the same is asked twice.

What was asked and how it stands is a row in the ledger's database; the record lies in the object store at
`extractions/<id>.json`, and what an engine read of the same bytes in the same way at `extractions/cache/<hash>.json`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.engine import Connection

from docmill.database import Database, again
from docmill.store import ObjectStore
from docmill.structured.record import Json, Record
from docmill.tables import extractions as _rows
from docmill.tables import repeats as _repeats


class ExtractionStatus(StrEnum):
    """How far an extraction is; the last three are ends."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether it changes no more."""
        return self not in _OPEN


_OPEN = (ExtractionStatus.QUEUED, ExtractionStatus.IN_PROGRESS)


@dataclass(frozen=True)
class StoredExtraction:
    """An extraction without its record.

    `head` is what was asked, `request` a hash of it; times are seconds since the epoch.
    """

    extraction_id: str
    tenant: str
    status: ExtractionStatus
    filename: str
    document_type: str
    head: Json
    request: str
    job_id: str = ""
    error: Json | None = None
    created_at: float = 0.0
    finished_at: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """Which extractions a list shows, and which page of it: those before or after another one in the order."""

    limit: int = 10
    ascending: bool = False
    after: str = ""
    before: str = ""
    equal: Mapping[str, str] = field(default_factory=dict)
    contains: str = ""
    types: tuple[str, ...] = ()
    since: float = 0.0
    until: float = 0.0


class Extractions:
    """The extractions in a database, their records in a store."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store

    @again
    def add(self, extraction: StoredExtraction) -> None:
        """The extraction is known."""
        row = dict(vars(extraction)) | {"status": extraction.status.value}
        with self._database.write() as connection:
            connection.execute(_rows.insert().values(**row))

    def find(self, extraction_id: str, tenant: str | None = None) -> StoredExtraction | None:
        """The extraction, None if it is not known or another tenant's; a tenant of None sees all."""
        query = sa.select(_rows).where(_rows.c.extraction_id == extraction_id)
        if tenant is not None:
            query = query.where(_rows.c.tenant == tenant)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _stored(row) if row else None

    def same(self, tenant: str, request: str, window: float) -> StoredExtraction | None:
        """One of the same request that is at work, or was completed within the last `window` seconds."""
        fresh = sa.and_(_rows.c.status == ExtractionStatus.COMPLETED.value, _rows.c.finished_at > time.time() - window)
        query = sa.select(_rows).where(_rows.c.tenant == tenant, _rows.c.request == request)
        query = query.where(sa.or_(_rows.c.status.in_([each.value for each in _OPEN]), fresh))
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_rows.c.created_at.desc()).limit(1)).first()
        return _stored(row) if row else None

    @again
    def keep_key(self, tenant: str, key: str, request: str, extraction_id: str) -> tuple[str, str]:
        """(request, extraction id) that an idempotency key stands for: the given ones unless it was used before."""
        with self._database.write() as connection:
            connection.execute(_repeats.delete().where(_repeats.c.created_at < time.time() - 86_400))
            chosen = sa.select(_repeats).where(_repeats.c.tenant == tenant, _repeats.c.key == key)
            row = connection.execute(chosen).first()
            if row is not None:
                return row.request, row.extraction_id
            values = {"tenant": tenant, "key": key, "request": request, "extraction_id": extraction_id}
            connection.execute(_repeats.insert().values(**values, created_at=time.time()))
        return request, extraction_id

    @again
    def set_job(self, extraction_id: str, job_id: str) -> None:
        """The job that works on the extraction is known."""
        with self._database.write() as connection:
            chosen = _rows.update().where(_rows.c.extraction_id == extraction_id)
            connection.execute(chosen.values(job_id=job_id))

    @again
    def begin(self, extraction_id: str) -> bool:
        """The extraction is in progress; False if it has ended meanwhile, or is gone."""
        return self._change(extraction_id, {"status": ExtractionStatus.IN_PROGRESS.value})

    def complete(self, extraction_id: str, record: Record, told: Json) -> bool:
        """The extraction is completed with its record; `told` is added to its head. False if it has ended before."""
        self._store.put(_key(extraction_id), record.model_dump_json().encode())
        found = self.find(extraction_id)
        if found is None:
            return False
        ends = {"status": ExtractionStatus.COMPLETED.value, "finished_at": time.time(), "head": {**found.head, **told}}
        return self._change(extraction_id, ends)

    @again
    def fail(self, extraction_id: str, code: str, message: str) -> bool:
        """The extraction has failed; False if it has ended before."""
        error = {"code": code, "message": message, "details": None}
        ends = {"status": ExtractionStatus.FAILED.value, "finished_at": time.time(), "error": error}
        return self._change(extraction_id, ends)

    @again
    def cancel(self, extraction_id: str) -> bool:
        """The extraction is cancelled; False if it has ended before."""
        return self._change(extraction_id, {"status": ExtractionStatus.CANCELLED.value, "finished_at": time.time()})

    def _change(self, extraction_id: str, values: Mapping[str, object]) -> bool:
        with self._database.write() as connection:
            chosen = _rows.update().where(_rows.c.extraction_id == extraction_id)
            chosen = chosen.where(_rows.c.status.in_([each.value for each in _OPEN]))
            return connection.execute(chosen.values(**values)).rowcount > 0

    def record(self, extraction: StoredExtraction) -> Record | None:
        """The record of a completed extraction."""
        if extraction.status is not ExtractionStatus.COMPLETED:
            return None
        return Record.model_validate_json(self._store.get(_key(extraction.extraction_id)))

    def delete(self, extraction_id: str, tenant: str) -> bool:
        """The extraction and its record are gone; False if it is not known."""
        if not self._forget(extraction_id, tenant):
            return False
        self._store.delete(_key(extraction_id))
        return True

    @again
    def _forget(self, extraction_id: str, tenant: str) -> bool:
        with self._database.write() as connection:
            chosen = (_rows.c.extraction_id == extraction_id, _rows.c.tenant == tenant)
            return connection.execute(_rows.delete().where(*chosen)).rowcount > 0

    def listed(self, tenant: str, wanted: Wanted) -> tuple[list[StoredExtraction], bool]:
        """A page of the tenant's extractions, and whether more follow in the direction of the page."""
        query = sa.select(_rows).where(_rows.c.tenant == tenant, *_filters(wanted))
        ascending = wanted.ascending != bool(wanted.before)
        with self._database.read() as connection:
            cursor = wanted.before or wanted.after
            if cursor:
                query = query.where(_beyond(connection, cursor, ascending))
            for column in (_rows.c.created_at, _rows.c.extraction_id):
                query = query.order_by(column.asc() if ascending else column.desc())
            rows = [_stored(row) for row in connection.execute(query.limit(wanted.limit + 1))]
        more, page = len(rows) > wanted.limit, rows[: wanted.limit]
        return (page[::-1] if wanted.before else page), more

    # The engine's cache

    def cached(self, key: str) -> Record | None:
        """What an engine read before of the same bytes in the same way."""
        where = f"extractions/cache/{key}.json"
        if self._store.head(where) is None:
            return None
        return Record.model_validate_json(self._store.get(where))

    def keep(self, key: str, record: Record) -> None:
        """What an engine read is kept for the next time."""
        self._store.put(f"extractions/cache/{key}.json", record.model_dump_json().encode())


def _key(extraction_id: str) -> str:
    return f"extractions/{extraction_id}.json"


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredExtraction:
    found = dict(row._mapping)
    status = ExtractionStatus(cast(str, found.pop("status")))
    return StoredExtraction(status=status, **{str(name): cast(JsonValue, value) for name, value in found.items()})  # type: ignore[arg-type]


def _filters(wanted: Wanted) -> Sequence[sa.ColumnElement[bool]]:
    found = [_rows.c[name] == value for name, value in wanted.equal.items()]
    if wanted.contains:
        found.append(_rows.c.filename.contains(wanted.contains, autoescape=True))
    if wanted.types:
        found.append(_rows.c.document_type.in_(wanted.types))
    if wanted.since:
        found.append(_rows.c.created_at >= wanted.since)
    if wanted.until:
        found.append(_rows.c.created_at <= wanted.until)
    return found


def _beyond(connection: Connection, cursor: str, ascending: bool) -> sa.ColumnElement[bool]:
    """Rows that come after the cursor's in the order; ids begin with their time, so a deleted row's place is known."""
    row = connection.execute(sa.select(_rows.c.created_at).where(_rows.c.extraction_id == cursor)).first()
    created = float(row.created_at) if row else time_of(cursor)
    later = sa.and_(_rows.c.created_at == created, _rows.c.extraction_id > cursor)
    earlier = sa.and_(_rows.c.created_at == created, _rows.c.extraction_id < cursor)
    if ascending:
        return sa.or_(_rows.c.created_at > created, later)
    return sa.or_(_rows.c.created_at < created, earlier)


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: float, random: int) -> str:
    """An id that sorts by its time (µs) and then by chance: `extr_`, 11 and 12 digits of base 32."""
    return "extr_" + _base32(int(now * 1_000_000), 11) + _base32(random, 12)


def time_of(extraction_id: str) -> float:
    """The time (s since the epoch) in an id; 0 for another kind of id."""
    digits = extraction_id.removeprefix("extr_")[:11]
    if len(digits) < 11 or any(digit not in _DIGITS for digit in digits):
        return 0.0
    number = 0
    for digit in digits:
        number = number * 32 + _DIGITS.index(digit)
    return number / 1_000_000


def _base32(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits = _DIGITS[rest] + digits
    return digits
