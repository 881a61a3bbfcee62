"""How the collections stand: documents, failures and rows, compared with each other."""

import dagster as dg

from assets.common import OWNERS
from docmill.routes import shares
from docmill.status import CollectionStatus, collection_statuses
from orchestration import checks
from resources import WorkspaceResource


@dg.asset(
    name="collection_snapshot",
    deps=["vector_collection"],
    kinds={"python", "milvus"},
    group_name="serving",
    owners=OWNERS,
    description="How each collection stands: documents, searchable and failed ones, rows, orphans.",
    check_specs=[
        dg.AssetCheckSpec("standing_failures", asset="collection_snapshot", description="No document stands failed."),
        checks.golden_spec(),
    ],
)
def collection_snapshot(workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Count what the ledger knows and what Milvus holds."""
    with workspace.open() as opened:
        statuses = collection_statuses(opened)
        failures = opened.ledger.failures()
        generations = [found for each in statuses for found in opened.ledger.generations(each.collection)]
    metadata = {"documents": sum(each.documents for each in statuses), "rows": sum(each.rows for each in statuses)}
    table = [dg.TableRecord(_record(each)) for each in statuses]
    check = dg.AssetCheckResult(
        check_name="standing_failures",
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=checks.failure_metadata(failures),
    )
    extra = {"collections": dg.MetadataValue.table(table)} if table else {}
    return dg.MaterializeResult(
        metadata={**metadata, **extra}, check_results=[check, checks.golden_result(generations)]
    )


def _record(status: CollectionStatus) -> dict[str, str | int | float | bool | None]:
    names = ("collection", "documents", "searchable", "failed", "quarantined", "rows", "orphans")
    return {**{name: getattr(status, name) for name in names}, "pdf_pages": shares(status.routes)}
