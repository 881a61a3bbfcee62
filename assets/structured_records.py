"""The records of documents: a value for every property of each registered schema, cited, scored, or null."""

import dagster as dg

from assets.common import OWNERS
from assets.pictures import review_list
from docmill.stages.structured_records import CODE_VERSION, extract_records
from orchestration import record_checks
from orchestration.partitions import document_batches
from resources import ScopeResource, WorkspaceResource


@dg.asset(
    deps=["enriched_elements"],
    kinds={"python"},
    description="A record of each document by every registered schema (`docmill schemas add`), every value cited.",
    partitions_def=document_batches,
    group_name="extraction",
    owners=OWNERS,
    code_version=CODE_VERSION,
    check_specs=record_checks.specs(),
)
def structured_records(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Extract what is new or changed: documents, schemas, engines."""
    with workspace.open() as opened:
        report = extract_records(opened, context.partition_key, scope=scope.scope())
        review = review_list(opened, report)
    return dg.MaterializeResult(
        metadata={**record_checks.metadata(report), **review},
        check_results=list(record_checks.results(report)),
        data_version=dg.DataVersion(report.data_version),
    )
