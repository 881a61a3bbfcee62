"""Pieces of the documents that are found as one."""

import dagster as dg

from assets.common import batch_asset, result, run
from assets.pictures import token_histogram
from docmill.models import Stage
from resources import ScopeResource, WorkspaceResource


@batch_asset(
    Stage.CHUNKS,
    deps=["enriched_elements"],
    kinds={"python"},
    description="Elements cut within sections into chunks that the model reads whole; tables keep their head.",
)
def chunks(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Cut each document's elements into chunks."""
    with workspace.open() as opened:
        report = run(context, Stage.CHUNKS, opened, scope)
        return result(report, token_histogram(opened, context.partition_key) if report.processed else {})
