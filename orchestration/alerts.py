"""Tells the webhooks of runs that failed as a whole; documents' own failures are in the checks."""

from __future__ import annotations

import dagster as dg

from resources import WorkspaceResource

_BATCH = "dagster/partition"


@dg.run_failure_sensor(
    name="run_failures",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the webhooks of each run that failed; does nothing where none are set.",
)
def run_failures(context: dg.RunFailureSensorContext, workspace: WorkspaceResource) -> None:
    """The webhooks are told which run failed, of which batch, and why."""
    run = context.dagster_run
    told = {
        "job": run.job_name,
        "run_id": run.run_id,
        "batch": run.tags.get(_BATCH, ""),
        "message": context.failure_event.message,
    }
    with workspace.open() as opened:
        opened.webhooks.tell("run.failed", told)
