"""Runners: the library's, and the platform's where it is installed."""

from pathlib import Path

import pytest

from docmill.batching import form_batches
from docmill.errors import UsageError
from docmill.models import Stage
from docmill.pipeline import Scope
from docmill.plan import make_plan
from docmill.runners import LibraryRunner, find_runner
from docmill.workspace import Workspace
from tests.support import documents, searchable


def test_library_runs_a_batch_here(workspace: Workspace, folder: Path):
    (batch,) = form_batches(workspace, "default", make_plan(workspace, "default", f"file://{folder}/").pending)
    find_runner("library").run(workspace, batch, list(Stage), Scope())
    assert set(searchable(workspace)) == {"pumps.md", "valves.md"}
    outcomes = workspace.ledger.outcomes(each.document_id for each in documents(workspace))
    assert {each.run_id for each in outcomes.values()} == {f"library-{batch}"}


def test_platform_is_taken_where_it_is_installed():
    assert find_runner().name == "dagster"
    assert find_runner("dagster").name == "dagster"


def test_library_is_taken_where_no_platform_is(monkeypatch):
    monkeypatch.setattr("docmill.runners.entry_points", lambda group: [])
    assert isinstance(find_runner(), LibraryRunner)


def test_unknown_runner_is_told():
    with pytest.raises(UsageError, match="There is no runner 'airflow' here"):
        find_runner("airflow")
