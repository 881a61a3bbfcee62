"""The job `reindex`: golden questions stand as a check in the UI."""

import json
import os
from pathlib import Path

import dagster as dg
import pytest

from docmill.index.base import Space
from docmill.index.generation import Generation, State
from docmill.settings import load_settings
from docmill.workspace import Workspace
from orchestration.checks import golden_result
from orchestration.jobs import reindex_job
from resources import IndexResource, LedgerResource, ObjectStoreResource, TritonResource, WorkspaceResource
from tests.support import ingest

pytestmark = pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning")  # Dagster's own
CHECK = dg.AssetCheckKey(dg.AssetKey("collection_snapshot"), "golden_questions")


def test_reindex_reports_the_golden_questions(home: Path, folder: Path, tmp_path: Path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("DOCMILL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCMILL_HOME", str(home))
    workspace = Workspace(load_settings())
    ingest(workspace, folder)
    workspace.close()
    golden = tmp_path / "golden.jsonl"
    golden.write_text(json.dumps({"question": "At how many bar does the valve V-3 close?", "document": "valves.md"}))
    monkeypatch.setenv("DOCMILL_GOLDEN_QUESTIONS", str(golden))
    monkeypatch.setenv("DOCMILL_PIPELINE__CHUNK__MAX_TOKENS", "32")
    resource = WorkspaceResource(
        store=ObjectStoreResource(), index=IndexResource(), ledger=LedgerResource(), triton=TritonResource()
    )
    with dg.DagsterInstance.ephemeral() as instance:
        assert reindex_job.execute_in_process(instance=instance, resources={"workspace": resource}).success
        (record,) = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=5)
        evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert evaluation.passed
    assert evaluation.metadata["default"].value["questions"]["after"]["recall@5"] == 1.0


@pytest.mark.parametrize(("state", "passed"), [(State.LIVE, True), (State.REJECTED, False)])
def test_check_is_red_while_the_questions_keep_a_generation_from_use(state: State, passed: bool):
    space = Space("model", 384, "COSINE", "layout", "name")
    report = {"reasons": ["recall@5 falls"], "questions": {"after": {"recall@5": 0.5}}}
    rolled_back = {"reasons": ["it was rolled back"]}
    made = {"collection": "default", "space": space, "created_at": 0.0}
    found = [
        Generation(**made, changed_at=1.0, state=state, report=report),
        Generation(**made, changed_at=2.0, state=State.REJECTED, report=rolled_back),
    ]
    result = golden_result(found)
    assert (result.passed, result.metadata["collections"].value) == (passed, 1)
