"""Status: how a collection stands."""

from pathlib import Path

from docmill.index import Row
from docmill.inference.memory import HashEmbedder
from docmill.models import Stage
from docmill.pipeline import run_stage
from docmill.retrieve import search
from docmill.status import collection_status, collection_statuses
from docmill.workspace import Workspace
from tests.services import ROOT
from tests.support import again, ingest

TRUNCATED = ROOT / "tests" / "data" / "truncated.docx"


def test_documents_are_counted_by_what_became_of_them(workspace: Workspace, folder: Path):
    (folder / "truncated.docx").write_bytes(TRUNCATED.read_bytes())
    ingest(workspace, folder)
    found = collection_status(workspace, "default")
    assert (found.documents, found.searchable, found.failed, found.pending, found.partial) == (3, 2, 1, 0, 0)
    assert found.rows == found.expected_rows == 4
    assert found.orphans == 0


def test_changed_document_is_pending_until_it_is_done(workspace: Workspace, folder: Path):
    from docmill.batching import form_batches
    from docmill.plan import make_plan

    ingest(workspace, folder)
    (folder / "pumps.md").write_text("Another text.")
    plan = make_plan(workspace, "default", f"file://{folder}/")
    (batch,) = form_batches(workspace, "default", plan.pending)
    run_stage(workspace, Stage.RAW_DOCUMENTS, batch)
    found = collection_status(workspace, "default")
    assert (found.searchable, found.pending) == (1, 1)


def test_rows_of_nobody_are_orphans(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    vector = workspace.embedder.embed(["x"]).vectors[0].tolist()
    workspace.index.upsert("default", workspace.space, [Row("o", "nobody", "v", "f", 0, "s3://b/x", "x", vector)])
    assert collection_status(workspace, "default").orphans == 1


def test_every_collection_is_told(workspace: Workspace, folder: Path):
    assert collection_statuses(workspace) == []
    ingest(workspace, folder)
    assert [each.collection for each in collection_statuses(workspace)] == ["default"]


def test_complete_new_space_takes_the_old_ones_place(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    other = Workspace(workspace.settings, index=workspace.index, embedder=HashEmbedder(dimensions=64))
    assert other.index.live("default") == workspace.space.digest != other.space.digest
    again(other)
    assert other.index.live("default") == other.space.digest
    found = search(other, "pump", collection="default")
    assert found[0].fingerprint == other.fingerprints[Stage.EMBEDDINGS]
    other.close()
