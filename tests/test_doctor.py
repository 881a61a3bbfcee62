"""The doctor: what is wrong is found and named; what can be mended is."""

from pathlib import Path

from docmill.doctor import examine
from docmill.ledger import Ledger
from docmill.models import Stage
from docmill.workspace import Workspace
from tests.support import again, document, documents, ingest, searchable


def ills(workspace: Workspace) -> list[str]:
    return [each.sentence for each in examine(workspace) if not each.well]


def repair(workspace: Workspace) -> None:
    assert any(each.mended for each in examine(workspace, repair=True))
    assert [each for each in examine(workspace) if each.mended] == []


def test_healthy_workspace_has_no_ills(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    assert ills(workspace) == []


def test_orphans_are_found_and_removed(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    gone = document(workspace, "valves.md").document_id
    workspace.ledger.bury([gone])
    workspace.ledger.forget([gone])
    assert "2 of documents that nobody knows" in " ".join(ills(workspace))
    repair(workspace)
    assert (ills(workspace), set(searchable(workspace))) == ([], {"pumps.md"})


def test_missing_rows_are_found_and_written_again(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    workspace.index.delete("default", workspace.space, list(workspace.index.held("default", workspace.space))[:1])
    assert "other numbers of rows than the ledger says" in " ".join(ills(workspace))
    repair(workspace)
    again(workspace)
    assert (ills(workspace), len(searchable(workspace))) == ([], 2)


def test_batches_that_wait_are_told_with_the_way_on(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    workspace.ledger.drop([(document(workspace, "pumps.md").document_id, Stage.VECTOR_COLLECTION)])
    (found,) = [each for each in examine(workspace) if "not through all stages" in each.sentence]
    assert (found.well, "docmill reconcile -c default" in found.way_out) == (True, True)
    again(workspace)
    assert not any("not through all stages" in each.sentence for each in examine(workspace))


def test_missing_artifact_is_found_and_made_again(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    fingerprint = workspace.fingerprints[Stage.CHUNKS]
    workspace.store.delete(workspace.artifacts.keys[Stage.CHUNKS](document(workspace, "pumps.md"), fingerprint))
    assert "1 of the artifacts that the ledger names are missing." in ills(workspace)
    repair(workspace)
    again(workspace)
    assert ills(workspace) == []


def test_interrupted_deletion_is_found_and_ended(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    workspace.ledger.bury([document(workspace, "pumps.md").document_id])
    assert "The deletion of 1 documents was interrupted." in ills(workspace)
    repair(workspace)
    assert (ills(workspace), set(searchable(workspace))) == ([], {"valves.md"})


def test_lost_ledger_is_rebuilt_and_nothing_is_parsed_again(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    keys = {each.document_id for each in documents(workspace)}
    workspace.ledger.close()
    for path in workspace.settings.folder.glob("ledger.db*"):
        path.unlink()
    workspace.__dict__["ledger"] = Ledger(workspace.settings.ledger)
    assert "The store holds 1 batches that the ledger does not know" in " ".join(ills(workspace))
    repair(workspace)
    assert {each.document_id for each in documents(workspace)} == keys
    before = {info.key: info.modified for info in workspace.store.list("elements/")}
    again(workspace)
    assert {info.key: info.modified for info in workspace.store.list("elements/")} == before
    assert (ills(workspace), len(searchable(workspace))) == ([], 2)


def test_store_that_cannot_be_written_is_told(workspace: Workspace, folder: Path, monkeypatch):
    ingest(workspace, folder)
    monkeypatch.setattr(type(workspace.store), "get", lambda self, key: b"something else")
    assert any("gives back other bytes" in each for each in ills(workspace))
