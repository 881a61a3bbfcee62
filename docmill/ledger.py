"""What is known of every document: where it is, which batch holds it, and what became of it at every stage.

SQLite by default, PostgreSQL by a URL. Every write is one short transaction that takes the write lock at its beginning,
so two runs, two sensors' ticks and a search at once wait for each other instead of failing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from docmill.database import Database, again
from docmill.index.base import Space
from docmill.index.generation import Generation
from docmill.migrations import migrate
from docmill.models import INSIDE, Document, Outcome, Stage, Status
from docmill.tables import metadata as metadata

_sources = sa.Table(
    "sources",
    metadata,
    sa.Column("collection", sa.String(255), primary_key=True),
    sa.Column("url", sa.String(2048), primary_key=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("cursor", sa.Text, nullable=False, server_default=""),
    sa.Column("scan_started", sa.Float, nullable=False, server_default="0"),
)
_documents = sa.Table(
    "documents",
    metadata,
    sa.Column("document_id", sa.String(32), primary_key=True),
    sa.Column("collection", sa.String(255), nullable=False, index=True),
    sa.Column("source", sa.String(2048), nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("etag", sa.String(255), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("media_type", sa.String(255), nullable=False, default=""),
    sa.Column("version", sa.String(64), nullable=False, default=""),
    sa.Column("batch", sa.String(64), nullable=False, index=True),
    sa.Column("gone_since", sa.Float, nullable=False, server_default="0"),
    sa.Column("deleted_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("access", sa.JSON, nullable=False, server_default='["*"]'),
    sa.Column("metadata", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("object_tag", sa.String(512), nullable=False, server_default=""),
    sa.Index("ix_documents_source", "source", postgresql_using="hash"),  # a B-tree refuses keys over 2,704 bytes
)
_outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("document_id", sa.String(32), primary_key=True),
    sa.Column("stage", sa.String(32), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(32), nullable=False),
    sa.Column("error_class", sa.String(16)),
    sa.Column("error", sa.String(64), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("pages", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("cpu_seconds", sa.Float, nullable=False, server_default="0"),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)
_batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch", sa.String(64), primary_key=True),
    sa.Column("collection", sa.String(255), nullable=False),
    sa.Column("documents", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("runner", sa.String(32), nullable=False),
)
_counters = sa.Table(
    "counters", metadata, sa.Column("name", sa.String(64), primary_key=True), sa.Column("value", sa.BigInteger)
)
_generations = sa.Table(
    "generations",
    metadata,
    sa.Column("collection", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(12), primary_key=True),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("dimensions", sa.Integer, nullable=False),
    sa.Column("metric", sa.String(32), nullable=False),
    sa.Column("layout", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("report", sa.JSON, nullable=False),
)
_IN_LIST = 500


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


@dataclass(frozen=True)
class Failure:
    """A failed, partial or quarantined document with its outcome at the stage that says so."""

    document: Document
    outcome: Outcome


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _IN_LIST):
        yield ids[start : start + _IN_LIST]


_CLAIMED = ("source", "etag", "size", "batch")
_OF_SPACE = ("model", "name", "dimensions", "metric", "layout")
_SHOWN = [column for column in _documents.c if column.name not in ("gone_since", "deleted_at")]
_ALIVE = _documents.c.deleted_at == 0


def _document(row: sa.Row[tuple[object, ...]]) -> Document:
    return Document.model_validate(dict(row._mapping))


def _outcome(row: sa.Row[tuple[object, ...]]) -> Outcome:
    return Outcome.model_validate(dict(row._mapping))


def _space_columns(space: Space) -> dict[str, object]:
    return {"digest": space.digest, **{name: getattr(space, name) for name in _OF_SPACE}}


def _generation(row: sa.Row[tuple[object, ...]]) -> Generation:
    found = dict(row._mapping)
    space = Space(**{name: found.pop(name) for name in _OF_SPACE})
    found.pop("digest")
    return Generation.model_validate({**found, "space": space})


def _storable(row: dict[str, object]) -> dict[str, object]:
    """The row without NUL and lone surrogates in its texts, which PostgreSQL refuses: broken documents bring them."""
    return {name: _clean(value) if isinstance(value, str) else value for name, value in row.items()}


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


class Ledger:
    """The ledger at a SQLAlchemy URL; its tables are made, or brought up to date, when it is opened."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._write, self._read = self.database.write, self.database.read
        migrate(self.database)

    def close(self) -> None:
        """No connection is left open."""
        self.database.close()

    @property
    def _on_sqlite(self) -> bool:
        return self.database.engine.dialect.name == "sqlite"

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """The dialect's insert, which can update a row that is there."""
        return sqlite.insert(table) if self._on_sqlite else postgresql.insert(table)

    def _upsert(self, connection: Connection, table: sa.Table, rows: Sequence[dict[str, object]]) -> None:
        """Insert the rows; one whose primary key exists replaces the other columns.

        They are written in the order of their keys, so that two writers wait for each other but never in a circle.
        """
        if not rows:
            return
        statement = self._insert(table)
        keys = [column.name for column in table.primary_key]
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        ordered = sorted(rows, key=lambda row: [str(row[key]) for key in keys])
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), ordered)

    # Sources

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

    # Documents and batches

    def _key(self) -> sa.ColumnElement[str]:
        """The source key in byte order, as stores list; PostgreSQL would sort by the language of its locale."""
        return _documents.c.source_key.collate("BINARY" if self._on_sqlite else "C")

    def _below(self, prefix: str) -> sa.ColumnElement[bool]:
        """Whether the source key begins with the prefix; not by LIKE, for which SQLite's A is an a."""
        return sa.and_(self._key() >= prefix, self._key() < prefix + "\U0010ffff")

    def documents(self, collection: str, below: str = "", *, after: str = "", until: str = "") -> list[Document]:
        """The collection's documents whose source key begins with `below`, by key.

        With `after` and `until` only those whose key sorts behind the first and not behind the second.
        """
        key = self._key()
        query = sa.select(*_SHOWN).where(_documents.c.collection == collection, _ALIVE).order_by(key)
        if below:
            query = query.where(self._below(below))
        if after:
            query = query.where(key > after)
        if until:
            query = query.where(key <= until)
        with self._read() as connection:
            return [_document(row) for row in connection.execute(query)]

    def collections(self) -> list[str]:
        """The names of the collections that have documents or watched sources, sorted."""
        query = sa.union(sa.select(_documents.c.collection).where(_ALIVE), sa.select(_sources.c.collection))
        with self._read() as connection:
            return sorted(connection.execute(query).scalars())

    def document(self, document_id: str) -> Document | None:
        """The document, None if it is not known or was deleted."""
        found = self.documents_by_id([document_id])
        return found[0] if found else None

    def documents_by_id(self, ids: Sequence[str]) -> list[Document]:
        """Those of the documents that are known, by key."""
        found: list[Document] = []
        with self._read() as connection:
            for part in _slices(ids):
                query = sa.select(*_SHOWN).where(_documents.c.document_id.in_(part), _ALIVE)
                found += [_document(row) for row in connection.execute(query)]
        return sorted(found, key=lambda document: document.source_key)

    def batch_documents(self, batch: str) -> list[Document]:
        """The documents that this batch holds now, by key; a changed document has moved to a newer batch."""
        query = sa.select(*_SHOWN).where(_documents.c.batch == batch, _ALIVE).order_by(_documents.c.source_key)
        with self._read() as connection:
            return [_document(row) for row in connection.execute(query)]

    def members(self, containers: Sequence[Document]) -> list[Document]:
        """The documents that were taken out of these, by key."""
        found: list[Document] = []
        with self._read() as connection:
            for part in _slices([each.source_key + INSIDE for each in containers]):
                query = sa.select(*_SHOWN).where(_documents.c.source.in_(part), _ALIVE)
                found += [_document(row) for row in connection.execute(query)]
        collections = {each.collection for each in containers}
        return sorted((each for each in found if each.collection in collections), key=lambda each: each.source_key)

    @again
    def adopt(self, container: Document, members: Sequence[Document]) -> bool:
        """The members are known, with their versions; one that is known already keeps its outcomes.

        False, and nothing is changed, where the container was deleted or has got another version meanwhile.
        """
        kept = ("document_id", "collection", "source", "source_key", "etag", "size", "media_type", "version", "batch")
        rows = [
            _storable({name: getattr(each, name) for name in kept}) | {"gone_since": 0.0, "deleted_at": 0.0}
            for each in members
        ]
        query = sa.select(_documents.c.version).where(_documents.c.document_id == container.document_id, _ALIVE)
        with self._write() as connection:
            if connection.execute(query.with_for_update()).scalar() != container.version:
                return False
            self._upsert(connection, _documents, rows)
        return True

    def unclaimed(self, documents: Sequence[Document]) -> list[Document]:
        """Those of the documents that no batch holds with the etag that they were listed with."""
        held: set[tuple[str, str]] = set()
        with self._read() as connection:
            for part in _slices([each.document_id for each in documents]):
                query = sa.select(_documents.c.document_id, _documents.c.etag).where(_ALIVE)
                query = query.where(_documents.c.document_id.in_(part))
                held |= {(row.document_id, row.etag) for row in connection.execute(query)}
        return [each for each in documents if (each.document_id, each.etag) not in held]

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
            | {"access": list(each.access), "metadata": dict(each.metadata)}
            for each in documents
        ]
        statement = self._insert(_documents)
        changed: dict[str, object] = {name: statement.excluded[name] for name in _CLAIMED}
        changed |= {"gone_since": 0.0, "deleted_at": 0.0}
        free = sa.or_(_documents.c.etag != statement.excluded.etag, ~_ALIVE)
        taking = statement.on_conflict_do_update(index_elements=["document_id"], set_=changed, where=free)
        with self._write() as connection:
            rows.sort(key=lambda row: str(row["document_id"]))
            if rows and len(connection.execute(taking.returning(_documents.c.document_id), rows).all()) < len(rows):
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
            row = connection.execute(sa.select(_batches).where(_batches.c.batch == batch)).first()
            return Batch(**row._mapping) if row else None

    def batches(self, collection: str | None = None) -> list[Batch]:
        """All batches, oldest first."""
        query = sa.select(_batches).order_by(_batches.c.batch)
        if collection is not None:
            query = query.where(_batches.c.collection == collection)
        with self._read() as connection:
            return [Batch(**row._mapping) for row in connection.execute(query)]

    def unfinished_batches(self) -> list[Batch]:
        """Batches, oldest first, with a document that is neither through all stages nor failed on the way."""
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
        not_done = sa.select(1).where(_documents.c.batch == _batches.c.batch, _ALIVE, ~done)
        with self._read() as connection:
            query = sa.select(_batches).where(not_done.correlate(_batches).exists()).order_by(_batches.c.batch)
            return [Batch(**row._mapping) for row in connection.execute(query)]

    @again
    def forget_batches(self, batches: Sequence[str]) -> None:
        """The batches are gone; their documents are not touched."""
        with self._write() as connection:
            for part in _slices(batches):
                connection.execute(_batches.delete().where(_batches.c.batch.in_(part)))

    @again
    def set_version(self, document_id: str, version: str, media_type: str, etag: str, size: int) -> None:
        """The document's current bytes are known."""
        values = {"version": version, "media_type": media_type, "etag": etag, "size": size}
        with self._write() as connection:
            connection.execute(_documents.update().where(_documents.c.document_id == document_id).values(**values))

    @again
    def bury(self, ids: Sequence[str]) -> None:
        """The documents are to be deleted: nobody works on them any more, though their rows may still be there."""
        with self._write() as connection:
            for part in _slices(ids):
                chosen = _documents.update().where(_documents.c.document_id.in_(part))
                connection.execute(chosen.values(deleted_at=time.time()))

    def buried(self, collection: str) -> list[str]:
        """Ids of the documents that are to be deleted, such as those of a deletion that was killed."""
        query = sa.select(_documents.c.document_id).where(_documents.c.collection == collection, ~_ALIVE)
        with self._read() as connection:
            return list(connection.execute(query).scalars())

    @again
    def forget(self, ids: Sequence[str]) -> None:
        """Those of the documents that were buried are gone with their outcomes."""
        with self._write() as connection:
            for part in _slices(ids):
                dead = sa.select(_documents.c.document_id).where(_documents.c.document_id.in_(part), ~_ALIVE)
                connection.execute(_outcomes.delete().where(_outcomes.c.document_id.in_(dead)))
                connection.execute(_documents.delete().where(_documents.c.document_id.in_(part), ~_ALIVE))

    # Reconciling

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
    def mark_gone(self, ids: Sequence[str], when: float) -> None:
        """The documents' objects were not listed at that time; 0 takes it back."""
        with self._write() as connection:
            for part in _slices(ids):
                connection.execute(
                    _documents.update().where(_documents.c.document_id.in_(part)).values(gone_since=when)
                )

    def gone(self, collection: str, below: str, since: float) -> list[Document]:
        """The documents below a source key that were marked as gone at that time or later."""
        chosen = (_documents.c.collection == collection, _ALIVE, _documents.c.gone_since >= since)
        query = sa.select(*_SHOWN).where(*chosen, self._below(below))
        with self._read() as connection:
            return [_document(row) for row in connection.execute(query)]

    def count(self, collection: str, below: str = "", *, objects: bool = False) -> int:
        """How many documents the collection has below a source key; with `objects` without members of others."""
        query = sa.select(sa.func.count()).select_from(_documents).where(_documents.c.collection == collection, _ALIVE)
        if objects:
            query = query.where(~_documents.c.source.endswith(INSIDE))
        with self._read() as connection:
            chosen = query.where(self._below(below)) if below else query
            return int(connection.execute(chosen).scalar_one())

    def totals(self) -> tuple[int, int]:
        """How many documents are known, and how many of them stand failed or partial."""
        faulty = sa.select(sa.func.count(sa.distinct(_outcomes.c.document_id))).where(
            _outcomes.c.status.in_([Status.FAILED.value, Status.PARTIAL.value])
        )
        known = sa.select(sa.func.count()).select_from(_documents).where(_ALIVE)
        with self._read() as connection:
            return int(connection.execute(known).scalar_one()), int(connection.execute(faulty).scalar_one())

    @again
    def set_access(self, documents: Sequence[Document]) -> None:
        """The documents' access tags and metadata, and the object tag that they may come from, are known."""
        with self._write() as connection:
            for each in sorted(documents, key=lambda document: document.document_id):
                access, tag = list(each.access), each.object_tag
                values = {"access": access, "metadata": dict(each.metadata), "object_tag": tag}
                chosen = _documents.c.document_id == each.document_id
                connection.execute(_documents.update().where(chosen).values(**values))

    # Generations

    @again
    def put_generation(self, generation: Generation) -> None:
        """The generation is known as it is given."""
        row = {**generation.model_dump(mode="json", exclude={"space"}), **_space_columns(generation.space)}
        with self._write() as connection:
            self._upsert(connection, _generations, [row])

    def generations(self, collection: str) -> list[Generation]:
        """The collection's generations, oldest first."""
        query = sa.select(_generations).where(_generations.c.collection == collection)
        with self._read() as connection:
            rows = connection.execute(query.order_by(_generations.c.created_at, _generations.c.digest)).all()
        return [_generation(row) for row in rows]

    def generation(self, collection: str, digest: str) -> Generation | None:
        """The generation, None if it is not known."""
        return next((each for each in self.generations(collection) if each.digest == digest), None)

    @again
    def forget_generation(self, collection: str, digest: str) -> None:
        """The generation is not known any more."""
        table = _generations
        with self._write() as connection:
            connection.execute(table.delete().where(table.c.collection == collection, table.c.digest == digest))

    # Outcomes

    @again
    def record(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes replace those of the same documents and stages.

        One of a version that is not the document's any more is dropped: a newer run has taken the document over.
        """
        now = time.time()
        ids = [outcome.document_id for outcome in outcomes]
        with self._write() as connection:
            versions: dict[str, str] = {}
            for part in _slices(ids):
                query = sa.select(_documents.c.document_id, _documents.c.version).where(_ALIVE)
                chosen = query.where(_documents.c.document_id.in_(part)).order_by(_documents.c.document_id)
                versions |= {
                    row.document_id: row.version for row in connection.execute(chosen.with_for_update(read=True))
                }
            rows = [
                _storable(outcome.model_dump(mode="json")) | {"updated_at": now}
                for outcome in outcomes
                if versions.get(outcome.document_id) == outcome.version
            ]
            self._upsert(connection, _outcomes, rows)

    @again
    def drop(self, outcomes: Sequence[tuple[str, Stage]]) -> None:
        """The outcomes (document id, stage) are gone: the documents need these stages again."""
        with self._write() as connection:
            for document_id, stage in outcomes:
                chosen = (_outcomes.c.document_id == document_id, _outcomes.c.stage == stage.value)
                connection.execute(_outcomes.delete().where(*chosen))

    def outcomes(self, ids: Iterable[str]) -> dict[tuple[str, Stage], Outcome]:
        """The outcomes of the documents, by document and stage."""
        found: dict[tuple[str, Stage], Outcome] = {}
        with self._read() as connection:
            for part in _slices(list(ids)):
                query = sa.select(_outcomes).where(_outcomes.c.document_id.in_(part))
                for row in connection.execute(query):
                    outcome = _outcome(row)
                    found[outcome.document_id, outcome.stage] = outcome
        return found

    def pages(self, ids: Iterable[str]) -> dict[str, int]:
        """How many pages were read of each document, as far as known."""
        found: dict[str, int] = {}
        read = sa.select(_outcomes.c.document_id, _outcomes.c.counts).where(
            _outcomes.c.stage == Stage.EXTRACTED_ELEMENTS.value
        )
        with self._read() as connection:
            for part in _slices(list(ids)):
                rows = connection.execute(read.where(_outcomes.c.document_id.in_(part)))
                found |= {row.document_id: row.counts.get("pages", 0) for row in rows}
        return found

    def failures(
        self,
        collection: str | None = None,
        *,
        batch: str | None = None,
        stage: Stage | None = None,
        statuses: Sequence[Status] = (Status.FAILED, Status.PARTIAL),
    ) -> list[Failure]:
        """Documents that failed in whole or in part, with the outcome that says why, by key and stage."""
        query = (
            sa.select(*_SHOWN, _outcomes)
            .join(_outcomes, _documents.c.document_id == _outcomes.c.document_id)
            .where(_outcomes.c.status.in_([status.value for status in statuses]), _ALIVE)
            .where(_outcomes.c.version == _documents.c.version)
            .order_by(_documents.c.source_key)
        )
        for column, wanted in (
            (_documents.c.collection, collection),
            (_documents.c.batch, batch),
            (_outcomes.c.stage, stage.value if stage else None),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        with self._read() as connection:
            rows = connection.execute(query).all()
        documents, outcomes = _SHOWN, list(_outcomes.c)
        return [
            Failure(
                Document.model_validate({column.name: row._mapping[column] for column in documents}),
                Outcome.model_validate({column.name: row._mapping[column] for column in outcomes}),
            )
            for row in rows
        ]
