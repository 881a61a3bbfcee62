"""The documents of a batch as they lie in their bucket or folder."""

from collections import Counter

import dagster as dg

from assets.common import batch_asset, result, run
from docmill.models import Stage
from resources import ScopeResource, WorkspaceResource


@batch_asset(
    Stage.RAW_DOCUMENTS,
    deps=[],
    kinds={"s3", "python"},
    description="Objects of a bucket or folder: which bytes (sha256) of which type each document has.",
)
def raw_documents(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Read each object once; its version and media type are known afterwards."""
    with workspace.open() as opened:
        report = run(context, Stage.RAW_DOCUMENTS, opened, scope)
        documents = opened.ledger.batch_documents(context.partition_key)
    types = Counter(document.media_type or "unknown" for document in documents)
    table = [dg.TableRecord({"media_type": name, "documents": count}) for name, count in types.most_common()]
    return result(report, {"media_types": dg.MetadataValue.table(table)} if table else {})
