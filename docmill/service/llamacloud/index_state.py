"""How an index and what is in it stand, in the protocol's words.

Whatever was put is in progress from the answer to that request until a job has worked on it and counted its rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from docmill.jobs import Job
from docmill.models import Document, Outcome, Stage, Status
from docmill.service.llamacloud.entries import Entries, Entry
from docmill.service.llamacloud.index_work import index_work
from docmill.service.llamacloud.items import Body
from docmill.service.llamacloud.wire import moment
from docmill.standing import USABLE, current_outcome
from docmill.workspace import Workspace

IN_PROGRESS, SUCCESS, ERROR, PARTIAL = "IN_PROGRESS", "SUCCESS", "ERROR", "PARTIAL_SUCCESS"
_SHOWN = 100
_STEPS = {
    Stage.RAW_DOCUMENTS: "FILE_UPDATER",
    Stage.EXTRACTED_ELEMENTS: "PARSE",
    Stage.ENRICHED_ELEMENTS: "TRANSFORM",
    Stage.CHUNKS: "TRANSFORM",
    Stage.EMBEDDINGS: "TRANSFORM",
    Stage.VECTOR_COLLECTION: "INGESTION",
}


@dataclass(frozen=True)
class State:
    """One of the protocol's statuses with what went wrong; `since` is when it came to be."""

    status: str
    errors: tuple[Body, ...] = ()
    job_id: str | None = None
    since: float = 0.0

    def view(self) -> Body:
        """The state as the protocol shows it."""
        when = moment(self.since) if self.since else None
        return {
            "status": self.status,
            "job_id": self.job_id,
            "deployment_date": when,
            "effective_at": when,
            "error": [*self.errors] or None,
        }


def open_job(workspace: Workspace, collection: str) -> Job | None:
    """The newest job of the index that has not ended, None if all have."""
    found = workspace.jobs.of_work(index_work(collection), limit=1)
    return found[0] if found and not found[0].state.ended else None


def _last_job(workspace: Workspace, collection: str) -> Job | None:
    found = workspace.jobs.of_work(index_work(collection))
    return max(found, key=lambda job: job.created_at) if found else None


def entry_state(workspace: Workspace, entry: Entry) -> State:
    """How an entry stands."""
    if entry.pending:
        return _waiting(workspace, entry.collection)
    if entry.is_empty:
        return State(SUCCESS, since=entry.updated_at)
    document = workspace.ledger.document(entry.document_id)
    if document is None:
        return State(ERROR, (index_error("", "The document is not in the collection any more.", "INGESTION"),))
    return document_state(workspace, document)


def _waiting(workspace: Workspace, collection: str) -> State:
    """In progress as long as a job is, or else why the last one could not end its work."""
    job = _last_job(workspace, collection)
    if open_job(workspace, collection) is not None:
        return State(IN_PROGRESS, job_id=job.job_id if job else None)
    message = f"{job.message} {job.hint}".strip() if job and job.message else "It was not begun: sync the index."
    return State(ERROR, (index_error(job.job_id if job else "", message, "MANAGED_INGESTION"),))


def document_state(workspace: Workspace, document: Document) -> State:
    """How a document of the ledger stands."""
    outcomes = workspace.ledger.outcomes([document.document_id])
    found = [current_outcome(workspace, stage, document, outcomes) for stage in Stage]
    failed = next((each for each in found if each is not None and each.status not in USABLE), None)
    if failed is not None:
        return State(ERROR, (_of_outcome(document, failed),))
    last = found[-1]
    if last is None:
        before = outcomes.get((document.document_id, Stage.VECTOR_COLLECTION))
        searchable = before is not None and before.status in USABLE and before.version == document.version
        return State(SUCCESS if searchable else IN_PROGRESS)
    partial = next((each for each in found if each is not None and each.status is Status.PARTIAL), None)
    errors = (_of_outcome(document, partial),) if partial is not None else ()
    return State(PARTIAL if errors else SUCCESS, errors, since=_time(workspace, document))


def _time(workspace: Workspace, document: Document) -> float:
    entry = Entries(workspace.ledger.database).of_documents([document.document_id]).get(document.document_id)
    return entry.updated_at if entry else 0.0


def index_state(workspace: Workspace, collection: str, *, is_patient: bool) -> State:
    """How the whole index stands.

    Clients that are not patient wait for ever on anything but SUCCESS: they are told the errors beside it.
    """
    if open_job(workspace, collection) is not None:
        return State(IN_PROGRESS, job_id=_job_id(workspace, collection))
    entries = Entries(workspace.ledger.database).pending(collection)
    errors = [*_waiting(workspace, collection).errors] if entries else []
    failures = workspace.ledger.failures(collection)
    errors += [_of_outcome(each.document, each.outcome) for each in failures]
    if not errors:
        return State(SUCCESS, job_id=_job_id(workspace, collection))
    bad = {each.document.document_id for each in failures if each.outcome.status is Status.FAILED}
    bad |= {each.document_id for each in entries}
    nothing_good = len(bad) >= max(1, workspace.ledger.count(collection))
    status = ERROR if nothing_good else PARTIAL if is_patient else SUCCESS
    return State(status, tuple(errors[:_SHOWN]), _job_id(workspace, collection))


def _job_id(workspace: Workspace, collection: str) -> str | None:
    job = _last_job(workspace, collection)
    return job.job_id if job else None


def _of_outcome(document: Document, outcome: Outcome) -> Body:
    message = f"{document.source_key}: {outcome.message} {outcome.hint}".strip()
    return index_error(outcome.run_id, message, _STEPS[outcome.stage])


def index_error(job_id: str, message: str, step: str) -> Body:
    """What went wrong at a step, as the protocol shows it."""
    return {"job_id": job_id or "none", "message": message, "step": step}
