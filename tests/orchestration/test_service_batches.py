"""What is sent over HTTP becomes batches of Dagster where it is installed."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.settings import load_settings
from docmill.workspace import Workspace
from orchestration.instance import dagster_instance
from tests.service.test_native import V1, result

pytestmark = pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning")  # Dagster's own


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace of this process's settings, which Dagster's resources are made from, too."""
    for name, value in {"HOME": str(home), "SERVICE__RUNNER": "dagster", "WORKERS__PROCESSES": "1"}.items():
        monkeypatch.setenv(f"DOCMILL_{name}", value)
    workspace = Workspace(load_settings())
    yield workspace
    workspace.close()


@pytest.fixture
def api(opened: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(opened), raise_server_exceptions=False) as client:
        yield client


def test_files_of_one_request_are_one_run_and_a_retry_another(api: TestClient, opened: Workspace):
    files = [("file", (f"{name}.md", f"# {name}\n\nThe {name} weighs 12 kg.\n".encode())) for name in ("pump", "valve")]
    done = result(api, "/documents", files=[*files, ("file", ("broken.pdf", b"%PDF-1.7 nothing"))])
    assert (len(done["documents"]), len(done["failed"])) == (3, 1)
    (hit, *_) = api.post(f"{V1}/search", json={"question": "What does the valve weigh?"}).json()["hits"]
    assert "valve" in hit["text"]
    result(api, "/retry", json={})
    with dagster_instance(opened.settings) as instance:
        runs = instance.get_runs()
        batches = instance.get_dynamic_partitions("document_batches")
    assert [run.tags["docmill/started_by"] for run in runs] == ["service", "service"]
    assert {run.tags["dagster/partition"] for run in runs} == set(batches)
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    assert len(batches) == 1
