"""Reads and writes of rows that all parts of the ledger share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from docmill.database import Database
from docmill.ids import name_hash
from docmill.ledger.tables import ALIVE, SHOWN
from docmill.ledger.tables import batches as _batches
from docmill.ledger.tables import documents as _documents
from docmill.migrations import migrate
from docmill.models import Document

_SHOWN = [column.name for column in SHOWN]
_IN_LIST = 500
_PART = 1_000
_HEAD = 500
"""Characters of a key in PostgreSQL's index."""


def slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids in parts that a query can name."""
    for start in range(0, len(ids), _IN_LIST):
        yield ids[start : start + _IN_LIST]


def document_of(row: sa.Row[tuple[object, ...]]) -> Document:
    """The document of a row of `SHOWN`."""
    return Document.model_validate(dict(zip(_SHOWN, row, strict=True)))


def name_hash_of(document: Document) -> str:
    """The hash of the file name that the document's key ends with."""
    return name_hash(document.source_key.rpartition("/")[2])


def storable(row: dict[str, object]) -> dict[str, object]:
    """The row without NUL and lone surrogates in its texts, which PostgreSQL refuses: broken documents bring them."""
    return {name: _clean(value) if isinstance(value, str) else value for name, value in row.items()}


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


class Rows:
    """The rows of the database at a SQLAlchemy URL; its tables are made, or brought up to date, when it is opened."""

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

    def _written(
        self, connection: Connection, statement: sqlite.Insert | postgresql.Insert, rows: Sequence[dict[str, object]]
    ) -> int:
        """The statement is done for each of the rows; how many it wrote."""
        if self._on_sqlite:  # which counts what it changes, and needs no statement that names a thousand rows
            counting = connection.execution_options(preserve_rowcount=True)
            return counting.execute(statement, rows).rowcount
        return len(connection.execute(statement.returning(sa.literal(1)), rows).all())

    def _reopen(self, connection: Connection, ids: Sequence[str]) -> None:
        """The batches of these documents may be unfinished again."""
        for part in slices(ids):
            theirs = sa.select(_documents.c.batch).where(_documents.c.document_id.in_(part))
            reopened = _batches.update().where(_batches.c.batch.in_(theirs))
            connection.execute(reopened.values(changed=_batches.c.changed + 1))

    def _bytewise(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """The text in byte order, as stores list; PostgreSQL would sort by the language of its locale."""
        return text.collate("BINARY" if self._on_sqlite else "C")

    def _key(self) -> sa.ColumnElement[str]:
        return self._bytewise(_documents.c.source_key)

    def _by_key(self) -> list[sa.ColumnElement[str]]:
        """What rows are ordered by, so that the index gives the first of them: on PostgreSQL it knows heads of keys."""
        return [self._key()] if self._on_sqlite else [self._head(), self._key()]

    def _head(self) -> sa.ColumnElement[str]:
        return self._bytewise(sa.func.substr(_documents.c.source_key, 1, sa.literal_column(str(_HEAD))))

    def _between(self, low: str, high: str) -> sa.ColumnElement[bool]:
        """What the index finds by, for keys from `low` to `high` ("": the end): on PostgreSQL the heads of keys."""
        indexed = self._key() if self._on_sqlite else self._head()
        ends = (low, high) if self._on_sqlite else (low[:_HEAD], high[:_HEAD])
        return sa.and_(indexed >= ends[0], indexed <= ends[1]) if high else indexed >= ends[0]

    def _below(self, prefix: str) -> sa.ColumnElement[bool]:
        """Whether the source key begins with the prefix; not by LIKE, for which SQLite's A is an a."""
        beyond = prefix + "\U0010ffff"
        return sa.and_(self._key() >= prefix, self._key() < beyond, self._between(prefix, beyond))

    def _ranged(
        self,
        collection: str,
        below: str = "",
        after: str = "",
        until: str = "",
        limit: int | None = None,
        chosen: sa.ColumnElement[bool] | None = None,
    ) -> list[Document]:
        """The documents below a key, behind `after` and not behind `until`, of which `chosen` holds, by key."""
        key = self._key()
        query = sa.select(*SHOWN).where(_documents.c.collection == collection, ALIVE)
        query = query.order_by(*self._by_key()).limit(limit)
        if chosen is not None:
            query = query.where(chosen)
        if below:
            query = query.where(self._below(below))
        if after:
            query = query.where(key > after)
        if until:
            query = query.where(key <= until)
        if after or until:
            query = query.where(self._between(after, until))
        with self._read() as connection:
            return [document_of(row) for row in connection.execute(query)]

    def _paged(
        self, collection: str, below: str = "", chosen: sa.ColumnElement[bool] | None = None
    ) -> Iterator[Document]:
        after = ""
        while part := self._ranged(collection, below, after, limit=_PART, chosen=chosen):
            yield from part
            after = part[-1].source_key
