"""What the batch assets share: run their stage, then tell what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg

from docmill.fingerprints import CODE_VERSIONS
from docmill.models import Stage
from docmill.pipeline import StageReport, run_stage
from docmill.routes import Route, routes_of, without_routes
from docmill.workspace import Workspace
from orchestration import checks
from orchestration.partitions import document_batches
from resources import ScopeResource

Metadata: TypeAlias = Mapping[str, dg.MetadataValue]
OWNERS = ["team:docmill"]


def batch_asset(
    stage: Stage, *, deps: list[str], kinds: set[str], description: str, pool: str | None = None
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of a stage's asset: one partition a batch, with the stage's checks. Runs share a `pool`."""
    return dg.asset(
        name=stage.value,
        deps=deps,
        kinds=kinds,
        description=description,
        partitions_def=document_batches,
        group_name="ingestion",
        owners=OWNERS,
        code_version=CODE_VERSIONS[stage],
        check_specs=checks.specs(stage),
        pool=pool,
    )


def run(context: dg.AssetExecutionContext, stage: Stage, workspace: Workspace, scope: ScopeResource) -> StageReport:
    """The batch has been through the stage."""
    report = run_stage(workspace, stage, context.partition_key, scope=scope.scope(), run_id=context.run.run_id)
    context.log.info(
        "%s: %d documents, %d worked on, %d ok, %d partial, %d failed, %d waiting in %.1f s",
        *(stage.value, report.documents, report.processed, report.ok, report.partial),
        *(report.failed, report.waiting, report.seconds),
    )
    return report


def route_table(routes: Sequence[Route]) -> dg.TableMetadataValue:
    """How pages were read, why, and how many of them."""
    columns = [dg.TableColumn("path"), dg.TableColumn("reason"), dg.TableColumn("pages", "int")]
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"path": each.path, "reason": each.reason, "pages": each.pages, "share": each.share})
            for each in routes
        ],
        schema=dg.TableSchema([*columns, dg.TableColumn("share", "float")]),
    )


def result(report: StageReport, extra: Metadata | None = None) -> dg.MaterializeResult:
    """The materialization with its counts, its checks and a data version that is made of the whole batch."""
    rate = report.processed / report.seconds if report.processed and report.seconds else None
    metadata: dict[str, dg.MetadataValue] = {
        "documents": dg.MetadataValue.int(report.documents),
        "ok": dg.MetadataValue.int(report.ok),
        "failed": dg.MetadataValue.int(report.failed),
        "partial": dg.MetadataValue.int(report.partial),
        "waiting": dg.MetadataValue.int(report.waiting),
        "worked_on": dg.MetadataValue.int(report.processed),
        "seconds": dg.MetadataValue.float(round(report.seconds, 2)),
        "fingerprint": dg.MetadataValue.text(report.fingerprint),
        **{name: dg.MetadataValue.int(value) for name, value in without_routes(report.counts).items()},
    }
    if rate is not None:
        metadata["documents_per_second"] = dg.MetadataValue.float(round(rate, 2))
    if routes := routes_of(report.counts):
        metadata["page_routes"] = route_table(routes)
    if report.failures:
        metadata["failed_documents"] = checks.failure_table(report.failures)
    return dg.MaterializeResult(
        metadata=metadata | dict(extra or {}),
        check_results=list(checks.results(report)),
        data_version=dg.DataVersion(report.data_version),
    )
