"""JSON lines of logs: valid whatever they hold, without secrets, and with what they are about."""

import json
import logging
from pathlib import Path

import pytest

from docmill.batching import form_batches
from docmill.logs import JsonFormatter, LogLines, about
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.workspace import Workspace


def line(message: str = "words", **extra: object) -> dict:
    record = logging.makeLogRecord({"name": "docmill", "levelname": "INFO", "msg": message, **extra})
    return json.loads(JsonFormatter().format(record))


def test_secrets_in_fields_and_texts_are_redacted_and_the_line_stays_json():
    made = line('sent "password": "p\'w"', api_key="k1", about={"token": "k2", "tokens": 3}, urls=["s3://u:k3@h/b"])
    assert not any(secret in json.dumps(made) for secret in ("p'w", "k1", "k2", "k3"))
    assert made["about"]["tokens"] == 3


def test_lines_have_the_fields_of_what_they_are_about():
    with about(batch="b1"), about(run_id="r1"):
        assert (line()["batch"], line()["run_id"]) == ("b1", "r1")
    assert "batch" not in line()


def test_lines_of_a_stream_become_lines_of_the_log(caplog: pytest.LogCaptureFixture):
    stream = LogLines(logging.getLogger("docmill.cli"))
    with caplog.at_level(logging.INFO, logger="docmill"):
        stream.write("one\n\ntw")
        stream.write("o\nthr")
    assert caplog.messages == ["one", "two"]


def test_batch_tells_of_each_stage_and_each_failed_document(
    workspace: Workspace, folder: Path, caplog: pytest.LogCaptureFixture
):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    formatter, lines = JsonFormatter(), []
    caplog.handler.emit = lambda record: lines.append(json.loads(formatter.format(record)))  # type: ignore[method-assign]
    with caplog.at_level(logging.INFO, logger="docmill"):
        run_batch(workspace, batch, run_id="r1")
    (failed,) = [each for each in lines if each["message"] == "document"]
    assert (failed["batch"], failed["run_id"], failed["stage"]) == (batch, "r1", "extracted_elements")
    assert (failed["source"], failed["error"]) == (f"file://{folder}/broken.pdf", "CorruptDocumentError")
    assert workspace.ledger.document(failed["document_id"]) is not None
    stages = [(each["stage"], each["ok"], each["failed"]) for each in lines if each["message"] == "stage"]
    assert stages[1] == ("extracted_elements", 2, 1)
    assert len(stages) == 6
