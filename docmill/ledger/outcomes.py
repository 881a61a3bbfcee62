"""What became of every document at every stage."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from docmill.database import again
from docmill.ledger.rows import Rows, slices, storable
from docmill.ledger.tables import ALIVE, FAULTY, SHOWN, USABLE, current
from docmill.ledger.tables import batches as _batches
from docmill.ledger.tables import documents as _documents
from docmill.ledger.tables import outcomes as _outcomes
from docmill.models import Document, ErrorClass, Outcome, Stage, Status

_COLUMNS = [column.name for column in _outcomes.c]


@dataclass(frozen=True)
class Failure:
    """A failed, partial or quarantined document with its outcome at the stage that says so."""

    document: Document
    outcome: Outcome


def _outcome(row: sa.Row[tuple[object, ...]]) -> Outcome:
    return Outcome.model_validate(dict(zip(_COLUMNS, row, strict=True)))


class Outcomes(Rows):
    """The outcomes of documents at stages."""

    @again
    def record(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes replace those of the same documents and stages.

        One of a version that is not the document's any more is dropped: a newer run has taken the document over.
        """
        now = time.time()
        ids = [outcome.document_id for outcome in outcomes]
        with self._write() as connection:
            versions: dict[str, str] = {}
            for part in slices(ids):
                query = sa.select(_documents.c.document_id, _documents.c.version).where(ALIVE)
                chosen = query.where(_documents.c.document_id.in_(part)).order_by(_documents.c.document_id)
                versions |= {
                    row.document_id: row.version for row in connection.execute(chosen.with_for_update(read=True))
                }
            rows = [
                storable(outcome.model_dump(mode="json")) | {"updated_at": now}
                for outcome in outcomes
                if versions.get(outcome.document_id) == outcome.version
            ]
            self._upsert(connection, _outcomes, rows)
            self._reopen(connection, ids)

    @again
    def drop(self, outcomes: Sequence[tuple[str, Stage]]) -> None:
        """The outcomes (document id, stage) are gone: the documents need these stages again."""
        with self._write() as connection:
            for document_id, stage in outcomes:
                chosen = (_outcomes.c.document_id == document_id, _outcomes.c.stage == stage.value)
                connection.execute(_outcomes.delete().where(*chosen))
            self._reopen(connection, [document_id for document_id, _ in outcomes])

    def outcomes(self, ids: Iterable[str]) -> dict[tuple[str, Stage], Outcome]:
        """The outcomes of the documents, by document and stage."""
        found: dict[tuple[str, Stage], Outcome] = {}
        with self._read() as connection:
            for part in slices(list(ids)):
                query = sa.select(_outcomes).where(_outcomes.c.document_id.in_(part))
                for row in connection.execute(query):
                    outcome = _outcome(row)
                    found[outcome.document_id, outcome.stage] = outcome
        return found

    def not_through(self, collection: str, fingerprints: Mapping[Stage, str], below: str = "") -> Iterator[Document]:
        """Documents that are not through all these stages, by key; those that failed on the way are among them.

        That is: which have not been read since they were claimed, or whose outcome at a later stage is missing, failed,
        or of another version or fingerprint. Of a large collection these are few; the database finds them.
        """
        claimed = sa.select(_batches.c.created_at).where(_batches.c.batch == _documents.c.batch)
        since = sa.func.coalesce(claimed.correlate(_documents).scalar_subquery(), 0)
        read = sa.and_(_outcomes.c.stage == Stage.RAW_DOCUMENTS.value, _outcomes.c.updated_at >= since)
        own = _outcomes.c.document_id == _documents.c.document_id
        done = sa.select(sa.func.count()).where(own, USABLE, sa.or_(read, current(fingerprints)))
        through = done.correlate(_documents).scalar_subquery() == len(fingerprints)
        return self._paged(collection, below, ~through)

    def pages(self, ids: Iterable[str]) -> dict[str, int]:
        """How many pages were read of each document, as far as known."""
        found: dict[str, int] = {}
        read = sa.select(_outcomes.c.document_id, _outcomes.c.counts).where(
            _outcomes.c.stage == Stage.EXTRACTED_ELEMENTS.value
        )
        with self._read() as connection:
            for part in slices(list(ids)):
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
        error_class: ErrorClass | None = None,
    ) -> list[Failure]:
        """Documents that failed in whole or in part, with the outcome that says why, by key and stage."""
        query = (
            sa.select(*SHOWN, _outcomes)
            .join(_outcomes, _documents.c.document_id == _outcomes.c.document_id)
            .where(FAULTY, _outcomes.c.status.in_([status.value for status in statuses]), ALIVE)
            .where(_outcomes.c.version == _documents.c.version)
            .order_by(_documents.c.source_key)
        )
        for column, wanted in (
            (_documents.c.collection, collection),
            (_documents.c.batch, batch),
            (_outcomes.c.stage, stage.value if stage else None),
            (_outcomes.c.error_class, error_class.value if error_class else None),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        with self._read() as connection:
            rows = connection.execute(query).all()
        documents, outcomes = SHOWN, list(_outcomes.c)
        return [
            Failure(
                Document.model_validate({column.name: row._mapping[column] for column in documents}),
                Outcome.model_validate({column.name: row._mapping[column] for column in outcomes}),
            )
            for row in rows
        ]

    def totals(self) -> tuple[int, int]:
        """How many documents are known, and how many of them stand failed or partial."""
        faulty = sa.select(sa.func.count(sa.distinct(_outcomes.c.document_id))).where(
            FAULTY, _outcomes.c.status.in_([Status.FAILED.value, Status.PARTIAL.value])
        )
        known = sa.select(sa.func.count()).select_from(_documents).where(ALIVE)
        with self._read() as connection:
            return int(connection.execute(known).scalar_one()), int(connection.execute(faulty).scalar_one())
