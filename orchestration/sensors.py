"""What starts runs by itself: uploads, and failures that can pass.

Sensors and jobs, not automation conditions: an idle tick of those costs 4 CPU seconds at 10,000 partitions and does not
end at 100,000.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypedDict

import dagster as dg

from docmill.batching import form_batches, settled
from docmill.errors import DocmillError
from docmill.ids import digest
from docmill.ledger import Batch, Failure
from docmill.mirror import look_at, retag_scanned, retag_told, scan
from docmill.models import ErrorClass
from docmill.settings import load_settings
from docmill.store.notifications import Event, UploadQueue
from docmill.workspace import Workspace
from orchestration.jobs import ingest_batch, retry_failed_documents
from orchestration.partitions import document_batches
from orchestration.sources import watched
from resources import WorkspaceResource

_LISTED = 10_000
"""Objects a tick lists of each source; larger sources are gone round by the cursor."""
_NOTICES = 1_000
"""Notices a tick takes from the upload queue; each object costs a request."""
_BATCHES = 20
"""Batches a tick starts: Dagster looks each one up, at 13 to 26 ms."""
_CLOCKS_APART = 300.0
"""Seconds that a source's clock may be behind ours for changed side-cars to be seen; they are read again meanwhile."""
_ATTEMPTS = 3
_BACK_OFF_SECONDS = 60.0
_PARTITION = "dagster/partition"
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class _Round(TypedDict):
    """A round through a source: the key that it stands at, and when the round before it and itself began."""

    after: str
    since: float
    begun: float


def requests_for(instance: dg.DagsterInstance, batches: Sequence[Batch]) -> list[dg.RunRequest]:
    """Runs for batches that nobody has started, or whose run ended before its work did: three in all, none twice.

    A batch that the command line made is left to it, unless its Dagster run died.
    """
    requests: list[dg.RunRequest] = []
    under_way = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    busy = {run.tags.get(_PARTITION) for run in under_way}  # in one go: of a large backlog most are
    for batch in (each for each in batches if each.batch not in busy):
        runs = instance.get_runs(dg.RunsFilter(tags={_PARTITION: batch.batch}), limit=_ATTEMPTS)
        left_alone = bool(batch.runner) and not runs
        if left_alone or len(runs) >= _ATTEMPTS:
            continue
        key = f"{batch.batch}-{len(runs)}" if runs else batch.batch
        tags = {"docmill/batch": batch.batch}
        requests.append(dg.RunRequest(run_key=key, partition_key=batch.batch, tags=tags))
        if len(requests) == _BATCHES:
            break
    return requests


@dg.sensor(
    job=ingest_batch,
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="New and changed objects of the watched sources become batches, once they have rested for a minute.",
)
def new_uploads(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.SensorResult | dg.SkipReason:
    """List a part of each source, make batches, and start those that nobody has started or whose run died.

    Side-cars that were written since the round before give their documents other access tags and metadata at once.
    """
    known: dict[str, _Round | str] = json.loads(context.cursor) if context.cursor else {}
    cursors = {part: each for part, each in known.items() if not isinstance(each, str)}  # earlier versions kept a key
    notes: list[str] = []
    with workspace.open() as opened:
        sources = watched(opened)
        if opened.settings.upload_queue:
            told = [each for each in sources if each[1].startswith("s3://")]
            notes += _take_notices(context, opened, told)
            sources = [each for each in sources if each not in told]
        for collection, source in sources:
            part = f"{collection} {source}"
            try:
                cursors[part] = _batch_source(opened, collection, source, cursors.get(part))
            except DocmillError as error:
                context.log.error("%s: %s", source, error)
                notes.append(str(error))
        requests = requests_for(context.instance, opened.ledger.unfinished_batches())
    context.update_cursor(json.dumps(cursors))
    if not requests:
        return dg.SkipReason("; ".join(notes) or "Nothing new has come to rest.")
    batches = [request.partition_key for request in requests if request.partition_key]
    return dg.SensorResult(
        run_requests=requests, dynamic_partitions_requests=[document_batches.build_add_request(batches)]
    )


def _batch_source(workspace: Workspace, collection: str, source: str, state: _Round | None) -> _Round:
    """New and changed objects of a part of the source are in batches, changed side-cars applied; where it stands."""
    now = time.time()
    before = state or {"after": "", "since": now, "begun": now}
    begun = before["begun"] if before["after"] else now
    found = scan(
        workspace, collection, source, after=before["after"], limit=_LISTED, since=before["since"] - _CLOCKS_APART
    )
    retag_scanned(workspace, collection, found)
    form_batches(workspace, collection, settled(found.pending, workspace.settings.batch, time.time()))
    return {"after": found.cursor, "since": before["since"] if found.cursor else begun, "begun": begun}


def _take_notices(
    context: dg.SensorEvaluationContext, workspace: Workspace, sources: Sequence[tuple[str, str]]
) -> list[str]:
    """What the buckets told of is in batches, but for what still comes: the queue tells of that again. What went wrong.

    A notice is taken from the queue when all its objects are in batches, known as they are, or gone, and the tags of
    its documents are those of now.
    """
    try:
        left = _batch_notices(workspace, sources)
    except DocmillError as error:
        context.log.error("%s", error)
        return [str(error)]
    return [f"{left} notices wait until their objects have come to rest."] if left else []


def _batch_notices(workspace: Workspace, sources: Sequence[tuple[str, str]]) -> int:
    """How many notices were left in the queue."""
    limits = workspace.settings.batch
    queue = UploadQueue(workspace.settings.upload_queue)
    notices = queue.receive(_NOTICES, limits.settle_seconds + 2 * workspace.settings.sensor_seconds)
    told = {each for notice in notices for each in notice.objects}
    waiting: set[tuple[Event, str]] = set()
    for collection, source in sources:
        own = {each for each in told if each[1].startswith(source)}
        again = retag_told(workspace, collection, own)
        pending = look_at(workspace, collection, source, sorted({key for event, key in own if event is Event.WRITTEN}))
        ready = settled(pending, limits, time.time())
        form_batches(workspace, collection, ready)
        resting = {each.source_key for each in pending} - {each.source_key for each in ready}
        waiting |= again | {each for each in own if each[1] in resting}
    done = [notice for notice in notices if waiting.isdisjoint(notice.objects)]
    queue.take(done)
    return len(notices) - len(done)


@dg.sensor(
    job=retry_failed_documents,
    minimum_interval_seconds=2 * load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Documents that failed for a cause that can pass are tried again, three times in all.",
)
def failed_documents(workspace: WorkspaceResource) -> dg.SensorResult | dg.SkipReason:
    """One run a batch, for its transient failures whose pause (1, 2, 4 minutes) is over.

    The run key names documents and attempts: Dagster remembers a run key for ever, and a batch's alone would allow one
    retry in its life.
    """
    due: dict[str, list[Failure]] = defaultdict(list)
    with workspace.open() as opened:
        for failure in opened.ledger.failures(error_class=ErrorClass.TRANSIENT):
            if _is_due(failure, time.time()):
                due[failure.document.batch].append(failure)
    if not due:
        return dg.SkipReason("No failure is due for another attempt.")
    return dg.SensorResult(run_requests=[_retry(batch, failures) for batch, failures in sorted(due.items())][:_BATCHES])


def _is_due(failure: Failure, now: float) -> bool:
    outcome = failure.outcome
    pause = _BACK_OFF_SECONDS * 2 ** (outcome.attempts - 1)
    waited = now - outcome.updated_at >= pause
    return outcome.error_class is ErrorClass.TRANSIENT and outcome.attempts < _ATTEMPTS and waited


def _retry(batch: str, failures: list[Failure]) -> dg.RunRequest:
    ids = sorted(failure.document.document_id for failure in failures)
    tries = sorted(f"{each.document.document_id}:{each.outcome.stage}:{each.outcome.attempts}" for each in failures)
    config: Mapping[str, object] = {"resources": {"scope": {"config": {"document_ids": ids}}}}
    return dg.RunRequest(run_key=f"retry-{batch}-{digest(*tries)}", partition_key=batch, run_config=config)
