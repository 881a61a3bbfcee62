"""Runs one stage over a batch: which documents need it, what became of each, kept as they finish.

A document needs a stage when the stage before is done with its current version and its own outcome is missing, failed,
partial or stale. So running a stage again touches only what is not all right, and a killed run resumes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from docmill import tracing
from docmill.errors import InfectedDocumentError, PermanentError, UsageError
from docmill.generations import activate, delete_everywhere
from docmill.ids import digest
from docmill.inference.metrics import Meter, remote_models
from docmill.ledger import Failure
from docmill.logs import about
from docmill.members import adopt, container_id
from docmill.models import Document, ErrorClass, Outcome, Stage, Status
from docmill.progress import current, log_outcome, log_stage, numbers_of
from docmill.stages import WORK, Job, Result
from docmill.standing import USABLE, expected_fingerprint
from docmill.standing import Outcomes as Outcomes
from docmill.standing import current_outcome as current_outcome
from docmill.standing import pending_batches as pending_batches
from docmill.structured.records import Records
from docmill.usage import Spent, Stopwatch, shares
from docmill.workspace import Workspace

_FLUSH_SECONDS = 0.5


@dataclass(frozen=True)
class Scope:
    """Which documents of a batch: all that need it, or only `document_ids` and their members.

    `force` includes those that do not need it.
    """

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
    with about(batch=batch, stage=stage.value, run_id=run_id):
        with tracing.stage(stage.value, batch, run_id) as reports:
            done = _run_stage(workspace, stage, batch, scope, run_id)
            reports.append(done)
        log_stage(done)
    current().end(done)
    if stage is Stage.VECTOR_COLLECTION and done.worked_on:
        told = {"batch": batch, "collection": done.collection, "run_id": run_id, **numbers_of(done)}
        workspace.webhooks.tell("batch.finished", told)
    return done


def _run_stage(workspace: Workspace, stage: Stage, batch: str, scope: Scope, run_id: str) -> StageReport:
    """How the batch stands after its documents have been through the stage."""
    keeping = workspace.index.kept_open() if stage is Stage.VECTOR_COLLECTION else nullcontext()
    with keeping:
        return _run_until_done(workspace, stage, batch, scope, run_id)


def _run_until_done(workspace: Workspace, stage: Stage, batch: str, scope: Scope, run_id: str) -> StageReport:
    """The stage again for as long as members join the batch."""
    since = time.monotonic()
    worked_on: dict[str, None] = {}
    jobs, outcomes = _jobs(workspace, stage, batch, scope)
    while True:
        worked_on |= dict.fromkeys(job.document.document_id for job in jobs)
        joined = _work(workspace, stage, batch, jobs, _Writer(workspace, stage, run_id, outcomes))
        if stage is Stage.VECTOR_COLLECTION and jobs:
            activate(workspace, jobs[0].document.collection)
        jobs, outcomes = _jobs(workspace, stage, batch, scope) if joined else ([], {})
        jobs = [job for job in jobs if job.document.document_id not in worked_on]
        if not jobs:
            break
    return report(workspace, stage, batch, worked_on=tuple(worked_on), seconds=time.monotonic() - since)


def _jobs(workspace: Workspace, stage: Stage, batch: str, scope: Scope) -> tuple[list[Job], Outcomes]:
    """The jobs of the batch's documents at the stage, and the outcomes that they follow from."""
    documents = workspace.ledger.batch_documents(batch)
    outcomes = workspace.ledger.outcomes(document.document_id for document in documents)
    found = (_job(workspace, stage, document, outcomes, scope) for document in documents)
    return [job for job in found if job is not None], outcomes


def _work(workspace: Workspace, stage: Stage, batch: str, jobs: Sequence[Job], writer: _Writer) -> bool:
    """The jobs are done and their outcomes kept; whether members of their documents joined the batch."""
    progress = current()
    progress.begin(stage, batch, len(jobs))
    if not jobs:
        return False
    meter = Meter(remote_models(workspace, stage))
    meter.start()
    try:
        for result in WORK[stage](workspace, jobs):
            writer.add(result)
            progress.advance(1)
    finally:
        writer.flush()
        gpu_seconds = sum(each.server.compute for each in meter.read() if each.server)
        spent = replace(writer.spent, gpu_seconds=gpu_seconds)
        workspace.usage.add(jobs[0].document.collection, batch, stage.value, spent)
    return writer.adopted


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
    if scope.document_ids and scope.document_ids.isdisjoint({document.document_id, container_id(document)}):
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
        self._stopwatch = Stopwatch()
        self.adopted = False
        self.spent = Spent()

    def add(self, result: Result) -> None:
        """The result is in the ledger within half a second."""
        self._pending.append(result)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """All results so far are in the ledger."""
        cpu_seconds = self._stopwatch.look()
        self.spent = replace(self.spent, cpu_seconds=self.spent.cpu_seconds + cpu_seconds)
        if self._pending:
            ids = [result.document.document_id for result in self._pending]
            documents = {each.document_id: each for each in self._workspace.ledger.documents_by_id(ids)}
            known = [result for result in self._pending if result.document.document_id in documents]
            self._adopt(known, documents)  # before the outcomes: a run that is killed in between adopts them again
            taken = shares(cpu_seconds, [result.seconds for result in self._pending])
            taken_by = {each.document.document_id: took for each, took in zip(self._pending, taken, strict=True)}
            outcomes = [self._outcome(each, documents[each.document.document_id]) for each in known]
            outcomes = [
                each.model_copy(update={"cpu_seconds": round(taken_by[each.document_id], 4)}) for each in outcomes
            ]
            self._workspace.ledger.record(outcomes)
            for each in outcomes:
                log_outcome(documents[each.document_id], each)
            self._count(outcomes)
        self._pending = []
        self._flushed = time.monotonic()

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes are among what was spent."""
        spent = self.spent
        self.spent = replace(
            spent,
            documents=spent.documents + len(outcomes),
            failed=spent.failed + sum(each.status is Status.FAILED for each in outcomes),
            partial=spent.partial + sum(each.status is Status.PARTIAL for each in outcomes),
            seconds=spent.seconds + sum(each.seconds for each in outcomes),
            **{
                name: getattr(spent, name) + sum(each.counts.get(name, 0) for each in outcomes)
                for name in ("bytes", "pages", "tokens")
            },
        )

    def _adopt(self, results: Sequence[Result], documents: Mapping[str, Document]) -> None:
        """The members of the documents are in the batch, too, and those that they have no more are deleted."""
        if self._stage is not Stage.EXTRACTED_ELEMENTS:
            return
        done = {
            each.document.document_id: each for each in results if each.error is None and not each.document.container
        }
        known = self._workspace.ledger.members([documents[document_id] for document_id in done])
        had = {each.container for each in known}
        for document_id, result in done.items():
            document = documents[document_id]
            if document.version == result.document.version and (result.members or document.source_key in had):
                gone = adopt(self._workspace, document, result.members, self._run_id)
                delete_documents(self._workspace, document.collection, gone)
                self.adopted = self.adopted or bool(result.members)

    def _outcome(self, result: Result, document: Document) -> Outcome:
        earlier = self._before.get((document.document_id, self._stage))
        worked_on = document if self._stage is Stage.RAW_DOCUMENTS else result.document
        fingerprint = expected_fingerprint(self._workspace, self._stage, worked_on)
        again = earlier is not None and earlier.version == worked_on.version and earlier.fingerprint == fingerprint
        failed_before = again and earlier is not None and earlier.error_class is not None
        error = result.error or result.lacking
        lacks = result.failed_pages or result.lacking
        status = Status.FAILED if result.error else Status.PARTIAL if lacks else Status.OK
        if isinstance(result.error, InfectedDocumentError):
            status = Status.QUARANTINED
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
    """The documents' rows and those of their members are gone, then the ledger forgets them; how many rows there were.

    They are buried first, so that a run that is at work on one removes what it writes, and a killed deletion goes on at
    the next one.
    """
    documents = workspace.ledger.documents_by_id(ids)
    workspace.ledger.bury(ids)  # before the members are looked up: from now on no run adopts more of them
    workspace.ledger.bury([each.document_id for each in workspace.ledger.members(documents)])
    dead = workspace.ledger.buried(collection)
    if not dead:
        return 0
    rows = delete_everywhere(workspace, collection, dead)
    Records(workspace.ledger.database, workspace.store).forget(dead)
    workspace.ledger.forget(dead)
    return rows
