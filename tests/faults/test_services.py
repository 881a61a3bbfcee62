"""What becomes of every document when S3, Milvus or the model fails: nothing is lost, and one sentence says why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.batching import form_batches
from docmill.errors import SystemicError
from docmill.index import MilvusIndex
from docmill.ledger import Failure
from docmill.models import ErrorClass, Stage
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.settings import Settings
from docmill.status import collection_status
from docmill.workspace import Workspace
from tests.faults.proxy import FaultyProxy, faulty_proxy
from tests.services import free_port

NAMES = ("fog.md", "surf.md", "tide.md")


@pytest.fixture
def proxy(s3_endpoint: str) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_endpoint) as opened:
        yield opened


@pytest.fixture
def remote(s3, bucket: str, proxy: FaultyProxy, home: Path) -> Iterator[Workspace]:
    """A workspace whose source is a bucket behind the proxy, with one batch of three documents."""
    for name in NAMES:
        s3.put_object(Bucket=bucket, Key=name, Body=f"# {name}\n\nAll about {name}, in a few words.\n".encode())
    opened = Workspace(Settings(home=home, s3_endpoint_url=proxy.url))
    form_batches(opened, "default", make_plan(opened, "default", f"s3://{bucket}/").pending)
    yield opened
    opened.close()


def run(workspace: Workspace) -> None:
    run_batch(workspace, workspace.ledger.batches()[0].batch)


def failures(workspace: Workspace) -> dict[str, Failure]:
    return {each.document.key: each for each in workspace.ledger.failures()}


def searchable(workspace: Workspace) -> int:
    return collection_status(workspace, "default").searchable


@pytest.mark.parametrize("fault", ["500", "503", "half", "refuse"])
def test_object_that_the_store_fails_to_give_fails_alone_and_may_pass(
    remote: Workspace, proxy: FaultyProxy, fault: str
):
    proxy.break_(fault, "surf.md")
    run(remote)
    (failure,) = failures(remote).values()
    assert (failure.document.key, failure.outcome.error_class) == ("surf.md", ErrorClass.TRANSIENT)
    assert proxy.met > (fault != "half")  # boto3 has tried again itself, but for bodies that break off
    assert searchable(remote) == 2
    proxy.break_("")
    run(remote)
    assert (failures(remote), searchable(remote)) == ({}, 3)


def test_slow_store_is_waited_for(remote: Workspace, proxy: FaultyProxy):
    proxy.break_("slow", "surf.md")
    run(remote)
    assert (failures(remote), searchable(remote)) == ({}, 3)


def test_store_that_is_gone_fails_the_stage_and_no_document(remote: Workspace, proxy: FaultyProxy, home: Path):
    lost = Workspace(Settings(home=home, s3_endpoint_url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(SystemicError, match="cannot be reached"):
        run(lost)
    lost.close()
    assert failures(remote) == {}
    run(remote)
    assert searchable(remote) == 3


def test_store_that_goes_between_two_stages_fails_no_document(remote: Workspace, home: Path, monkeypatch):
    batch = remote.ledger.batches()[0].batch
    run_batch(remote, batch, stages=[Stage.RAW_DOCUMENTS])
    lost = Workspace(Settings(home=home, s3_endpoint_url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(SystemicError, match="cannot be reached"):
        run_batch(lost, batch, stages=[Stage.EXTRACTED_ELEMENTS])
    lost.close()
    assert failures(remote) == {}


def test_milvus_that_is_gone_fails_the_stage_and_no_document(remote: Workspace, home: Path, s3_endpoint: str):
    uri = f"http://127.0.0.1:{free_port()}"
    lost = Workspace(Settings(home=home, s3_endpoint_url=s3_endpoint), index=MilvusIndex(uri))
    with pytest.raises(SystemicError, match="Milvus"):
        run(lost)
    lost.close()
    assert failures(remote) == {}
    assert {
        stage for _, stage in remote.ledger.outcomes([each.document_id for each in remote.ledger.documents("default")])
    } == set(Stage) - {Stage.VECTOR_COLLECTION}
    run(remote)
    assert searchable(remote) == 3


def test_model_that_fails_ends_the_stage_and_no_document(remote: Workspace, home: Path, s3_endpoint: str, monkeypatch):
    lost = Workspace(Settings(home=home, s3_endpoint_url=s3_endpoint))

    def embed(texts):
        raise SystemicError("The model server does not answer.", hint="Start it.")

    monkeypatch.setattr(type(lost.embedder), "embed", lambda self, texts: embed(texts))
    with pytest.raises(SystemicError, match="does not answer"):
        run(lost)
    lost.close()
    monkeypatch.undo()
    assert failures(remote) == {}
