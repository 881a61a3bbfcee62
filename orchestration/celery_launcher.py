"""Runs of batches as tasks of Celery workers, one task a run; a worker that dies takes no run with it.

Celery's record of a task that is being worked on stays as it is when its worker is killed, so Dagster's own launcher
would believe in it until `max_runtime_seconds` is over. This one asks the worker itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import dagster as dg
from celery.result import AsyncResult
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClassData, pack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

_PING_SECONDS = 2.0


class WatchfulCeleryRunLauncher(CeleryRunLauncher):
    """dagster-celery's launcher, which also notices that a worker is gone: silent for `silence_seconds`.

    The run then fails, and the sensor `new_uploads` starts its batch again.
    """

    def __init__(self, silence_seconds: float = 60.0, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._silence = silence_seconds
        self._silent_since: dict[str, float] = {}

    def launch_run(self, context: LaunchRunContext) -> None:
        """The run is in the queue."""
        run = context.dagster_run
        if run.job_code_origin is None:
            raise dg.DagsterInvariantViolationError(f"The run {run.run_id} does not say where its code is.")
        args = ExecuteRunArgs(run.job_code_origin, run.run_id, self._instance.get_ref(), set_exit_code_on_failure=True)
        task = self.celery.signature(
            TASK_EXECUTE_JOB_NAME, kwargs={"execute_job_args_packed": pack_value(args)}, immutable=True
        )
        self._launch_celery_task_run(run=run, task_signature=task, routing_key=TASK_EXECUTE_JOB_NAME)

    def terminate(self, run_id: str) -> bool:
        """The run's worker, which looks at its state, ends it within seconds; False where there is nothing to end."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if DAGSTER_CELERY_TASK_ID_TAG in run.tags:
            self.celery.control.revoke(run.tags[DAGSTER_CELERY_TASK_ID_TAG])  # where no worker has begun it yet
        self._instance.report_run_canceling(run)
        return True

    @property
    def supports_resume_run(self) -> bool:
        """No: a batch's next run goes on where this one ended, so nothing is gained by resuming."""
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's worker is at work on it, by its task's record and by its answer."""
        if DAGSTER_CELERY_TASK_ID_TAG not in run.tags:  # launched this moment
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        found = super().check_run_worker_health(run)
        if found.status is not WorkerStatus.RUNNING:
            self._silent_since.pop(run.run_id, None)
            return found
        return self._answered(run)

    def _answered(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the worker answers, or has been silent for a short while only."""
        task: AsyncResult = self.celery.AsyncResult(run.tags[DAGSTER_CELERY_TASK_ID_TAG])
        worker = task.info.get("hostname", "") if isinstance(task.info, Mapping) else ""
        if not worker or self.celery.control.ping(destination=[worker], timeout=_PING_SECONDS):
            self._silent_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        since = self._silent_since.setdefault(run.run_id, time.monotonic())
        if time.monotonic() - since < self._silence:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        del self._silent_since[run.run_id]
        return CheckRunHealthResult(WorkerStatus.FAILED, f"The Celery worker {worker} does not answer.")

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str:
        """The run's task and what Celery says of it."""
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG, "")
        return f"Celery task {task}: {self.celery.AsyncResult(task).state}" if task else "No Celery task was made."

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The configuration of dagster-celery's launcher, and the longest silence of a worker."""
        longest = dg.Field(float, is_required=False, default_value=60.0, description="Longest silence (s) of a worker.")
        return {**cast("dict[str, Any]", super().config_type()), "silence_seconds": longest}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> WatchfulCeleryRunLauncher:
        """The launcher that `dagster.yaml` describes."""
        return cls(inst_data=inst_data, **config_value)
