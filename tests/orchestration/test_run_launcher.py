"""A run whose process is gone is noticed, by a real code location that is killed and started again."""

import os
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import grpc
import pytest
import yaml
from dagster._core.launcher import WorkerStatus
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.deploy.chart import LEAST, of_kind, rendered
from tests.services import BIN, ROOT, answers, free_port, process, wait_for

HELD = """
import pathlib, time
import dagster as dg

@dg.op
def held():
    while not (pathlib.Path(__file__).parent / "released").exists():
        time.sleep(0.2)

@dg.job(executor_def=dg.in_process_executor)
def waiting():
    held()

defs = dg.Definitions(jobs=[waiting])
"""


@pytest.mark.timeout(420)
def test_a_run_fails_only_when_its_code_location_does_not_have_it(tmp_path: Path):
    port, home = free_port(), tmp_path / "home"
    home.mkdir()
    launcher = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())["run_launcher"]
    at_once = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    (home / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": launcher, "run_coordinator": at_once}))
    (tmp_path / "held.py").write_text(HELD)
    place = {"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": "held"}}
    (tmp_path / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [place]}))
    env = os.environ | {"DAGSTER_HOME": str(home)}
    serve = [str(BIN / "dagster"), "api", "grpc", "-h", "127.0.0.1", "-p", str(port), "-f", str(tmp_path / "held.py")]
    launch = [str(BIN / "dagster"), "job", "launch", "-w", str(tmp_path / "workspace.yaml"), "-j", "waiting"]
    with ExitStack() as stack:
        stack.callback((tmp_path / "released").touch)
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        server = stack.enter_context(process(serve, tmp_path / "first.log", env))
        wait_for(lambda: answers(port), "the code location", 120)
        launched = subprocess.run(launch, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        assert launched.returncode == 0, launched.stderr

        def started() -> dg.DagsterRun | None:
            return next(iter(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))), None)

        run = wait_for(started, "the run", 120)
        assert isinstance(run, dg.DagsterRun)

        def health() -> WorkerStatus:
            return instance.run_launcher.check_run_worker_health(run).status

        assert health() is WorkerStatus.RUNNING
        assert _answers_the_charts_probes(port)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        assert health() is WorkerStatus.RUNNING  # it cannot be asked
        stack.enter_context(process(serve, tmp_path / "second.log", env))
        wait_for(lambda: answers(port), "the code location again", 120)
        wait_for(lambda: health() is WorkerStatus.FAILED, "the run's end", 120)


def _answers_the_charts_probes(port: int) -> bool:
    """Whether a code location at this port is ready for what Kubernetes asks it by the Helm chart."""
    deployment = of_kind(rendered(LEAST), "Deployment")["docmill-code-location"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (asked,) = {container[name]["grpc"]["service"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=asked), timeout=60)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
