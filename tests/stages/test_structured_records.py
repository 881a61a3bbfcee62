"""Records of batches: where personal data is taken out of the elements, no record has it."""

from pathlib import Path

import pytest

from docmill.config import EnrichConfig, PipelineConfig, RedactConfig
from docmill.extract.pdf.engine import pymupdf
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.settings import BatchLimits, Settings
from docmill.stages.structured_records import extract_records, records_for, schemas_for
from docmill.workspace import Workspace
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


def test_records_without_redaction_have_what_the_document_says(home, orders):
    found, _ = contacts(home, orders, RedactConfig())
    assert found == dict.fromkeys(("order.pdf", "order.txt"), "anna@example.com")


def test_records_of_a_redacting_collection_hold_no_personal_data(home, orders):
    contacts(home, orders, RedactConfig())
    found, kept = contacts(home, orders, RedactConfig(kinds=("email",)))
    assert all(value in (None, "[email]") for value in found.values())
    assert "anna@" not in kept
    assert "A-4711" in kept
