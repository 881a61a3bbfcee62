"""What is known of documents: where each is, which version it has, whether it is there still."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from docmill.database import again
from docmill.ids import name_hash
from docmill.ledger.rows import Rows, document_of, name_hash_of, slices, storable
from docmill.ledger.tables import ALIVE, BURIED, GONE, MEMBER, SHOWN
from docmill.ledger.tables import documents as _documents
from docmill.ledger.tables import outcomes as _outcomes
from docmill.ledger.tables import sources as _sources
from docmill.models import INSIDE, Document


class Documents(Rows):
    """The documents of all collections."""

    def documents(
        self, collection: str, below: str = "", *, after: str = "", until: str = "", limit: int | None = None
    ) -> list[Document]:
        """The collection's documents whose source key begins with `below`, by key; the first `limit` of them.

        With `after` and `until` only those whose key sorts behind the first and not behind the second.
        """
        return self._ranged(collection, below, after, until, limit)

    def each_document(self, collection: str, below: str = "") -> Iterator[Document]:
        """The same documents, a few in memory at a time: looked up in parts, each as the ledger is by then."""
        return self._paged(collection, below)

    def documents_by_id(self, ids: Sequence[str]) -> list[Document]:
        """Those of the documents that are known, by key."""
        found: list[Document] = []
        with self._read() as connection:
            for part in slices(ids):
                query = sa.select(*SHOWN).where(_documents.c.document_id.in_(part), ALIVE)
                found += [document_of(row) for row in connection.execute(query)]
        return sorted(found, key=lambda document: document.source_key)

    def document(self, document_id: str) -> Document | None:
        """The document, None if it is not known or was deleted."""
        found = self.documents_by_id([document_id])
        return found[0] if found else None

    def collections(self) -> list[str]:
        """The names of the collections that have documents or watched sources, sorted."""
        query = sa.union(sa.select(_documents.c.collection).where(ALIVE), sa.select(_sources.c.collection))
        with self._read() as connection:
            return sorted(connection.execute(query).scalars())

    def documents_named(self, collection: str, names: Sequence[str]) -> list[Document]:
        """The collection's documents whose keys end with one of these file names, whatever the case of its letters."""
        found: list[Document] = []
        with self._read() as connection:
            for part in slices(sorted({name_hash(each) for each in names})):
                chosen = (_documents.c.collection == collection, _documents.c.name_hash.in_(part), ALIVE)
                found += [document_of(row) for row in connection.execute(sa.select(*SHOWN).where(*chosen))]
        return sorted(found, key=lambda document: document.source_key)

    def batch_documents(self, batch: str) -> list[Document]:
        """The documents that this batch holds now, by key; a changed document has moved to a newer batch."""
        query = sa.select(*SHOWN).where(_documents.c.batch == batch, ALIVE).order_by(_documents.c.source_key)
        with self._read() as connection:
            return [document_of(row) for row in connection.execute(query)]

    def members(self, containers: Sequence[Document]) -> list[Document]:
        """The documents that were taken out of these, by key."""
        found: list[Document] = []
        with self._read() as connection:
            for part in slices([each.source_key + INSIDE for each in containers]):
                query = sa.select(*SHOWN).where(_documents.c.source.in_(part), MEMBER, ALIVE)
                found += [document_of(row) for row in connection.execute(query)]
        collections = {each.collection for each in containers}
        return sorted((each for each in found if each.collection in collections), key=lambda each: each.source_key)

    @again
    def adopt(self, container: Document, members: Sequence[Document]) -> bool:
        """The members are known, with their versions; one that is known already keeps its outcomes.

        False, and nothing is changed, where the container was deleted or has got another version meanwhile.
        """
        kept = ("document_id", "collection", "source", "source_key", "etag", "size", "media_type", "version", "batch")
        rows = [
            storable({name: getattr(each, name) for name in kept})
            | {"gone_since": 0.0, "deleted_at": 0.0, "name_hash": name_hash_of(each)}
            for each in members
        ]
        query = sa.select(_documents.c.version).where(_documents.c.document_id == container.document_id, ALIVE)
        with self._write() as connection:
            if connection.execute(query.with_for_update()).scalar() != container.version:
                return False
            self._upsert(connection, _documents, rows)
            self._reopen(connection, [container.document_id])
        return True

    def unclaimed(self, documents: Sequence[Document]) -> list[Document]:
        """Those of the documents that no batch holds with the etag that they were listed with."""
        held: set[tuple[str, str]] = set()
        with self._read() as connection:
            for part in slices([each.document_id for each in documents]):
                query = sa.select(_documents.c.document_id, _documents.c.etag).where(ALIVE)
                query = query.where(_documents.c.document_id.in_(part))
                held |= {(row.document_id, row.etag) for row in connection.execute(query)}
        return [each for each in documents if (each.document_id, each.etag) not in held]

    @again
    def set_version(self, document_id: str, version: str, media_type: str, etag: str, size: int) -> None:
        """The document's current bytes are known."""
        values = {"version": version, "media_type": media_type, "etag": etag, "size": size}
        with self._write() as connection:
            connection.execute(_documents.update().where(_documents.c.document_id == document_id).values(**values))
            self._reopen(connection, [document_id])

    @again
    def set_access(self, documents: Sequence[Document]) -> None:
        """The documents' access tags and metadata, and the object tag that they may come from, are known."""
        with self._write() as connection:
            for each in sorted(documents, key=lambda document: document.document_id):
                access, tag = list(each.access), each.object_tag
                values = {"access": access, "metadata": dict(each.metadata), "object_tag": tag}
                chosen = _documents.c.document_id == each.document_id
                connection.execute(_documents.update().where(chosen).values(**values))

    @again
    def bury(self, ids: Sequence[str]) -> None:
        """The documents are to be deleted: nobody works on them any more, though their rows may still be there."""
        with self._write() as connection:
            for part in slices(ids):
                chosen = _documents.update().where(_documents.c.document_id.in_(part))
                connection.execute(chosen.values(deleted_at=time.time()))

    def buried(self, collection: str) -> list[str]:
        """Ids of the documents that are to be deleted, such as those of a deletion that was killed."""
        query = sa.select(_documents.c.document_id).where(_documents.c.collection == collection, BURIED)
        with self._read() as connection:
            return list(connection.execute(query).scalars())

    @again
    def forget(self, ids: Sequence[str]) -> None:
        """Those of the documents that were buried are gone with their outcomes."""
        with self._write() as connection:
            for part in slices(ids):
                dead = sa.select(_documents.c.document_id).where(_documents.c.document_id.in_(part), ~ALIVE)
                connection.execute(_outcomes.delete().where(_outcomes.c.document_id.in_(dead)))
                connection.execute(_documents.delete().where(_documents.c.document_id.in_(part), ~ALIVE))

    @again
    def mark_gone(self, ids: Sequence[str], when: float) -> None:
        """The documents' objects were not listed at that time; 0 takes it back."""
        with self._write() as connection:
            for part in slices(ids):
                connection.execute(
                    _documents.update().where(_documents.c.document_id.in_(part)).values(gone_since=when)
                )

    def gone(self, collection: str, below: str, since: float) -> list[Document]:
        """The documents below a source key that were marked as gone at that time or later."""
        chosen = (_documents.c.collection == collection, ALIVE, GONE, _documents.c.gone_since >= since)
        with self._read() as connection:  # asked for keys, too, SQLite would go through all of these instead
            found = [document_of(row) for row in connection.execute(sa.select(*SHOWN).where(*chosen))]
        return [each for each in found if each.source_key.startswith(below)]

    def count(self, collection: str, below: str = "", *, objects: bool = False) -> int:
        """How many documents the collection has below a source key; with `objects` without members of others."""
        query = sa.select(sa.func.count()).select_from(_documents).where(_documents.c.collection == collection, ALIVE)
        if objects:
            query = query.where(~_documents.c.source.endswith(INSIDE))
        with self._read() as connection:
            chosen = query.where(self._below(below)) if below else query
            return int(connection.execute(chosen).scalar_one())
