"""How a document stands at a stage, from the ledger: with its current version, under the current settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from docmill.fingerprints import raw_fingerprint
from docmill.models import INSIDE, Document, Outcome, Stage, Status
from docmill.workspace import Workspace

USABLE = {Status.OK, Status.PARTIAL}
Outcomes = dict[tuple[str, Stage], Outcome]
_SLICE = 500


def expected_fingerprint(workspace: Workspace, stage: Stage, document: Document) -> str:
    """The fingerprint that an up-to-date outcome has; that of the raw documents holds the object's etag."""
    fingerprint = workspace.fingerprints[stage]
    return raw_fingerprint(fingerprint, document.etag) if stage is Stage.RAW_DOCUMENTS else fingerprint


def current_outcome(workspace: Workspace, stage: Stage, document: Document, outcomes: Outcomes) -> Outcome | None:
    """The stage's outcome of the document's current version under the current settings, None if there is none."""
    outcome = outcomes.get((document.document_id, stage))
    if outcome is None or outcome.fingerprint != expected_fingerprint(workspace, stage, document):
        return None
    return outcome if outcome.version == document.version or stage is Stage.RAW_DOCUMENTS else None


def with_outcomes(workspace: Workspace, documents: Iterable[Document]) -> Iterator[tuple[Document, Outcomes]]:
    """Each document with its outcomes (and perhaps some of its neighbours').

    They are looked up some hundred documents at a time: those of a large collection at once need gigabytes.
    """
    rest = iter(documents)
    while part := list(islice(rest, _SLICE)):
        outcomes = workspace.ledger.outcomes(document.document_id for document in part)
        yield from ((document, outcomes) for document in part)


def pending_batches(workspace: Workspace, documents: Iterable[Document]) -> list[str]:
    """Batches that hold any of these documents before its end: not through all stages, and not failed on the way."""
    standing = with_outcomes(workspace, documents)
    return sorted({each.batch for each, outcomes in standing if _is_pending(workspace, each, outcomes)})


def unfinished(workspace: Workspace, collection: str, source: str = "") -> list[str]:
    """The batches that are pending of all the collection's documents, or of a source's: a folder or one object."""
    left = workspace.ledger.not_through(collection, workspace.fingerprints, source)
    if source and not source.endswith("/"):  # not of those whose name only begins so
        left = (each for each in left if each.source_key == source or each.source_key.startswith(source + INSIDE))
    return pending_batches(workspace, left)


def _is_pending(workspace: Workspace, document: Document, outcomes: Outcomes) -> bool:
    for stage in Stage:
        outcome = current_outcome(workspace, stage, document, outcomes)
        if outcome is None:
            return True
        if outcome.status not in USABLE:
            return False
    return False
