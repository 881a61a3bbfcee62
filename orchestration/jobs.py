"""The jobs. The three that run batches differ in what they are for and in their default scope only."""

from typing import Any

import dagster as dg

from docmill.errors import UsageError
from docmill.generations import drop_expired, roll_back
from docmill.maintenance import prune
from docmill.mirror import reconcile_step
from docmill.pipeline import delete_documents, run_batch
from docmill.reindex import reindex
from docmill.workspace import Workspace
from orchestration.checks import golden_evaluation
from orchestration.partitions import document_batches
from orchestration.sources import watched
from resources import WorkspaceResource

_INGESTION = dg.AssetSelection.groups("ingestion")


ingest_batch = dg.define_asset_job(
    "ingest_batch",
    _INGESTION,
    description="Take a batch from the bucket to the collection; what is done is not redone.",
)
retry_failed_documents = dg.define_asset_job(
    "retry_failed_documents",
    _INGESTION,
    description="Work again on documents of a batch that failed: those of the scope, else all.",
)
reprocess_batches = dg.define_asset_job(
    "reprocess_batches",
    _INGESTION,
    description="Work on all documents of a batch again, whether they are all right or not.",
    config={"resources": {"scope": {"config": {"force": True}}}},
)
extract_records = dg.define_asset_job(
    "extract_records",
    dg.AssetSelection.groups("extraction"),
    description="Extract the records of a batch by every registered schema; what has not changed is not redone.",
)
snapshot_collections = dg.define_asset_job(
    "snapshot_collections", dg.AssetSelection.assets("collection_snapshot"), description="Count every collection."
)


class DeleteConfig(dg.Config):
    """Which documents of a collection are to go; objects in the bucket stay."""

    collection: str
    document_ids: list[str]


@dg.op
def delete_documents_op(context: dg.OpExecutionContext, config: DeleteConfig, workspace: WorkspaceResource) -> None:
    """The documents are neither in the collection nor in the ledger any more."""
    with workspace.open() as opened:
        rows = delete_documents(opened, config.collection, config.document_ids)
    context.log.info("Deleted %d documents with %d rows.", len(config.document_ids), rows)


@dg.job(name="delete_documents", description="Remove documents from a collection; objects in the bucket stay.")
def delete_documents_job() -> None:
    """Remove documents from a collection."""
    delete_documents_op()


class ReconcileConfig(dg.Config):
    """At most `max_objects` are listed of each source; the next run goes on. `force` allows any deletion.

    With `tags` the object tags that `access_object_tags` names are asked for, one request an object.
    """

    force: bool = False
    tags: bool = True
    max_objects: int = 1_000_000


@dg.op
def reconcile_op(context: dg.OpExecutionContext, config: ReconcileConfig, workspace: WorkspaceResource) -> None:
    """Deleted objects' documents are gone; new and changed ones are in batches that the sensor runs."""
    refused: list[str] = []
    with workspace.open() as opened:
        for collection, source in watched(opened):
            try:
                _reconcile(context, opened, collection, source, config)
            except UsageError as error:  # this source's matter; the others are looked at all the same
                context.log.error("%s: %s", source, error)
                refused.append(f"{source}: {error}")
        for collection in sorted({name for name, _ in watched(opened)}):
            if dropped := drop_expired(opened, collection):
                context.log.info("%s: former generations dropped: %s", collection, ", ".join(dropped))
    if refused:
        raise dg.Failure("\n".join(refused))


def _reconcile(
    context: dg.OpExecutionContext, workspace: Workspace, collection: str, source: str, config: ReconcileConfig
) -> None:
    """The ledger mirrors the source, or as much of it as one run may list."""
    listed = 0
    while listed < config.max_objects:
        step = reconcile_step(workspace, collection, source, force=config.force, tags=config.tags)
        listed += step.listed
        context.instance.add_dynamic_partitions(document_batches.name or "", step.batches)
        context.log.info(
            "%s: %d objects listed, %d deleted, batches: %s",
            *(source, listed, step.deleted, ", ".join(step.batches) or "none"),
        )
        if step.finished:
            break


@dg.job(
    name="reconcile_bucket",
    description="Make the collection mirror its sources: find new, overwritten and deleted objects by a full listing.",
)
def reconcile_bucket() -> None:
    """Make the collections mirror their sources."""
    reconcile_op()


class ReindexConfig(dg.Config):
    """Which collection is built anew under the settings of now; `force` takes it even if its checks fail."""

    collection: str = "default"
    force: bool = False


@dg.op
def reindex_op(context: dg.OpExecutionContext, config: ReindexConfig, workspace: WorkspaceResource) -> None:
    """The settings' generation of the collection is live; fails, and changes nothing, where its checks do."""
    with workspace.open() as opened:
        verdict = reindex(
            opened,
            config.collection,
            lambda batch: _run_batch(context, opened, batch),
            force=config.force,
        )
        live = opened.index.live(config.collection) == verdict.generation.digest
        generation = opened.ledger.generation(config.collection, verdict.generation.digest)
    if generation and "questions" in generation.report:
        context.instance.report_runless_asset_event(golden_evaluation(generation))
    context.add_output_metadata({"verdict": dg.MetadataValue.json(dict(verdict.report))})
    if not live:
        raise dg.Failure("\n".join(verdict.reasons), metadata={"verdict": dg.MetadataValue.json(dict(verdict.report))})


def _run_batch(context: dg.OpExecutionContext, workspace: Workspace, batch: str) -> None:
    for report in run_batch(workspace, batch, run_id=context.run_id):
        context.log.info("%s %s: %d of %d documents", batch, report.stage.value, report.ok, report.documents)


@dg.job(
    name="reindex",
    description="Build a collection anew under changed settings beside the live one, check it, then swap them.",
)
def reindex_job() -> None:
    """Build a collection anew and swap it in."""
    reindex_op()


class RollBackConfig(dg.Config):
    """Which collection goes back to the generation that was live before."""

    collection: str = "default"


@dg.op
def roll_back_op(context: dg.OpExecutionContext, config: RollBackConfig, workspace: WorkspaceResource) -> None:
    """Searches see the generation that was live before."""
    with workspace.open() as opened:
        earlier, left = roll_back(opened, config.collection)
    context.log.info("%s: %s is live again, %s was left", config.collection, earlier.digest, left.digest)


@dg.job(name="roll_back", description="Search a collection by its former generation again.")
def roll_back_job() -> None:
    """Search a collection by its former generation again."""
    roll_back_op()


class PruneConfig(dg.Config):
    """Artifacts that no document needs and failed runs are kept that many days."""

    days: int = 30


@dg.op
def prune_op(context: dg.OpExecutionContext, config: PruneConfig, workspace: WorkspaceResource) -> None:
    """Artifacts without a document, batches without documents and old failed runs are gone."""
    with workspace.open() as opened:
        pruned = prune(opened, days=config.days)
    for batch in pruned.batches:
        context.instance.delete_dynamic_partition(document_batches.name or "", batch)
    counts = (pruned.artifacts, pruned.crops, len(pruned.batches))
    context.log.info("Pruned %d artifacts, %d pictures and %d batches.", *counts)


@dg.job(name="prune_history", description="Remove artifacts that no document needs and batches that hold none.")
def prune_history() -> None:
    """Remove what nothing refers to any more."""
    prune_op()


ALL: list[dg.JobDefinition | Any] = [
    ingest_batch,
    retry_failed_documents,
    reprocess_batches,
    extract_records,
    snapshot_collections,
    delete_documents_job,
    reconcile_bucket,
    reindex_job,
    roll_back_job,
    prune_history,
]
