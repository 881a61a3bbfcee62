"""`docmill status`: each collection in numbers."""

from pathlib import Path


def test_collection_is_told_in_numbers(filled: Path, ask):
    (found,) = ask("status")["collections"]
    assert (found["documents"], found["searchable"], found["failed"], found["pending"]) == (6, 4, 2, 0)
    assert found["rows"] == found["expected_rows"]


def test_empty_home_tells_how_to_begin(docmill):
    assert "docmill ingest FOLDER" in docmill("status").stderr
