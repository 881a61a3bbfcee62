"""A change of settings builds a generation beside the live one, is checked, swaps in, and can be taken back."""

import json
import threading
from pathlib import Path

import pytest

from docmill.config import ChunkConfig, IndexConfig, PipelineConfig
from docmill.doctor import examine
from docmill.errors import UsageError
from docmill.generations import drop_expired, roll_back
from docmill.index import MilvusIndex
from docmill.index.generation import State
from docmill.pipeline import delete_documents, run_batch
from docmill.reindex import reindex
from docmill.retrieve import search
from docmill.status import collection_status
from docmill.workspace import Workspace
from tests.support import document, ingest

QUESTION = "At how many bar does the valve V-3 close?"
SMALL = ChunkConfig(max_tokens=32)


def other(workspace: Workspace, *, chunk: ChunkConfig = SMALL, **changed) -> Workspace:
    """A workspace with other chunk settings on the same home and index."""
    settings = workspace.settings.model_copy(update={"pipeline": PipelineConfig(chunk=chunk), **changed})
    return Workspace(settings, index=workspace.index, embedder=workspace.embedder)


def rebuilt(workspace: Workspace, **options):
    return reindex(workspace, "default", lambda batch: run_batch(workspace, batch), **options)


def questions(path: Path, document: str) -> Path:
    path.write_text(json.dumps({"question": QUESTION, "document": document}))
    return path.rename(path.with_suffix(".jsonl"))


def test_reindex_swaps_and_roll_back_swaps_back(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    changed = other(workspace)
    before = workspace.index.live("default")
    assert rebuilt(changed).passed
    assert workspace.index.live("default") == changed.space.digest != before
    earlier, left = roll_back(changed, "default")
    assert (
        (earlier.digest, left.digest)
        == (before, changed.space.digest)
        == (
            workspace.index.live("default"),
            changed.space.digest,
        )
    )
    assert search(changed, "valve", collection="default")[0].source_key.endswith("valves.md")
    changed.close()


def test_rolled_back_generation_comes_back_by_force_only(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    changed = other(workspace)
    rebuilt(changed)
    earlier, _ = roll_back(changed, "default")
    assert "rolled back" in rebuilt(changed).reasons[0]
    assert workspace.index.live("default") == earlier.digest
    rebuilt(changed, force=True)
    assert workspace.index.live("default") == changed.space.digest
    changed.close()


def test_after_a_roll_back_status_and_doctor_tell_that_new_documents_are_not_found(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    changed = other(workspace)
    rebuilt(changed)
    assert collection_status(changed, "default").unsearched == ""
    roll_back(changed, "default")
    assert "what is ingested now is not found" in collection_status(changed, "default").unsearched
    (ill,) = [each for each in examine(changed) if not each.well]
    assert ("rolled back" in ill.sentence, "Bring back the former settings" in ill.way_out) == (True, True)
    assert collection_status(workspace, "default").unsearched == ""
    changed.close()


def test_nothing_to_go_back_to_is_told(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    with pytest.raises(UsageError, match="no generation to go back to"):
        roll_back(workspace, "default")


def test_worse_answers_keep_a_generation_from_use(workspace: Workspace, folder: Path, tmp_path: Path, monkeypatch):
    """The new generation's rows are spoiled: all but the one that is asked for are near to the question."""
    for number in range(12):
        (folder / f"note{number}.md").write_text(f"# Note {number}\n\nNothing of use stands here.\n")
    ingest(workspace, folder)
    before = workspace.index.live("default")
    changed = other(workspace, golden_questions=questions(tmp_path / "golden.json", "valves.md"))
    embed = type(changed.embedder).embed

    def spoiled(self, texts, *, query=False):
        told = texts if query else ["far away" if "V-3" in text else QUESTION for text in texts]
        return embed(self, told, query=query)

    def run(batch: str) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("docmill.stages.vector_collection.analyzed", lambda text, language: "nothing")
            patched.setattr(type(changed.embedder), "embed", spoiled)
            run_batch(changed, batch)

    assert not reindex(changed, "default", run).passed
    assert workspace.index.live("default") == before
    rejected = changed.ledger.generation("default", changed.space.digest)
    assert rejected.state is State.REJECTED
    assert "recall@10 of the golden questions falls from 1.000 to 0.000" in " ".join(rejected.report["reasons"])
    changed.close()


def test_deleted_documents_do_not_come_back_by_a_roll_back(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    changed = other(workspace)
    rebuilt(changed)
    delete_documents(changed, "default", [document(workspace, "valves.md").document_id])
    roll_back(changed, "default")
    assert {hit.source_key.rpartition("/")[2] for hit in search(workspace, "valve bar", collection="default")} == {
        "pumps.md"
    }
    changed.close()


def test_replaced_generation_is_dropped_after_the_time_of_grace(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    before = workspace.space.digest
    changed = other(workspace)
    rebuilt(changed)
    assert drop_expired(changed, "default") == []
    soon = max(each.changed_at for each in changed.ledger.generations("default")) + 25 * 3600
    assert drop_expired(changed, "default", now=soon) == [before]
    assert workspace.index.digests("default") == [changed.space.digest]
    changed.close()


def test_searches_during_a_reindex_neither_fail_nor_see_a_mixture(workspace: Workspace, folder: Path, tmp_path: Path):
    """On Milvus Lite, with a searcher that asks all the time; every answer is of one generation alone."""
    for number in range(6):
        (folder / f"note{number}.md").write_text(
            f"# Note {number}\n\nThe valve of note {number} closes at {number} bar.\n"
        )
    index = MilvusIndex(str(tmp_path / "index.db"), config=IndexConfig())
    opened = Workspace(workspace.settings, index=index, embedder=workspace.embedder)
    ingest(opened, folder)
    changed, seen, stop = other(opened), [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append({hit.fingerprint for hit in search(opened, "valve closes bar", collection="default", top_k=8)})

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert rebuilt(changed).passed
    finally:
        stop.set()
        asking.join()
    after = {hit.fingerprint for hit in search(opened, "valve closes bar", collection="default", top_k=8)}
    assert seen
    assert all(len(each) == 1 for each in [*seen, after])
    assert after.isdisjoint(seen[0])
    changed.close()
    opened.close()
