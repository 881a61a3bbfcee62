"""How the collections stand, from the ledger and the index."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice

from docmill.generations import unbuilt, unsearched
from docmill.models import Document, Stage, Status
from docmill.pipeline import Outcomes, current_outcome
from docmill.routes import ROUTE, Route, routes_of
from docmill.standing import with_outcomes
from docmill.workspace import Workspace

_ROWS = 10_000


@dataclass(frozen=True)
class CollectionStatus:
    """A collection in numbers.

    `searchable` documents have all their current chunks in the collection; `failed` stand failed at some stage,
    `partial` lack pages, `quarantined` were set aside, `pending` are none of these. `rows` is what the index holds,
    `orphans` the rows of documents that nobody knows. `unsearched` says why what is ingested now is not found, "" if
    it is. `routes` say how the pages of its PDFs were read, and why.
    """

    collection: str
    documents: int
    searchable: int
    failed: int
    partial: int
    quarantined: int
    pending: int
    rows: int
    orphans: int
    expected_rows: int
    routes: tuple[Route, ...] = ()
    unsearched: str = ""
    unbuilt: str = ""


def _state(workspace: Workspace, document: Document, outcomes: Outcomes) -> str:
    found = [current_outcome(workspace, stage, document, outcomes) for stage in Stage]
    statuses = [outcome.status for outcome in found if outcome is not None]
    for status in (Status.FAILED, Status.QUARANTINED):
        if status in statuses:
            return status.value
    last = found[-1]
    if last is None or last.status is not Status.OK:
        return "pending"
    return "partial" if Status.PARTIAL in statuses else "searchable"


def collection_status(workspace: Workspace, collection: str) -> CollectionStatus:
    """How the collection stands now. The database counts what is well; memory does not grow with the collection."""
    ledger = workspace.ledger
    standing = ledger.standing(collection, workspace.fingerprints[Stage.VECTOR_COLLECTION])
    states = Counter({"searchable": standing.well, "pending": standing.waiting})
    for ids in ledger.faulty(collection):
        standing_now = with_outcomes(workspace, ledger.documents_by_id(ids))
        states.update(_state(workspace, document, outcomes) for document, outcomes in standing_now)
    rows, orphans = 0, 0
    held = workspace.index.each_held(collection, workspace.space)
    while part := [row.document_id for _, row in islice(held, _ROWS)]:
        unknown = ledger.unknown(collection, sorted(set(part)))
        rows, orphans = rows + len(part), orphans + sum(each in unknown for each in part)
    return CollectionStatus(
        collection=collection,
        documents=states.total(),
        searchable=states["searchable"] + states["partial"],
        failed=states["failed"],
        partial=states["partial"],
        quarantined=states["quarantined"],
        pending=states["pending"],
        rows=rows,
        orphans=orphans,
        expected_rows=ledger.sums(collection, Stage.VECTOR_COLLECTION, "rows").get("rows", 0),
        routes=routes_of(ledger.sums(collection, Stage.EXTRACTED_ELEMENTS, f"{ROUTE}|%")),
        unsearched=unsearched(workspace, collection),
        unbuilt=unbuilt(workspace, collection),
    )


def batch_row_faults(workspace: Workspace, batch: str) -> int:
    """How many rows of the batch's indexed documents the index lacks or holds too many, against the ledger's counts."""
    documents = workspace.ledger.batch_documents(batch)
    outcomes = workspace.ledger.outcomes(document.document_id for document in documents)
    expected: dict[str, int] = {}
    for document in documents:
        outcome = current_outcome(workspace, Stage.VECTOR_COLLECTION, document, outcomes)
        if outcome is not None and outcome.status is Status.OK:
            expected[document.document_id] = outcome.counts["rows"]
    if not expected:
        return 0
    held = workspace.index.held(documents[0].collection, workspace.space, list(expected))
    rows = Counter(row.document_id for row in held.values())
    return sum(abs(rows[document_id] - count) for document_id, count in expected.items())


def collection_statuses(workspace: Workspace) -> list[CollectionStatus]:
    """How every collection stands, by name."""
    names = sorted({batch.collection for batch in workspace.ledger.batches()})
    return [collection_status(workspace, name) for name in names]
