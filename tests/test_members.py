"""Members of containers through the pipeline: the index mirrors what the containers hold."""

from pathlib import Path

from docmill.explain import explain
from docmill.models import Stage, Status
from docmill.pipeline import Scope
from tests.making import mail, zipped
from tests.support import again, document, documents, failures, ingest, searchable, worked_on


def put(folder: Path, **files: str) -> None:
    (folder / "x.zip").write_bytes(zipped({name.replace("_", "."): text for name, text in files.items()}))


def keys(workspace) -> set[str]:
    return {each.key for each in documents(workspace) if each.container}


def test_members_are_documents_that_are_found(workspace, folder):
    (folder / "m.eml").write_bytes(mail(notes_md=b"# Notes\n\nThe seal is made of copper.\n").as_bytes())
    ingest(workspace, folder)
    assert "copper" in searchable(workspace)["notes.md"]
    assert document(workspace, "notes.md").source_key == f"file://{folder}/m.eml!/notes.md"


def test_a_member_follows_its_container(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n", b_md="# B\n\nThe second text.\n")
    ingest(workspace, folder)
    put(folder, b_md="# B\n\nThe second text, changed.\n", c_md="# C\n\nThe third text.\n")
    ingest(workspace, folder)
    found = searchable(workspace)
    assert keys(workspace) == {"b.md", "c.md"}
    assert "changed" in found["b.md"]
    assert "a.md" not in found


def test_an_unchanged_member_is_not_read_again(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n")
    ingest(workspace, folder)
    put(folder, a_md="# A\n\nThe first text.\n", b_md="# B\n\nThe second text.\n")
    reports = ingest(workspace, folder)
    assert worked_on(workspace, reports)["extracted_elements"] == {"x.zip", "b.md"}


def test_members_go_with_their_container(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n")
    ingest(workspace, folder)
    (folder / "x.zip").unlink()
    ingest(workspace, folder)
    assert "a.md" not in searchable(workspace)
    assert {each.key for each in documents(workspace)} == {"pumps.md", "valves.md"}


def test_a_bad_member_fails_alone_and_is_retried_alone(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n", bad_docx="PK\3\4 this is no Word file")
    (folder / "y.zip").write_bytes(zipped({"good.md": "# Good\n\nText.\n", "bad.pdf": b"%PDF-1.4 nothing"}))
    ingest(workspace, folder)
    assert failures(workspace)["bad.pdf"].outcome.status is Status.FAILED
    assert failures(workspace)["x.zip"].outcome.status is Status.PARTIAL
    assert "bad.docx" in failures(workspace)["x.zip"].outcome.message
    assert {"a.md", "good.md"} <= set(searchable(workspace))
    bad = failures(workspace)["bad.pdf"].document.document_id
    assert worked_on(workspace, again(workspace, Scope(frozenset({bad}))))["extracted_elements"] == {"bad.pdf"}


def test_the_same_bytes_inside_and_outside_are_parsed_once(workspace, folder):
    put(folder, pumps_md=(folder / "pumps.md").read_text())
    ingest(workspace, folder)
    inside = next(each for each in documents(workspace) if each.container)
    outside = next(each for each in documents(workspace) if each.key == "pumps.md" and not each.container)
    assert inside.version == outside.version
    assert len(list(workspace.store.list(f"elements/{inside.version[:2]}/{inside.version}"))) == 1


def test_a_lost_outcome_of_the_container_brings_its_members_back(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n")
    ingest(workspace, folder)
    container, member = document(workspace, "x.zip"), document(workspace, "a.md")
    workspace.ledger.bury([member.document_id])
    workspace.ledger.drop([(container.document_id, Stage.EXTRACTED_ELEMENTS)])
    again(workspace)
    assert keys(workspace) == {"a.md"}


def test_members_bytes_that_were_lost_are_taken_out_again(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n")
    ingest(workspace, folder)
    kept = f"members/{document(workspace, 'a.md').version[:2]}/{document(workspace, 'a.md').version}"
    workspace.store.delete(kept)
    workspace.ledger.drop([(document(workspace, "x.zip").document_id, Stage.EXTRACTED_ELEMENTS)])
    again(workspace)
    assert workspace.store.head(kept) is not None


def test_a_hit_in_a_member_proves_itself(workspace, folder):
    put(folder, a_md="# A\n\nThe first text.\n")
    ingest(workspace, folder)
    member = document(workspace, "a.md")
    chunk = next(iter(workspace.index.held("default", workspace.space, [member.document_id])))
    proof = explain(workspace, "default", chunk)
    assert proof.proven
    assert "Its member a.md" in proof.steps[0].sentence
    put(folder, a_md="# A\n\nAnother text.\n")
    assert not explain(workspace, "default", chunk).proven
