"""The pipeline on a real Triton server, which is killed in the middle and started again."""

import json
import os
import signal
from pathlib import Path

import dagster as dg
import pytest

from docmill.artifacts import Artifacts
from docmill.batching import form_batches
from docmill.inference.minilm import NAME
from docmill.inference.model_config import Runtime
from docmill.inference.triton_repository import ExportOptions, export_repository
from docmill.models import Stage, Status
from docmill.plan import make_plan
from docmill.settings import load_settings
from docmill.stages import embeddings
from docmill.workspace import Workspace
from orchestration import sensors
from orchestration.definitions import defs
from orchestration.partitions import document_batches
from resources import TritonResource
from resources.triton import POOL
from tests.orchestration.test_sensors import tick
from tests.services import free_port
from tests.triton_server import triton_server

pytestmark = [
    pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning"),  # Dagster's own
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]


@pytest.fixture
def places(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Sets where the embedding model runs, by the environment alone as a user would."""
    for name in [name for name in os.environ if name.startswith("DOCMILL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCMILL_HOME", str(home))

    def at(url: str) -> None:
        policy = {"attempts": 2, "pause": 0.01, "open_after": 2}
        monkeypatch.setenv("DOCMILL_MODELS", json.dumps({NAME: {"runtime": "triton", "urls": [url], "policy": policy}}))

    return at


def run(instance, job: str, batch: str, config=None) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions(document_batches.name, [batch])
    resolved = defs.resolve_job_def(job)
    return resolved.execute_in_process(instance=instance, partition_key=batch, run_config=config or {})


def statuses(workspace: Workspace) -> dict[str, tuple[Status, str]]:
    """Each document's status at the embeddings, and the class of its error."""
    documents = workspace.ledger.documents("default")
    outcomes = workspace.ledger.outcomes(document.document_id for document in documents)
    found = {each.key: outcomes[each.document_id, Stage.EMBEDDINGS] for each in documents}
    return {key: (outcome.status, str(outcome.error_class or "")) for key, outcome in found.items()}


def test_documents_fail_transiently_while_the_server_is_dead_and_complete_when_it_is_back(
    triton_program: Path, model_home: Path, folder: Path, tmp_path: Path, places, monkeypatch: pytest.MonkeyPatch
):
    export_repository(tmp_path / "repository", model_home, ExportOptions(), [NAME])
    ports = free_port(), free_port()
    places(f"grpc://127.0.0.1:{ports[1]}")
    monkeypatch.setattr(embeddings, "_WINDOW", 1)
    monkeypatch.setattr(sensors, "_BACK_OFF_SECONDS", 0.0)
    workspace = Workspace(load_settings())
    workspace.ledger.add_source("default", f"file://{folder}/")
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    with dg.DagsterInstance.ephemeral() as instance:
        with triton_server(triton_program, tmp_path / "repository", tmp_path, ports) as server:
            kill_after_the_first_document(server.process, monkeypatch)
            assert run(instance, "ingest_batch", batch).success
        assert sorted(statuses(workspace).values()) == [(Status.FAILED, "transient"), (Status.OK, "")]
        answer, _ = tick(sensors.failed_documents, instance)
        (request,) = answer.run_requests
        with triton_server(triton_program, tmp_path / "repository", tmp_path, ports):
            again = run(instance, "retry_failed_documents", batch, request.run_config)
        assert again.success
    assert set(statuses(workspace).values()) == {(Status.OK, "")}
    held = workspace.index.held("default", workspace.space).values()
    assert {row.document_id for row in held} == {each.document_id for each in workspace.ledger.documents("default")}
    usage = metadata(again)[f"model {NAME}"].value
    assert usage["requests"] == usage["server_requests"] == 1
    assert usage["items"] == usage["server_mean_batch"] >= 1
    workspace.close()


def kill_after_the_first_document(process, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server dies at once when the first vectors are kept."""
    kept = Artifacts.put_vectors

    def keep(self, document, fingerprint, vectors):
        kept(self, document, fingerprint, vectors)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        monkeypatch.setattr(Artifacts, "put_vectors", kept)

    monkeypatch.setattr(Artifacts, "put_vectors", keep)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dg.MetadataValue]:
    (event,) = result.asset_materializations_for_node("embeddings")
    return dict(event.metadata)


def test_embeddings_share_a_pool():
    assert defs.resolve_assets_def(dg.AssetKey("embeddings")).op.pool == POOL


def test_resource_puts_the_embedding_model_at_its_servers(places):
    places("grpc://127.0.0.1:1")
    settings = TritonResource(urls=["grpc://gpu:8001"]).apply(load_settings())
    assert settings.models[NAME].runtime is Runtime.TRITON
    assert settings.models[NAME].urls == ("grpc://gpu:8001",)
    assert settings.models[NAME].policy.attempts == 2


def test_server_that_stays_away_is_named_in_the_log(places, capfd: pytest.CaptureFixture[str]):
    places(f"grpc://127.0.0.1:{free_port()}")
    workspace = Workspace(load_settings())
    resource = TritonResource(ready_seconds=0.0)
    context = dg.build_asset_context()
    with resource.measured(context, workspace, Stage.EMBEDDINGS) as found:
        pass
    assert found == {}
    assert "is not ready" in capfd.readouterr().err
