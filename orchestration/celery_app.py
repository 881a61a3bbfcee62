"""The application of Celery workers: `celery -A orchestration.celery_app worker --pool threads --concurrency 2`.

Broker, backend and queue are those of the run launcher in `$DAGSTER_HOME/dagster.yaml`, so they are named once. A run
is a process of its own, not one of Celery's pool: those may not have children, and documents are parsed in children;
what a run leaves in memory goes with its process; and the worker answers while its runs are at work.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping

import dagster as dg
from celery import Celery
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME

from orchestration.celery_launcher import WatchfulCeleryRunLauncher

_LOOK_SECONDS = 3.0


def _app() -> Celery:
    launcher = dg.DagsterInstance.get().run_launcher
    if not isinstance(launcher, WatchfulCeleryRunLauncher):
        raise dg.DagsterInvariantViolationError(
            "dagster.yaml names no Celery run launcher: copy deploy/celery/dagster.yaml to $DAGSTER_HOME."
        )
    made: Celery = launcher.celery
    made.conf.worker_disable_prefetch = (
        True  # a run that waits behind a long one would wait for a worker that dies, too
    )
    return made


app = _app()


@app.task(name=TASK_EXECUTE_JOB_NAME, track_started=True)  # type: ignore[untyped-decorator]
def execute_job(execute_job_args_packed: Mapping[str, object]) -> int:
    """The run has ended; the exit code of its process."""
    args = unpack_value(dict(execute_job_args_packed), as_type=ExecuteRunArgs)  # type: ignore[arg-type]
    with dg.DagsterInstance.get() as instance, subprocess.Popen(args.get_command_args()) as process:
        while True:
            try:
                code = process.wait(_LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                _stop_if_told(instance, args.run_id, process)
        run = instance.get_run_by_id(args.run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, f"The run's process ended with {code}.")
    return code


def _stop_if_told(instance: dg.DagsterInstance, run_id: str, process: subprocess.Popen[bytes]) -> None:
    """A run that is to be cancelled gets the signal that lets it end in order; one that was given up is ended."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        process.terminate()
    elif run.status is dg.DagsterRunStatus.CANCELING:
        process.send_signal(signal.SIGINT)
