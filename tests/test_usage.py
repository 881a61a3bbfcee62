"""What work cost: summed by batch and stage, shared out over documents, kept when documents go."""

import json
from pathlib import Path

import pytest

from docmill.batching import form_batches
from docmill.ledger import Ledger
from docmill.models import Stage
from docmill.pipeline import Scope, delete_documents, run_batch
from docmill.plan import make_plan
from docmill.usage import Spent, Usage, shares
from docmill.workspace import Workspace
from tests.conftest import Run


def worked_on(workspace: Workspace, folder: Path) -> str:
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    run_batch(workspace, batch)
    return batch


def test_sums_grow_and_are_given_by_group(ledger_url: str):
    ledger = Ledger(ledger_url)
    usage = Usage(ledger.database)
    usage.add("a", "b1", "raw_documents", Spent(documents=2, bytes=10, cpu_seconds=0.5))
    usage.add("a", "b1", "raw_documents", Spent(documents=1, failed=1, bytes=5, cpu_seconds=0.25))
    usage.add("a", "b1", "chunks", Spent(documents=2, tokens=7, cpu_seconds=1.0))
    usage.add("c", "b2", "chunks", Spent(documents=1, gpu_seconds=2.0))
    (a, c) = usage.by("collection")
    assert (a.name, a.spent) == ("a", Spent(documents=3, failed=1, bytes=15, tokens=7, cpu_seconds=1.75))
    assert (c.name, c.spent.gpu_seconds) == ("c", 2.0)
    assert {row.name: row.spent.documents for row in usage.by("stage")} == {"raw_documents": 3, "chunks": 3}
    assert [row.name for row in usage.by("batch", collection="a")] == ["b1"]
    assert usage.by("collection", since="2999-01-01") == []
    ledger.close()


def test_batch_is_accounted_for_stage_by_stage(workspace: Workspace, folder: Path):
    worked_on(workspace, folder)
    stages = {row.name: row.spent for row in workspace.usage.by("stage")}
    assert set(stages) == {stage.value for stage in Stage}
    assert stages["raw_documents"].bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert stages["chunks"].tokens > 0
    assert stages["extracted_elements"].cpu_seconds > 0  # of the worker processes
    (whole,) = workspace.usage.by("collection")
    assert whole.spent.cpu_seconds == pytest.approx(sum(each.cpu_seconds for each in stages.values()))
    outcomes = workspace.ledger.outcomes(each.document_id for each in workspace.ledger.documents("default")).values()
    read = [each.cpu_seconds for each in outcomes if each.stage is Stage.EXTRACTED_ELEMENTS]
    assert sum(read) == pytest.approx(stages["extracted_elements"].cpu_seconds, rel=0.2, abs=0.01)


def test_what_was_spent_stays_when_work_is_done_again_and_documents_go(workspace: Workspace, folder: Path):
    batch = worked_on(workspace, folder)
    (before,) = workspace.usage.by("collection")
    run_batch(workspace, batch)
    assert workspace.usage.by("collection") == [before]  # nothing was to do
    run_batch(workspace, batch, scope=Scope(force=True))
    delete_documents(workspace, "default", [each.document_id for each in workspace.ledger.documents("default")])
    (after,) = workspace.usage.by("collection")
    assert after.spent.documents == 2 * before.spent.documents


def test_shares_add_up():
    assert shares(6.0, [1.0, 2.0]) == [2.0, 4.0]
    assert shares(6.0, [0.0, 0.0]) == [3.0, 3.0]
    assert shares(6.0, []) == []


def test_command_tells_of_collections_and_documents(docmill: Run, folder: Path):
    docmill("ingest", folder, "--runner", "library")
    (row,) = json.loads(docmill("usage", "--json").stdout)["rows"]
    assert (row["collection"], row["documents"]) == ("default", 2)
    assert row["cpu_seconds"] > 0
    stages = docmill("usage", "--by", "stage").stdout
    assert stages.index("raw_documents") < stages.index("chunks") < stages.index("vector_collection")
    hit = json.loads(docmill("search", "pump", "--json").stdout)["hits"][0]
    told = json.loads(docmill("usage", "--document", hit["document_id"], "--json").stdout)
    assert [each["stage"] for each in told["stages"]] == [stage.value for stage in Stage]
    assert "by 'week'" in docmill("usage", "--by", "week", code=1).stderr
