"""The collection that is searched."""

from dataclasses import replace

import dagster as dg

from assets.common import batch_asset, result, run
from docmill.models import Stage
from docmill.status import batch_row_faults
from resources import ScopeResource, WorkspaceResource


@batch_asset(
    Stage.VECTOR_COLLECTION,
    deps=["embeddings"],
    kinds={"python", "milvus"},
    description="The chunks in Milvus: new rows are written and verified before a document's old ones are removed.",
)
def vector_collection(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Write new rows, verify them, retire the old ones."""
    with workspace.open() as opened:
        report = run(context, Stage.VECTOR_COLLECTION, opened, scope)
        faults = batch_row_faults(opened, context.partition_key)
    return result(replace(report, counts={**report.counts, "row_faults": faults}))
