"""`docmill status`: each collection in numbers."""

from pathlib import Path


def test_collection_is_told_in_numbers(filled: Path, ask):
    (found,) = ask("status")["collections"]
    assert (found["documents"], found["searchable"], found["failed"], found["pending"]) == (6, 4, 2, 0)
    assert found["rows"] == found["expected_rows"]


def test_empty_home_tells_how_to_begin(docmill):
    assert "docmill ingest FOLDER" in docmill("status").stderr


def test_settings_that_no_search_sees_yet_are_told(filled: Path, docmill):
    told = docmill("status", DOCMILL_PIPELINE__CHUNK__MAX_TOKENS="64").stderr
    assert "made by other settings" in told
    assert "docmill reindex" in told
    assert "other settings" not in docmill("status").stderr
