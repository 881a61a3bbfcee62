"""Explain: a hit is proven, or the link that breaks is named."""

from pathlib import Path

import pytest

from docmill.config import ChunkConfig, PipelineConfig
from docmill.errors import UsageError
from docmill.explain import Proof, explain
from docmill.models import Stage
from docmill.pipeline import run_stage
from docmill.retrieve import SearchOptions, search
from docmill.workspace import Workspace
from tests.support import document, ingest


def proof(workspace: Workspace) -> Proof:
    (hit, *_) = search(workspace, "valve V-3", collection="default")
    return explain(workspace, "default", hit.chunk_id)


def broken(found: Proof) -> str:
    return " ".join(step.sentence for step in found.steps if not step.holds)


def test_hit_is_proven_down_to_its_elements(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    found = proof(workspace)
    assert found.proven
    assert len(found.steps) == 3
    assert [element.text for element in found.elements] == ["Valves", "The valve V-3 closes at 40 bar."]
    assert [outcome.stage for outcome in found.outcomes] == list(Stage)
    assert {outcome.run_id for outcome in found.outcomes} == {"test"}


def test_boiler_plate_is_found_once_and_told(workspace: Workspace, folder: Path):
    """A disclaimer under every letter is one hit of many, and never told of where the caller sees nothing."""
    said = (
        "This letter is for its addressee alone. Whoever gets it by mistake is asked to tell the sender and delete it."
    )
    for name in ("ada", "ben", "cem", "dan"):
        (folder / f"{name}.md").write_text(f"# Letter\n\n{said}\n")
    (folder / "dan.md.meta.json").write_text('{"access": ["board"]}')
    (folder / "hint.md").write_text("# Hint\n\nA letter that was delivered to another addressee goes to the porter.\n")
    ingest(workspace, folder)
    hits = search(workspace, "letter by mistake to another addressee", collection="default")
    (once,) = [hit for hit in hits if hit.text.endswith(said)]
    assert "hint.md" in {hit.source_key.rpartition("/")[2] for hit in hits}
    found = explain(workspace, "default", once.chunk_id)
    names = sorted(key.rpartition("/")[2] for key in (once.source_key, *found.also_in))
    assert names == ["ada.md", "ben.md", "cem.md"]
    assert set(found.also_in) == set(once.also_in)
    seen = explain(workspace, "default", once.chunk_id, frozenset({"board"}))
    assert len(seen.also_in) == 3
    assert proof(workspace).also_in == ()


def test_changed_object_breaks_the_proof(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    (folder / "valves.md").write_text("Something else.")
    found = proof(workspace)
    assert not found.proven
    assert "has changed since it was read" in broken(found)


def test_deleted_object_breaks_the_proof(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    (folder / "valves.md").unlink()
    assert "is not there any more" in broken(proof(workspace))


def test_newer_version_breaks_the_proof(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    valves = document(workspace, "valves.md")
    workspace.ledger.set_version(valves.document_id, "f" * 64, "text/markdown", valves.etag, 1)
    assert "has a newer version" in broken(proof(workspace))


def test_missing_artifact_breaks_the_proof(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    for info in list(workspace.store.list("elements/")):
        workspace.store.delete(info.key)
    assert "An artifact is missing" in broken(proof(workspace))


def test_chunk_that_is_made_anew_breaks_the_proof(workspace: Workspace, folder: Path):
    """The collection still holds the second chunk of the old settings, the stored chunks are one only."""
    (folder / "valves.md").write_text("The gasket is of rubber. " * 30 + "The valve V-3 closes at 40 bar.")
    small = PipelineConfig(chunk=ChunkConfig(max_tokens=32, overlap_tokens=0))
    first = Workspace(
        workspace.settings.model_copy(update={"pipeline": small}), index=workspace.index, embedder=workspace.embedder
    )
    ingest(first, folder)
    run_stage(workspace, Stage.CHUNKS, workspace.ledger.batches()[-1].batch)
    found = proof(workspace)
    assert not found.proven
    assert "do not hold it" in broken(found)
    first.close()


def test_other_text_than_the_stored_breaks_the_proof(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    valves = document(workspace, "valves.md")
    chunks = workspace.artifacts.chunks(valves, workspace.fingerprints[Stage.CHUNKS])
    forged = [chunks[0].model_copy(update={"text": "The valve closes at 90 bar."})]
    workspace.artifacts.put_chunks(valves, workspace.fingerprints[Stage.CHUNKS], forged)
    assert "letter for letter" in broken(proof(workspace))


def test_orphan_is_told(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    workspace.ledger.bury([document(workspace, "valves.md").document_id])
    assert "an orphan" in broken(proof(workspace))


def test_hit_that_the_caller_may_not_see_is_not_explained(workspace: Workspace, folder: Path):
    (folder / "valves.md.meta.json").write_text('{"access": ["hr"]}')
    ingest(workspace, folder)
    options = SearchOptions(access=frozenset({"hr"}))
    (hit, *_) = search(workspace, "valve V-3", collection="default", options=options)
    with pytest.raises(UsageError, match="that you may see"):
        explain(workspace, "default", hit.chunk_id)
    assert explain(workspace, "default", hit.chunk_id, frozenset({"hr"})).proven


def test_unknown_chunk_is_told(workspace: Workspace):
    with pytest.raises(UsageError, match="holds no chunk 'nothing'"):
        explain(workspace, "default", "nothing")
