"""What runs at set times. All are off until someone turns them on, but the daily snapshot."""

from __future__ import annotations

import dagster as dg

from docmill.batching import form_batches
from docmill.mirror import retag
from docmill.plan import parts
from orchestration.jobs import ingest_batch, prune_history, reconcile_bucket, snapshot_collections
from orchestration.partitions import document_batches
from orchestration.sensors import requests_for
from orchestration.sources import watched
from resources import WorkspaceResource


@dg.schedule(
    job=ingest_batch,
    cron_schedule="0 * * * *",
    description="For those who want no sensor: what is new or pending becomes batches, every hour.",
)
def scheduled_ingest(
    context: dg.ScheduleEvaluationContext, workspace: WorkspaceResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Batches of everything new or changed, and those that nobody has started."""
    with workspace.open() as opened:
        for collection, source in watched(opened):
            for part in parts(opened, collection, source):
                retag(opened, collection, part)
                form_batches(opened, collection, part.pending)
        requests = requests_for(context.instance, opened.ledger.unfinished_batches())
    batches = [request.partition_key for request in requests if request.partition_key]
    context.instance.add_dynamic_partitions(document_batches.name or "", batches)
    return requests or dg.SkipReason("Nothing is new or pending.")


reconcile_schedule = dg.ScheduleDefinition(
    name="reconcile_bucket",
    job=reconcile_bucket,
    cron_schedule="30 2 * * *",
    description="Every night the collections are made to mirror their sources.",
)
snapshot_schedule = dg.ScheduleDefinition(
    name="collection_snapshot",
    job=snapshot_collections,
    cron_schedule="0 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every morning the collections are counted.",
)
prune_schedule = dg.ScheduleDefinition(
    name="prune_history",
    job=prune_history,
    cron_schedule="0 5 * * 0",
    description="Every Sunday what nothing refers to is removed.",
)

ALL = [scheduled_ingest, reconcile_schedule, snapshot_schedule, prune_schedule]
