"""What is in an index, page by page: texts as they came, oldest first, then all else of its collection by address."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from docmill.ledger.rows import document_of
from docmill.ledger.tables import ALIVE, SHOWN
from docmill.ledger.tables import documents as _documents
from docmill.ledger.tables import outcomes as _outcomes
from docmill.models import Document, Stage, Status
from docmill.service.llamacloud.entries import TEXT, Entries, Entry
from docmill.service.llamacloud.index_state import ERROR, IN_PROGRESS, PARTIAL, SUCCESS
from docmill.service.llamacloud.nodes import Source, sources_of
from docmill.tables import index_entries as _entries
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Part:
    """A text with its `entry`, or another document as the `source` of nodes; `ref` is the id that clients know."""

    ref: str
    source: Source | None = None
    entry: Entry | None = None


class Contents:
    """The parts of an index; only those that are asked for are read."""

    def __init__(self, workspace: Workspace, collection: str) -> None:
        self._workspace = workspace
        self._collection = collection
        self._kept = Entries(workspace.ledger.database)

    def count(self) -> int:
        """How many parts there are."""
        query = sa.select(sa.func.count()).select_from(_documents).where(*self._others())
        with self._workspace.ledger.database.read() as connection:
            others: int = connection.execute(query).scalar_one()
        return self._kept.count(self._collection, TEXT) + others

    def statuses(self) -> dict[str, int]:
        """How many parts stand how, in the protocol's words."""
        bad_ends = (Status.FAILED, Status.QUARANTINED, Status.PARTIAL)
        found = self._workspace.ledger.failures(self._collection, statuses=bad_ends)
        by_status = {status: {e.document.document_id for e in found if e.outcome.status is status} for status in Status}
        failed = by_status[Status.FAILED] | by_status[Status.QUARANTINED]
        waiting = self._unfinished() | {e.document_id for e in self._kept.pending(self._collection) if e.kind == TEXT}
        partial = by_status[Status.PARTIAL] - waiting
        bad = {ERROR: len(failed), IN_PROGRESS: len(waiting - failed), PARTIAL: len(partial)}
        counts = {SUCCESS: max(0, self.count() - sum(bad.values())), **bad}
        return {status: count for status, count in counts.items() if count}

    def _unfinished(self) -> set[str]:
        """The documents whose rows have not been written in their current version."""
        same = (_outcomes.c.document_id == _documents.c.document_id, _outcomes.c.version == _documents.c.version)
        written = sa.exists().where(*same, _outcomes.c.stage == Stage.VECTOR_COLLECTION.value)
        query = sa.select(_documents.c.document_id).where(_documents.c.collection == self._collection, ALIVE, ~written)
        with self._workspace.ledger.database.read() as connection:
            return set(connection.execute(query).scalars())

    def page(self, skip: int, limit: int) -> list[Part]:
        """At most `limit` parts behind the first `skip`."""
        skip, limit = max(0, skip), max(0, limit)
        found = [Part(each.ref_id, entry=each) for each in self._kept.page(self._collection, TEXT, skip, limit)]
        left = limit - len(found)
        if not left:
            return found
        others = self._page_of_others(max(0, skip - self._kept.count(self._collection, TEXT)), left)
        known = sources_of(self._workspace, [each.document_id for each in others])
        sources = [known[each.document_id] for each in others if each.document_id in known]
        return found + [Part(each.ref, each) for each in sources]

    def _page_of_others(self, skip: int, limit: int) -> list[Document]:
        query = sa.select(*SHOWN).where(*self._others()).order_by(_documents.c.source_key)
        with self._workspace.ledger.database.read() as connection:
            return [document_of(row) for row in connection.execute(query.offset(skip).limit(limit))]

    def _others(self) -> tuple[sa.ColumnElement[bool], ...]:
        """What is no text of a client."""
        texts = sa.exists().where(_entries.c.document_id == _documents.c.document_id, _entries.c.kind == TEXT)
        return _documents.c.collection == self._collection, ALIVE, ~texts
