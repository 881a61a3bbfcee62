"""What stands in the documents: titles, text, tables and pictures, each with its page and box."""

import dagster as dg

from assets.common import batch_asset, result, run
from assets.pictures import page_overlay
from docmill.models import Stage
from resources import ScopeResource, WorkspaceResource


@batch_asset(
    Stage.EXTRACTED_ELEMENTS,
    deps=["raw_documents"],
    kinds={"python"},
    description="Elements of each document in reading order: type, text, page, box, table cells, pictures.",
)
def extracted_elements(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Read each document in a worker process of its own; a document that crashes or hangs costs itself only."""
    stage = Stage.EXTRACTED_ELEMENTS
    with workspace.open() as opened, workspace.triton.measured(context, opened, stage) as usage:
        report = run(context, stage, opened, scope)
        extra = page_overlay(opened, context.partition_key) if report.processed else {}
    if report.processed and report.seconds:
        pages = report.counts.get("pages", 0) * report.processed / max(1, report.documents - report.waiting)
        extra = {**extra, "pages_per_second": dg.MetadataValue.float(round(pages / report.seconds, 2))}
    return result(report, {**extra, **usage})
