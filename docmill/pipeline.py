"""Runs one stage over a batch: which documents need it, what became of each, kept as they finish.

A document needs a stage when the stage before is done with its current version and its own outcome is missing, failed,
partial or stale. So running a stage again touches only what is not all right, and a killed run resumes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from docmill.errors import PermanentError, UsageError
from docmill.generations import activate, delete_everywhere
from docmill.ids import digest
from docmill.ledger import Failure
from docmill.models import Document, ErrorClass, Outcome, Stage, Status
from docmill.progress import current
from docmill.stages import WORK, Job, Result
from docmill.standing import USABLE, expected_fingerprint
from docmill.standing import Outcomes as Outcomes
from docmill.standing import current_outcome as current_outcome
from docmill.standing import pending_batches as pending_batches
from docmill.workspace import Workspace

_FLUSH_SECONDS = 0.5


@dataclass(frozen=True)
class Scope:
    """Which documents of a batch: all that need it, or only `document_ids`; `force` includes those that do not."""

    document_ids: frozenset[str] = frozenset()
    force: bool = False


@dataclass(frozen=True)
class StageReport:
    """How a batch stands at a stage, from its whole ledger; `worked_on` (ids) and `seconds` (wall) are of one run.

    `waiting` documents failed at an earlier stage or have not come through it yet. `counts` add up those of the usable
    documents (`pages`, `elements`, `chunks` …). `data_version` changes when any document of the batch has another
    version, fingerprint or status at this stage.
    """

    stage: Stage
    batch: str
    collection: str
    fingerprint: str
    documents: int
    ok: int
    partial: int
    failed: int
    waiting: int
    worked_on: tuple[str, ...]
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    data_version: str = ""

    @property
    def processed(self) -> int:
        """How many documents the run worked on."""
        return len(self.worked_on)


def run_stage(
    workspace: Workspace,
    stage: Stage,
    batch: str,
    *,
    scope: Scope = Scope(),
    run_id: str = "",
) -> StageReport:
    """The batch's documents have been through the stage; raises UsageError if there is no such batch.

    Errors of documents are in the report; SystemicError and UsageError end the stage, after what was done is kept.
    """
    if workspace.ledger.batch(batch) is None:
        raise UsageError(f"There is no batch {batch!r}.", hint="See `docmill status`.")
    since = time.monotonic()
    documents = workspace.ledger.batch_documents(batch)
    outcomes = workspace.ledger.outcomes(document.document_id for document in documents)
    jobs = [job for document in documents if (job := _job(workspace, stage, document, outcomes, scope)) is not None]
    progress = current()
    progress.begin(stage, batch, len(jobs))
    writer = _Writer(workspace, stage, run_id, outcomes)
    try:
        for result in WORK[stage](workspace, jobs):
            writer.add(result)
            progress.advance(1)
    finally:
        writer.flush()
    if stage is Stage.VECTOR_COLLECTION and jobs:
        activate(workspace, jobs[0].document.collection)
    worked_on = tuple(job.document.document_id for job in jobs)
    done = report(workspace, stage, batch, worked_on=worked_on, seconds=time.monotonic() - since)
    progress.end(done)
    return done


def _before(stage: Stage) -> Stage | None:
    stages = list(Stage)
    position = stages.index(stage)
    return stages[position - 1] if position else None


def _ready(workspace: Workspace, stage: Stage, document: Document, outcomes: Outcomes) -> bool:
    """Whether all the stages before are done with the document's current version."""
    before = _before(stage)
    while before is not None:
        outcome = current_outcome(workspace, before, document, outcomes)
        if outcome is None or outcome.status not in USABLE:
            return False
        before = _before(before)
    return True


def _job(workspace: Workspace, stage: Stage, document: Document, outcomes: Outcomes, scope: Scope) -> Job | None:
    """The document's job at the stage, None if it needs none or cannot be worked on yet."""
    if scope.document_ids and document.document_id not in scope.document_ids:
        return None
    if not _ready(workspace, stage, document, outcomes):
        return None
    outcome = current_outcome(workspace, stage, document, outcomes)
    if outcome is None:
        return Job(document, reuse=not scope.force)
    if outcome.status is Status.QUARANTINED and not scope.force:
        return None
    again = scope.force or outcome.status is not Status.OK or _redone(stage, document, outcome, outcomes)
    if again or (stage is Stage.RAW_DOCUMENTS and _failed_later(document, outcomes)):
        return Job(document, reuse=False)
    return None


def _failed_later(document: Document, outcomes: Outcomes) -> bool:
    """Whether a later stage failed: then the object is read again, for someone may have mended it."""
    later = [outcomes.get((document.document_id, stage)) for stage in Stage]
    return any(outcome is not None and outcome.status is Status.FAILED for outcome in later)


def _redone(stage: Stage, document: Document, outcome: Outcome, outcomes: Outcomes) -> bool:
    """Whether the stage before was done again since; raw documents are compared by their version instead."""
    before = _before(stage)
    if before is None or before is Stage.RAW_DOCUMENTS:
        return False
    return outcomes[document.document_id, before].updated_at > outcome.updated_at


class _Writer:
    """Keeps outcomes in the ledger while the stage goes on."""

    def __init__(self, workspace: Workspace, stage: Stage, run_id: str, outcomes: Outcomes) -> None:
        self._workspace = workspace
        self._stage = stage
        self._run_id = run_id
        self._before = outcomes
        self._pending: list[Result] = []
        self._flushed = time.monotonic()

    def add(self, result: Result) -> None:
        """The result is in the ledger within half a second."""
        self._pending.append(result)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """All results so far are in the ledger."""
        if self._pending:
            ids = [result.document.document_id for result in self._pending]
            documents = {each.document_id: each for each in self._workspace.ledger.documents_by_id(ids)}
            known = [result for result in self._pending if result.document.document_id in documents]
            self._workspace.ledger.record(
                [self._outcome(result, documents[result.document.document_id]) for result in known]
            )
        self._pending = []
        self._flushed = time.monotonic()

    def _outcome(self, result: Result, document: Document) -> Outcome:
        earlier = self._before.get((document.document_id, self._stage))
        worked_on = document if self._stage is Stage.RAW_DOCUMENTS else result.document
        fingerprint = expected_fingerprint(self._workspace, self._stage, worked_on)
        again = earlier is not None and earlier.version == worked_on.version and earlier.fingerprint == fingerprint
        failed_before = again and earlier is not None and earlier.error_class is not None
        error = result.error or result.lacking
        lacks = result.failed_pages or result.lacking
        status = Status.FAILED if result.error else Status.PARTIAL if lacks else Status.OK
        return Outcome(
            document_id=document.document_id,
            stage=self._stage,
            status=status,
            version=worked_on.version,
            fingerprint=fingerprint,
            error_class=_error_class(error),
            error=type(error).__name__ if error else "",
            message=_note(result) if result.error is None else result.error.message,
            hint=error.hint if error else "",
            pages=result.error.pages if result.error else result.failed_pages,
            attempts=(earlier.attempts if failed_before and earlier else 0) + 1,
            seconds=round(result.seconds, 4),
            counts=result.counts,
            run_id=self._run_id,
        )


def _note(result: Result) -> str:
    pages = ", ".join(map(str, result.failed_pages))
    lacking = result.lacking.message if result.lacking else ""
    return "; ".join(filter(None, [lacking, pages and f"pages that failed or may be incomplete: {pages}", result.note]))


def _error_class(error: Exception | None) -> ErrorClass | None:
    if error is None:
        return None
    return ErrorClass.PERMANENT if isinstance(error, PermanentError) else ErrorClass.TRANSIENT


def report(
    workspace: Workspace, stage: Stage, batch: str, *, worked_on: tuple[str, ...] = (), seconds: float = 0.0
) -> StageReport:
    """How the batch stands at the stage, from its whole ledger."""
    documents = workspace.ledger.batch_documents(batch)
    outcomes = workspace.ledger.outcomes(document.document_id for document in documents)
    found = {each.document_id: current_outcome(workspace, stage, each, outcomes) for each in documents}
    current = [outcome for outcome in found.values() if outcome is not None]
    usable = [outcome for outcome in current if outcome.status in USABLE]
    known = workspace.ledger.batch(batch)
    failures = [
        Failure(each, outcome)
        for each in documents
        if (outcome := found[each.document_id]) is not None and outcome.status in (Status.FAILED, Status.PARTIAL)
    ]
    state = sorted((each.document_id, each.version, each.fingerprint, each.status.value) for each in current)
    return StageReport(
        stage=stage,
        batch=batch,
        collection=known.collection if known else "",
        fingerprint=workspace.fingerprints[stage],
        documents=len(documents),
        ok=sum(outcome.status is Status.OK for outcome in current),
        partial=sum(outcome.status is Status.PARTIAL for outcome in current),
        failed=sum(outcome.status is Status.FAILED for outcome in current),
        waiting=len(documents) - len(current),
        worked_on=worked_on,
        seconds=seconds,
        counts=_totals(usable),
        failures=tuple(failures),
        data_version=digest("state", stage.value, *("|".join(each) for each in state)),
    )


def _totals(outcomes: Iterable[Outcome]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for outcome in outcomes:
        for name, value in outcome.counts.items():
            totals[name] = totals.get(name, 0) + value
    return totals


def run_batch(
    workspace: Workspace,
    batch: str,
    *,
    stages: Sequence[Stage] = tuple(Stage),
    scope: Scope = Scope(),
    run_id: str = "",
) -> list[StageReport]:
    """The batch has been through the stages, one after the other."""
    return [run_stage(workspace, stage, batch, scope=scope, run_id=run_id) for stage in stages]


def set_quarantine(workspace: Workspace, failures: Sequence[Failure], *, release: bool = False) -> int:
    """The failures are counted apart and not tried again until their objects or the settings change; how many.

    With `release` quarantined ones count as failed again.
    """
    status = Status.FAILED if release else Status.QUARANTINED
    changed = [each.outcome.model_copy(update={"status": status}) for each in failures]
    workspace.ledger.record(changed)
    return len(changed)


def delete_documents(workspace: Workspace, collection: str, ids: Sequence[str]) -> int:
    """The documents' rows are gone from the collection, then the ledger forgets them; how many rows there were.

    They are buried first, so that a run that is at work on one removes what it writes, and a killed deletion goes on at
    the next one.
    """
    workspace.ledger.bury(ids)
    dead = workspace.ledger.buried(collection)
    if not dead:
        return 0
    rows = delete_everywhere(workspace, collection, dead)
    workspace.ledger.forget(dead)
    return rows
