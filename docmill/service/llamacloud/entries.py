"""What clients have put into indexes: texts with metadata, and uploaded files; a row each beside the ledger's.

An entry's bytes lie in the store at `uploads/<collection>/<entry id>/<name>`, its metadata in a side-car beside them:
a document like any other. The row keeps what the client gave and must get back unchanged. An entry is pending from the
moment it is put until a job has worked on this very revision of it.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote_plus

import sqlalchemy as sa

from docmill.attributes import is_side_car
from docmill.database import Database, again
from docmill.service.llamacloud.items import Body
from docmill.tables import index_entries as _rows

_IDS = uuid.UUID("0f0b0a5d-3b1c-4c61-9c43-7a5a6d0a9e77")
_IN_LIST = 500
TEXT, FILE = "text", "file"


@dataclass(frozen=True)
class Entry:
    """An entry of an index. `ref_id` is the client's id of a text, or the id of a file.

    `document_id` and `key` name docmill's document and its object. `body` holds `metadata` and what else came with it.
    """

    collection: str
    entry_id: str
    ref_id: str
    kind: str
    document_id: str
    key: str
    body: Body = field(default_factory=dict)
    revision: str = ""
    pending: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def metadata(self) -> Body:
        """The metadata as the client gave it."""
        found = self.body.get("metadata")
        return dict(found) if isinstance(found, dict) else {}

    @property
    def is_empty(self) -> bool:
        """Whether it is a text without a word: there is nothing to find in it, and nothing wrong with it."""
        return bool(self.body.get("is_empty"))


def entry_id(collection: str, ref_id: str) -> str:
    """The id of the entry of a reference."""
    return str(uuid.uuid5(_IDS, f"{collection}\n{ref_id}"))


def object_name(name: str) -> str:
    """The name that the object of an uploaded file has: the last part of the client's, and never a side-car's."""
    base = PurePosixPath(name.replace("\\", "/")).name.lstrip(".") or "document"
    return f"{base}.json" if is_side_car(base) else base


class Entries:
    """The entries of all indexes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @again
    def put(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries as they are kept now, pending; those that were there keep the time of their creation."""
        now = time.time()
        with self._database.write() as connection:
            for each in entries:
                own = (_rows.c.collection == each.collection, _rows.c.entry_id == each.entry_id)
                values: dict[str, object] = {
                    "kind": each.kind,
                    "document_id": each.document_id,
                    "key": each.key,
                    "body": each.body,
                }
                values |= {"revision": secrets.token_hex(16), "pending": True, "updated_at": now}
                if not connection.execute(_rows.update().where(*own).values(**values)).rowcount:
                    keys = {"collection": each.collection, "entry_id": each.entry_id, "ref_id": each.ref_id}
                    connection.execute(_rows.insert().values(**keys, **values, created_at=now))
        kept = self.of_documents([each.document_id for each in entries])
        return [kept.get(each.document_id, each) for each in entries]

    def find(self, collection: str, ref_id: str) -> Entry | None:
        """The entry of a reference as it came, or as it is once unquoted: the Python client quotes it twice."""
        wanted = [entry_id(collection, each) for each in dict.fromkeys((ref_id, unquote_plus(ref_id)))]
        found = {each.entry_id: each for each in self._select(_rows.c.entry_id.in_(wanted))}
        return next((found[each] for each in wanted if each in found), None)

    def pending(self, collection: str) -> list[Entry]:
        """The entries that wait for a job."""
        return self._select(_rows.c.collection == collection, _rows.c.pending.is_(True))

    def of_documents(self, document_ids: Sequence[str]) -> dict[str, Entry]:
        """The entries of docmill's documents, by their ids."""
        found: list[Entry] = []
        for start in range(0, len(document_ids), _IN_LIST):
            found += self._select(_rows.c.document_id.in_(document_ids[start : start + _IN_LIST]))
        return {each.document_id: each for each in found}

    def all(self, collection: str, kind: str | None = None) -> list[Entry]:
        """The entries of an index, oldest first."""
        chosen = [_rows.c.collection == collection, *([_rows.c.kind == kind] if kind else [])]
        return self._select(*chosen)

    def count(self, collection: str, kind: str) -> int:
        """How many entries of a kind the index has."""
        chosen = (_rows.c.collection == collection, _rows.c.kind == kind)
        with self._database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_rows).where(*chosen)).scalar_one())

    def page(self, collection: str, kind: str, skip: int, limit: int) -> list[Entry]:
        """At most `limit` entries of a kind behind the oldest `skip`."""
        return self._select(_rows.c.collection == collection, _rows.c.kind == kind, skip=skip, limit=limit)

    def in_any(self, collections: Sequence[str], ref_id: str) -> Entry | None:
        """The entry of a reference in one of the indexes."""
        wanted = [entry_id(each, ref_id) for each in collections]
        return next(iter(self._select(_rows.c.entry_id.in_(wanted))), None)

    def _select(self, *conditions: sa.ColumnElement[bool], skip: int = 0, limit: int | None = None) -> list[Entry]:
        query = sa.select(_rows).where(*conditions).order_by(_rows.c.created_at, _rows.c.entry_id)
        query = query.offset(skip).limit(limit)
        with self._database.read() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]

    @again
    def settle(self, entries: Sequence[Entry]) -> None:
        """The entries wait no more, but for those that were put again meanwhile."""
        with self._database.write() as connection:
            for each in entries:
                own = (_rows.c.collection == each.collection, _rows.c.entry_id == each.entry_id)
                same = (*own, _rows.c.revision == each.revision)
                connection.execute(_rows.update().where(*same).values(pending=False))

    @again
    def reopen(self, collection: str, kind: str) -> None:
        """The entries of a kind wait for a job again."""
        chosen = (_rows.c.collection == collection, _rows.c.kind == kind)
        with self._database.write() as connection:
            connection.execute(_rows.update().where(*chosen).values(pending=True))

    @again
    def delete(self, entries: Sequence[Entry]) -> None:
        """The entries are gone."""
        with self._database.write() as connection:
            for each in entries:
                own = (_rows.c.collection == each.collection, _rows.c.entry_id == each.entry_id)
                connection.execute(_rows.delete().where(*own))
