"""`docmill retry`: failed documents again, and no others."""

import shutil
from pathlib import Path

from tests.cli.conftest import DATA

LIBRARY = ("--runner", "library")


def test_mended_document_is_taken_up_alone(ask, folder: Path):
    shutil.copy(DATA / "truncated.docx", folder)
    (folder / "note.md").write_bytes(b"")
    ask("ingest", folder, *LIBRARY, code=2)
    (folder / "note.md").write_text("Pier 4 is closed.")
    answer = ask("retry", "--document", "note.md", *LIBRARY)
    assert (answer["retried"], answer["failed"]) == (1, [])
    assert {each["worked_on"] for each in answer["stages"]} == {1}
    (left,) = ask("failed", code=2)["failed"]
    assert (left["source"], left["attempts"]) == (f"file://{folder}/truncated.docx", 1)


def test_document_that_did_not_fail_is_told(filled: Path, docmill):
    assert "No failed document is named pumps.md." in docmill("retry", "--document", "pumps.md", code=1).stderr


def test_nothing_to_retry_is_all_right(docmill):
    assert "nothing to retry" in docmill("retry").stdout
