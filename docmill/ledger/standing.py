"""How collections stand, counted by the database: of millions of documents only those are given that are not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from docmill.ledger.rows import Rows, slices
from docmill.ledger.tables import ALIVE, FAULTY, USABLE, current
from docmill.ledger.tables import batches as _batches
from docmill.ledger.tables import documents as _documents
from docmill.ledger.tables import outcomes as _outcomes
from docmill.models import Stage, Status


@dataclass(frozen=True)
class Standing:
    """How many documents are through all stages and well, how many are on the way, and how many had a fault anywhere.

    A fault is an outcome that is not ok, whatever version of the document and settings it is of.
    """

    well: int = 0
    waiting: int = 0
    faulty: int = 0


@dataclass(frozen=True)
class Current:
    """What an outcome says that stands as it is now."""

    document_id: str
    stage: Stage
    status: Status
    counts: Mapping[str, int]


class Standings(Rows):
    """Counts over the documents of a collection."""

    def standing(self, collection: str, fingerprint: str) -> Standing:
        """How the documents stand, where the last stage's outcomes of now have that fingerprint."""
        own = _outcomes.c.document_id == _documents.c.document_id
        last = (
            _outcomes.c.stage == Stage.VECTOR_COLLECTION.value,
            _outcomes.c.status == Status.OK.value,
            _outcomes.c.version == _documents.c.version,
            _outcomes.c.fingerprint == fingerprint,
        )
        faulty = sa.select(1).where(own, FAULTY).correlate(_documents).exists()
        through = sa.select(1).where(own, *last).correlate(_documents).exists()
        state = sa.case((faulty, "faulty"), (through, "well"), else_="waiting").label("state")
        states = sa.select(state).where(_documents.c.collection == collection, ALIVE).subquery()
        query = sa.select(states.c.state, sa.func.count()).group_by(states.c.state)
        with self._read() as connection:
            return Standing(**dict(connection.execute(query).tuples().all()))

    def faulty(self, collection: str) -> Iterator[list[str]]:
        """Ids of the documents with an outcome that is not ok, some hundred at a time."""
        query = sa.select(_outcomes.c.document_id).distinct().order_by(_outcomes.c.document_id).limit(500)
        query = query.join(_documents, _documents.c.document_id == _outcomes.c.document_id)
        query = query.where(FAULTY, _documents.c.collection == collection, ALIVE)
        last = ""
        while True:
            with self._read() as connection:
                found = list(connection.execute(query.where(_outcomes.c.document_id > last)).scalars())
            if not found:
                return
            yield found
            last = found[-1]

    def sums(self, collection: str, stage: Stage, names: str, fingerprint: str = "") -> dict[str, int]:
        """What the counts of all documents at a stage add up to, of the names that are LIKE that.

        With a fingerprint only usable outcomes count that have it and are of their document's version.
        """
        if self._on_sqlite:
            counts = sa.func.json_each(_outcomes.c.counts).table_valued("key", "value")
        else:
            counts = sa.func.json_each_text(_outcomes.c.counts).table_valued("key", "value")
        own = sa.and_(_outcomes.c.document_id == _documents.c.document_id, _outcomes.c.stage == stage.value)
        query = (
            sa.select(counts.c.key, sa.func.sum(sa.cast(counts.c.value, sa.BigInteger)))
            .select_from(_documents.join(_outcomes, own).join(counts, sa.true()))
            .where(_documents.c.collection == collection, ALIVE, sa.cast(counts.c.key, sa.Text).like(names))
            .group_by(counts.c.key)
        )
        if fingerprint:
            query = query.where(USABLE, current({stage: fingerprint}))
        with self._read() as connection:
            return {name: int(value) for name, value in connection.execute(query).all()}

    def current(self, ids: Sequence[str], fingerprints: Mapping[Stage, str]) -> Iterator[Current]:
        """The usable outcomes of these documents' versions that have the fingerprint of their stage."""
        query = sa.select(_outcomes.c.document_id, _outcomes.c.stage, _outcomes.c.status, _outcomes.c.counts)
        query = query.join(_documents, _documents.c.document_id == _outcomes.c.document_id)
        for part in slices(ids):
            with self._read() as connection:
                rows = connection.execute(
                    query.where(_outcomes.c.document_id.in_(part), ALIVE, USABLE, current(fingerprints))
                ).all()
            yield from (Current(row[0], Stage(row[1]), Status(row[2]), row[3]) for row in rows)

    def unknown(self, collection: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that no document of the collection has."""
        found: set[str] = set()
        with self._read() as connection:
            for part in slices(ids):
                own = (_documents.c.collection == collection, ALIVE, _documents.c.document_id.in_(part))
                found |= set(connection.execute(sa.select(_documents.c.document_id).where(*own)).scalars())
        return set(ids) - found

    def empty_batches(self, created_before: float) -> list[str]:
        """Batches made before that time (s since the epoch) that hold no document any more."""
        held = sa.select(1).where(_documents.c.batch == _batches.c.batch, ALIVE).exists()
        query = sa.select(_batches.c.batch).where(~held, _batches.c.created_at < created_before)
        with self._read() as connection:
            return list(connection.execute(query.order_by(_batches.c.batch)).scalars())
