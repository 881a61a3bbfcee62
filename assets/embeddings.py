"""The chunks as vectors."""

import dagster as dg

from assets.common import batch_asset, result, run
from docmill.models import Stage
from resources import ScopeResource, WorkspaceResource
from resources.triton import POOL


@batch_asset(
    Stage.EMBEDDINGS,
    deps=["chunks"],
    kinds={"python", "onnx"},
    pool=POOL,
    description="A vector of unit length for each chunk, by the embedding model of the settings.",
)
def embeddings(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource, scope: ScopeResource
) -> dg.MaterializeResult:
    """Embed the chunks, in batches that are filled across documents."""
    with workspace.open() as opened, workspace.triton.measured(context, opened, Stage.EMBEDDINGS) as usage:
        report = run(context, Stage.EMBEDDINGS, opened, scope)
    return result(report, usage)
