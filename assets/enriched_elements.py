"""The elements as chunks are made of them: pictures described, personal data out, where settings ask for it."""

import dagster as dg

from assets.common import batch_asset, result, run
from docmill.models import Stage
from resources import ScopeResource, WorkspaceResource


@batch_asset(
    Stage.ENRICHED_ELEMENTS,
    deps=["extracted_elements"],
    kinds={"python"},
    description="Elements with pictures described in words and personal data taken out; as they are without settings.",
)
def enriched_elements(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Describe pictures, then redact; a document whose pictures could not be described is partial and goes on."""
    with workspace.open() as opened:
        return result(run(context, Stage.ENRICHED_ELEMENTS, opened, scope))
