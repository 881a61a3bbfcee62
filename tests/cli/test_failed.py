"""`docmill failed`: which documents failed, why, and the way out."""

from pathlib import Path


def test_failures_have_reason_and_way_out(filled: Path, ask):
    failed = {Path(each["source"]).name: each for each in ask("failed", code=2)["failed"]}
    assert set(failed) == {"encrypted.pdf", "truncated.docx"}
    assert failed["encrypted.pdf"]["error"] == "EncryptedDocumentError"
    assert failed["encrypted.pdf"]["class"] == "permanent"
    assert all(each["message"] and each["hint"] and each["batch"] for each in failed.values())


def test_no_failure_is_all_right(docmill):
    assert "No document stands failed." in docmill("failed").stdout
