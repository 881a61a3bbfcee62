"""What is watched and what is to be worked on: sources, how far their scans are, and batches of documents."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from docmill.database import again
from docmill.ledger.rows import Rows, name_hash_of, slices
from docmill.ledger.tables import ALIVE
from docmill.ledger.tables import batches as _batches
from docmill.ledger.tables import counters as _counters
from docmill.ledger.tables import documents as _documents
from docmill.ledger.tables import outcomes as _outcomes
from docmill.ledger.tables import sources as _sources
from docmill.models import Document, Stage, Status

_SHOWN = [column for column in _batches.c if column.name not in ("changed", "settled")]
_CLAIMED = ("source", "etag", "size", "batch")


@dataclass(frozen=True)
class Batch:
    """A batch of documents of one collection; `created_at` is seconds since the epoch.

    `runner` is who made it to run it at once (`cli`), "" where a sensor is to run it.
    """

    batch: str
    collection: str
    documents: int
    bytes: int
    created_at: float
    runner: str = ""


class Batches(Rows):
    """Sources and batches of documents."""

    @again
    def add_source(self, collection: str, url: str) -> None:
        """The source is watched: sensors and reconcile look at it."""
        with self._write() as connection:
            self._upsert(connection, _sources, [{"collection": collection, "url": url, "created_at": time.time()}])

    @again
    def remove_source(self, collection: str, url: str) -> bool:
        """The source is not watched any more; its documents stay. True if it was watched."""
        with self._write() as connection:
            statement = _sources.delete().where(_sources.c.collection == collection, _sources.c.url == url)
            return connection.execute(statement).rowcount > 0

    def sources(self) -> list[tuple[str, str]]:
        """(collection, URL) of every watched source."""
        with self._read() as connection:
            rows = connection.execute(sa.select(_sources.c.collection, _sources.c.url).order_by(_sources.c.created_at))
            return [(row.collection, row.url) for row in rows]

    def scan_state(self, collection: str, url: str) -> tuple[str, float]:
        """The cursor and the start (s since the epoch) of the running scan of a source; ("", 0) if none runs."""
        query = sa.select(_sources.c.cursor, _sources.c.scan_started)
        with self._read() as connection:
            chosen = query.where(_sources.c.collection == collection, _sources.c.url == url)
            row = connection.execute(chosen).first()
            return (row.cursor, row.scan_started) if row else ("", 0.0)

    @again
    def save_scan(self, collection: str, url: str, cursor: str, started: float) -> None:
        """The scan of the source goes on from here."""
        with self._write() as connection:
            chosen = _sources.update().where(_sources.c.collection == collection, _sources.c.url == url)
            connection.execute(chosen.values(cursor=cursor, scan_started=started))

    @again
    def claim(self, batch: Batch, documents: Sequence[Document]) -> bool:
        """The documents belong to the batch, with the etag and size that they were listed with.

        False, and nothing is changed, if another batch has claimed one of them since they were listed: two sensors'
        ticks, or a tick and a command, that list the same object at once do not make two batches of it. The database
        compares and writes each row in one go, for on PostgreSQL others write between a look and a write.
        """
        listed = ("document_id", "collection", "source", "source_key", "etag", "size")
        given = {"batch": batch.batch, "media_type": "", "version": ""}
        rows = [
            {name: getattr(each, name) for name in listed}
            | given
            | {"access": list(each.access), "metadata": dict(each.metadata), "name_hash": name_hash_of(each)}
            for each in documents
        ]
        statement = self._insert(_documents)
        changed: dict[str, object] = {name: statement.excluded[name] for name in _CLAIMED}
        changed |= {"gone_since": 0.0, "deleted_at": 0.0}
        free = sa.or_(_documents.c.etag != statement.excluded.etag, ~ALIVE)
        taking = statement.on_conflict_do_update(index_elements=["document_id"], set_=changed, where=free)
        with self._write() as connection:
            rows.sort(key=lambda row: str(row["document_id"]))
            if rows and self._written(connection, taking, rows) < len(rows):
                connection.rollback()
                return False
            self._upsert(connection, _batches, [dict(vars(batch))])
        return True

    @again
    def next_number(self, name: str) -> int:
        """1, 2, 3 … for each name; no two callers get the same."""
        with self._write() as connection:
            statement = self._insert(_counters).values(name=name, value=1)
            statement = statement.on_conflict_do_update(index_elements=["name"], set_={"value": _counters.c.value + 1})
            return int(connection.execute(statement.returning(_counters.c.value)).scalar_one())

    def batch(self, batch: str) -> Batch | None:
        """The batch, None if it is not known."""
        with self._read() as connection:
            row = connection.execute(sa.select(*_SHOWN).where(_batches.c.batch == batch)).first()
            return Batch(**row._mapping) if row else None

    def batches(self, collection: str | None = None) -> list[Batch]:
        """All batches, oldest first."""
        query = sa.select(*_SHOWN).order_by(_batches.c.batch)
        if collection is not None:
            query = query.where(_batches.c.collection == collection)
        with self._read() as connection:
            return [Batch(**row._mapping) for row in connection.execute(query)]

    def unfinished_batches(self) -> list[Batch]:
        """Batches, oldest first, with a document that is neither through all stages nor failed on the way.

        Only those are looked through that something has happened to since they were found finished.
        """
        query = sa.select(*_SHOWN, _batches.c.changed, _not_done().correlate(_batches).exists().label("unfinished"))
        with self._read() as connection:
            maybe = _batches.c.changed != _batches.c.settled
            rows = connection.execute(query.where(maybe).order_by(_batches.c.batch)).all()
        finished = [{"finished": row.batch, "seen": row.changed} for row in rows if not row.unfinished]
        if finished:
            self._settle(finished)
        return [Batch(*row[: len(_SHOWN)]) for row in rows if row.unfinished]

    @again
    def _settle(self, finished: Sequence[dict[str, object]]) -> None:
        """The batches were finished when that much had happened to them; what has happened since is to be seen."""
        chosen = _batches.update().where(_batches.c.batch == sa.bindparam("finished"))
        with self._write() as connection:
            connection.execute(chosen.values(settled=sa.bindparam("seen")), finished)

    @again
    def forget_batches(self, batches: Sequence[str]) -> None:
        """The batches are gone; their documents are not touched."""
        with self._write() as connection:
            for part in slices(batches):
                connection.execute(_batches.delete().where(_batches.c.batch.in_(part)))


def _not_done() -> sa.Select[tuple[int]]:
    """A row for each document of a batch that is neither through all stages nor failed on the way."""
    own = _outcomes.c.document_id == _documents.c.document_id
    raw = _outcomes.c.stage == Stage.RAW_DOCUMENTS.value
    through = sa.or_(
        _outcomes.c.stage == Stage.VECTOR_COLLECTION.value,
        _outcomes.c.status.in_([Status.FAILED.value, Status.QUARANTINED.value]),
    )
    read = sa.select(1).where(own, raw, _outcomes.c.updated_at >= _batches.c.created_at)
    ended = sa.select(1).where(own, _outcomes.c.version == _documents.c.version, through)
    around = (_documents, _batches)
    done = sa.and_(read.correlate(*around).exists(), ended.correlate(*around).exists())
    return sa.select(1).where(_documents.c.batch == _batches.c.batch, ALIVE, ~done)
