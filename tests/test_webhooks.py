"""Webhooks as a receiver sees them: signed, tried again, sent only where the operator allows."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from docmill import webhooks
from docmill.batching import form_batches
from docmill.errors import ConfigError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.settings import Settings, WebhookSettings, load_settings
from docmill.webhooks import Webhooks
from docmill.workspace import Workspace
from tests.receiver import Receiver, receiving
from tests.services import wait_for

KEY = b"0123456789abcdefghijklmnopqrstuv"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def settings(receiver: Receiver, home: Path, allow: str = "127.0.0.0/8") -> Settings:
    told = WebhookSettings(urls=(receiver.url,), secret=SECRET)
    return Settings(home=home, webhooks=told, fetch_allow=allow)


def finish() -> None:
    """All that was to be told has been."""
    webhooks._sender().submit(lambda: None).result(60)


def test_finished_batch_is_told_and_signed(receiver: Receiver, home: Path, folder: Path):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    workspace = Workspace(settings(receiver, home), index=MemoryIndex(), embedder=HashEmbedder())
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    run_batch(workspace, batch, run_id="r1")
    run_batch(workspace, batch)  # nothing is done: the broken one is tried again, and does not come so far
    workspace.close()
    finish()
    ((headers, body),) = receiver.got
    message = json.loads(body)
    assert message["type"] == "batch.finished"
    wanted = {"batch": batch, "collection": "default", "run_id": "r1", "documents": 3, "ok": 2, "partial": 0}
    assert message["data"] == wanted | {"failed": 0, "waiting": 1}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_message_is_tried_again_under_its_id_until_it_is_taken(receiver: Receiver, home: Path, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    receiver.answers = [503, 429]
    Webhooks(settings(receiver, home)).tell("job.finished", {"job_id": "j"})
    finish()
    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_refused_message_is_in_the_log_and_not_tried_again(receiver: Receiver, home: Path, caplog):
    receiver.answers = [410]
    with caplog.at_level(logging.ERROR):
        Webhooks(settings(receiver, home)).tell("job.finished", {"job_id": "j"})
        finish()
    assert len(receiver.got) == 1
    assert "not delivered: 127.0.0.1 answered with HTTP 410" in caplog.text


def test_private_address_is_not_told_unless_it_is_allowed(receiver: Receiver, home: Path, caplog):
    with caplog.at_level(logging.ERROR):
        Webhooks(settings(receiver, home, allow="")).tell("job.finished", {"job_id": "j"})
        finish()
    assert receiver.got == []
    assert "not public" in caplog.text


def test_address_without_a_secret_is_a_wrong_setting(monkeypatch):
    monkeypatch.setenv("DOCMILL_WEBHOOKS__URLS", '["https://example.com/"]')
    for secret in ("", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_")):
        monkeypatch.setenv("DOCMILL_WEBHOOKS__SECRET", secret)
        with pytest.raises(ConfigError, match="whsec_"):
            load_settings()


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::DeprecationWarning")
def test_failed_run_is_told(receiver: Receiver, home: Path, monkeypatch):
    from orchestration.alerts import run_failures
    from resources import IndexResource, LedgerResource, ObjectStoreResource, TritonResource, WorkspaceResource

    given = settings(receiver, home)
    monkeypatch.setattr("resources.workspace.load_settings", lambda: given)
    resource = WorkspaceResource(
        store=ObjectStoreResource(), index=IndexResource(), ledger=LedgerResource(), triton=TritonResource()
    )

    @dg.op
    def fails() -> None:
        raise RuntimeError("the disk is full")

    @dg.job
    def ingest() -> None:
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        result = ingest.execute_in_process(instance=instance, raise_on_error=False, tags={"dagster/partition": "b1"})
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failures",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            resources={"workspace": resource},
        )
        with context:
            run_failures(context.for_run_failure())
    finish()
    wait_for(lambda: receiver.got, "the message")
    message = json.loads(receiver.got[0][1])
    assert message["type"] == "run.failed"
    assert (message["data"]["job"], message["data"]["batch"]) == ("ingest", "b1")
    assert message["data"]["message"]
