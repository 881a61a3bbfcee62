"""`docmill sources`: what the sensors watch."""

from pathlib import Path


def test_ingested_folder_is_watched(filled: Path, ask):
    assert ask("sources")["sources"] == [{"collection": "default", "source": f"file://{filled}/documents/"}]


def test_source_that_is_not_watched_is_told(docmill):
    assert "is not watched" in docmill("sources", "--remove", "/no/such", code=1).stderr
