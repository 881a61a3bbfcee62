"""A ledger comes back from its backup, on either database, whole or not at all; a collection from its artifacts."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from docmill.backup import back_up, restore
from docmill.batching import form_batches
from docmill.errors import CorruptDocumentError, UsageError
from docmill.ledger import Ledger
from docmill.maintenance import rebuild
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.workspace import Workspace
from tests.databases import Postgres


@pytest.fixture
def filled(workspace: Workspace, folder: Path) -> Workspace:
    workspace.ledger.add_source("default", f"file://{folder}/")
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    run_batch(workspace, batch)
    workspace.keys.create("someone")
    return workspace


def content(ledger: Ledger) -> dict[str, list[tuple]]:
    """All rows of all tables."""
    from docmill.ledger import metadata

    with ledger.database.read() as connection:
        return {each.name: sorted(map(repr, connection.execute(sa.select(each)))) for each in metadata.sorted_tables}


def test_ledger_moves_to_either_database_and_back(filled: Workspace, ledger_url: str, tmp_path: Path):
    counts = back_up(filled.ledger.database, tmp_path / "a.backup")
    assert (counts["documents"], counts["outcomes"], counts["api_keys"]) == (2, 12, 1)
    assert restore(ledger_url, tmp_path / "a.backup") == counts
    moved = Ledger(ledger_url)
    assert content(moved) == content(filled.ledger)
    back_up(moved.database, tmp_path / "b.backup")
    moved.close()
    restore(f"sqlite:///{tmp_path}/again.db", tmp_path / "b.backup")
    again = Ledger(f"sqlite:///{tmp_path}/again.db")
    assert content(again) == content(filled.ledger)
    assert again.next_number("batches-20000101") == 1
    again.close()


def test_backup_is_one_moment_of_a_ledger_that_is_written_to(filled: Workspace, tmp_path: Path, postgres: Postgres):
    url = postgres.url(postgres.create())
    back_up(filled.ledger.database, tmp_path / "a.backup")
    restore(url, tmp_path / "a.backup")
    ledger = Ledger(url)
    with ledger.database.snapshot() as connection:
        connection.execute(sa.text("SELECT 1"))
        ledger.add_source("later", "file:///later/")
        assert connection.execute(sa.text("SELECT count(*) FROM sources")).scalar_one() == 1
    ledger.close()


def test_backup_of_an_older_schema_is_brought_up_to_date(ledger_url: str, tmp_path: Path, monkeypatch):
    import json

    import zstandard

    lines = [
        {"format": "docmill ledger 1", "schema": "0005"},
        {"table": "sources", "columns": ["collection", "url", "created_at"]},
        ["c", "file:///a/", 1.0],
        {"end": {"sources": 1}},
    ]
    data = "".join(json.dumps(each) + "\n" for each in lines).encode()
    (tmp_path / "old.backup").write_bytes(zstandard.ZstdCompressor().compress(data))
    restore(ledger_url, tmp_path / "old.backup")
    ledger = Ledger(ledger_url)
    assert ledger.sources() == [("c", "file:///a/")]
    assert ledger.generations("c") == []
    ledger.close()


def test_ledger_with_rows_is_not_touched(filled: Workspace, ledger_url: str, tmp_path: Path):
    back_up(filled.ledger.database, tmp_path / "a.backup")
    ledger = Ledger(ledger_url)
    ledger.add_source("mine", "file:///mine/")
    with pytest.raises(UsageError, match="not empty: sources has rows"):
        restore(ledger_url, tmp_path / "a.backup")
    assert ledger.sources() == [("mine", "file:///mine/")]
    ledger.close()


def test_file_that_is_not_whole_restores_nothing(filled: Workspace, ledger_url: str, tmp_path: Path):
    back_up(filled.ledger.database, tmp_path / "a.backup")
    data = (tmp_path / "a.backup").read_bytes()
    for name, part in {"cut": data[: len(data) // 2], "other": b"PK\x03\x04", "empty": b""}.items():
        (tmp_path / name).write_bytes(part)
        with pytest.raises(CorruptDocumentError, match="no backup"):
            restore(ledger_url, tmp_path / name)
    assert restore(ledger_url, tmp_path / "a.backup")["documents"] == 2


def test_file_is_not_written_over(filled: Workspace, tmp_path: Path):
    (tmp_path / "a.backup").write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        back_up(filled.ledger.database, tmp_path / "a.backup")
    with pytest.raises(UsageError, match="cannot be written"):
        back_up(filled.ledger.database, tmp_path / "nowhere/a.backup")
    assert [path.name for path in tmp_path.glob("*.backup*")] == ["a.backup"]


def test_folder_that_cannot_be_written_to_is_told(filled: Workspace, tmp_path: Path):
    (tmp_path / "no-folder").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"):
        back_up(filled.ledger.database, tmp_path / "no-folder/a.backup")


def test_collection_is_built_again_from_artifacts_without_parsing(filled: Workspace, folder: Path):
    space = filled.space
    before = filled.index.held("default", space)
    filled.index.delete("default", space, list(before))
    for path in folder.iterdir():
        path.unlink()  # nothing could be parsed again
    documents, rows = rebuild(filled, "default")
    assert (documents, rows) == (2, len(before))
    assert filled.index.held("default", space) == before


def test_commands_bring_a_lost_ledger_back(docmill, ask, folder: Path, home: Path, tmp_path: Path):
    docmill("ingest", folder, "--runner", "library")
    docmill("backup", tmp_path / "ledger.backup")
    for path in home.glob("ledger.db*"):
        path.unlink()
    docmill("restore", tmp_path / "ledger.backup")
    assert ask("status")["collections"][0]["documents"] == 2
    assert ask("rebuild")["documents"] == 2
    assert ask("search", "pump")["hits"]
