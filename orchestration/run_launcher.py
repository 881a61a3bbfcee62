"""Runs as processes of the code location, as Dagster launches them by itself, whose death is noticed.

Dagster's own launcher cannot tell whether a run is alive: one that ended with its container would hold its batch back
until `max_runtime_seconds` is over. The code location knows which runs are its processes.
"""

from __future__ import annotations

import dagster as dg
import grpc
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class WatchfulRunLauncher(DefaultRunLauncher):
    """Dagster's launcher, which also notices that a run's process is gone.

    The run then fails, and the sensor `new_uploads` starts its batch again. The code location must be a
    `dagster api grpc`: behind `dagster code-server` a run of before a reload would be taken for dead.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: the code location is asked."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the code location has the run, cannot be asked now, or never had it (a command's own run)."""
        server = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if server is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            packed = server.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError as error:
            cause = error.__cause__
            refused = isinstance(cause, grpc.RpcError) and cause.code() is grpc.StatusCode.UNAVAILABLE
            if server.socket and refused:  # its process does not come back; that of a host may, with the run or without
                return CheckRunHealthResult(WorkerStatus.FAILED, "The run's code location is gone.")
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if deserialize_value(packed, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "The run is no process of its code location any more.")
