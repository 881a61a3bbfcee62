"""Runs batches for the command line and the service through the Dagster job, so that the UI shows what they did."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import dagster as dg

from docmill.errors import DocmillError, SystemicError
from docmill.models import Stage
from docmill.pipeline import Scope
from docmill.workspace import Workspace
from orchestration.instance import dagster_home, dagster_instance
from orchestration.partitions import document_batches


class DagsterRunner:
    """Executes the job `ingest_batch` in this process, on the instance of the docmill home."""

    name = "dagster"

    def run(
        self, workspace: Workspace, batch: str, stages: Sequence[Stage], scope: Scope, started_by: str = "command line"
    ) -> None:
        """The batch has been through the stages; the run and its materializations are in the instance."""
        from orchestration.definitions import defs

        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        chosen = {"document_ids": sorted(scope.document_ids), "force": scope.force}
        with dagster_instance(workspace.settings) as instance:
            instance.add_dynamic_partitions(document_batches.name or "", [batch])
            result = defs.resolve_job_def("ingest_batch").execute_in_process(
                instance=instance,
                partition_key=batch,
                asset_selection=[dg.AssetKey(stage.value) for stage in stages],
                run_config={
                    "resources": {"scope": {"config": chosen}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
                tags={"docmill/batch": batch, "docmill/started_by": started_by},
                raise_on_error=False,
            )
            if not result.success:
                raise _failure(result)

    def check(self, workspace: Workspace) -> tuple[bool, str]:
        """Whether the instance answers, and how many partitions and runs it knows."""
        home = dagster_home(workspace.settings)
        with dagster_instance(workspace.settings) as instance:
            batches = len(instance.get_dynamic_partitions(document_batches.name or ""))
            runs = instance.get_runs_count()
        return True, f"The Dagster instance at {home} knows {batches} batches and {runs} runs."


def _failure(result: dg.ExecuteInProcessResult) -> DocmillError:
    """What ended the run, as the library's error where it was one."""
    for event in result.all_events:
        error = event.step_failure_data.error if event.is_step_failure else None
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            return SystemicError(error.message.strip().partition(": ")[2] or error.message.strip())
    return SystemicError(f"The Dagster run {result.run_id} failed.", hint="Open it in the Dagster UI.")
