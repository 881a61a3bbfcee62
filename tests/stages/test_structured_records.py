"""Records of batches: where personal data is taken out of the elements, no record has it."""

import json
from pathlib import Path

import pytest

from docmill.config import EnrichConfig, PipelineConfig, RedactConfig
from docmill.extract.pdf.engine import pymupdf
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.settings import BatchLimits, Settings
from docmill.stages.structured_records import extract_records, records_for, schemas_for
from docmill.workspace import Workspace
from orchestration.record_checks import results
from tests.support import ingest

SCHEMA = {"type": "object", "properties": {"contact": {"type": "string"}, "order_number": {"type": "string"}}}
LINES = ("Order number: A-4711", "Contact: anna@example.com")


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A folder with the same order as a PDF and as text."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "order.txt").write_text("\n".join(LINES))
    document = pymupdf.open()
    page = document.new_page()
    for number, line in enumerate(LINES):
        page.insert_text((72, 100 + 40 * number), line)
    document.save(folder / "order.pdf")
    return folder


def contacts(home: Path, orders: Path, redact: RedactConfig) -> tuple[dict[str, object], str]:
    """The contact in the record of each document, and all that is kept of the records."""
    settings = Settings(
        home=home, batch=BatchLimits(settle_seconds=0), pipeline=PipelineConfig(enrich=EnrichConfig(redact=redact))
    )
    workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
    ingest(workspace, orders)
    schemas_for(workspace).add("orders", SCHEMA)
    report = extract_records(workspace, workspace.ledger.batches()[-1].batch)
    assert not report.failed
    assert not report.waiting
    kept = "".join(str(records_for(workspace).kept(row.artifact)) for row in report.rows)
    return {row.source_key.rpartition("/")[2]: row.value["contact"] for row in report.rows}, kept


AMOUNTS = ("subtotal", "tax", "total")
SUMS = {"type": "object", "properties": {name: {"type": "number"} for name in AMOUNTS}}


def test_sum_that_does_not_hold_is_told_by_the_check_and_the_command(tmp_path, home, docmill):
    folder = tmp_path / "invoices"
    folder.mkdir()
    document = pymupdf.open()
    document.new_page().insert_text((72, 72), "Terms of delivery")
    page = document.new_page()
    for number, (label, amount) in enumerate((("Subtotal:", "10.00"), ("VAT:", "2.00"), ("Total:", "15.00"))):
        page.insert_text((72, 100 + 20 * number), label)
        page.insert_text((200, 100 + 20 * number), amount)
    document.save(folder / "invoice.pdf")
    (folder / "sums.json").write_text(json.dumps(SUMS))
    workspace = Workspace(Settings(home=home), index=MemoryIndex(), embedder=HashEmbedder())
    ingest(workspace, folder / "invoice.pdf")
    schemas_for(workspace).add("sums", SUMS)
    report = extract_records(workspace, workspace.ledger.batches()[-1].batch)
    workspace.close()
    (check,) = [each for each in results(report) if each.check_name == "arithmetic"]
    said = "total = subtotal + tax = 10.0 + 2.0: expected 12.0, found 15.0 on page 2"
    assert not check.passed
    assert check.description == f"invoice.pdf: {said}"
    assert check.metadata["records_with_faults"].records[0].data["what"] == said
    told = docmill("extract", str(folder / "invoice.pdf"), "--schema", str(folder / "sums.json"))
    assert f"Does not add up: {said}" in " ".join((told.stdout + told.stderr).split())


def test_records_without_redaction_have_what_the_document_says(home, orders):
    found, _ = contacts(home, orders, RedactConfig())
    assert found == dict.fromkeys(("order.pdf", "order.txt"), "anna@example.com")


def test_records_of_a_redacting_collection_hold_no_personal_data(home, orders):
    contacts(home, orders, RedactConfig())
    found, kept = contacts(home, orders, RedactConfig(kinds=("email",)))
    assert all(value in (None, "[email]") for value in found.values())
    assert "anna@" not in kept
    assert "A-4711" in kept
