"""Estimates: how many pages, how long."""

from pathlib import Path

import pytest

from docmill.estimate import Estimate, estimate
from docmill.plan import make_plan
from docmill.workspace import Workspace
from tests.services import ROOT
from tests.support import ingest

HANDBOOK = ROOT / "examples/documents/handbook.pdf"


def guess(workspace: Workspace, folder: Path) -> Estimate:
    return estimate(workspace, make_plan(workspace, "default", f"file://{folder}/"))


def test_pages_of_local_files_are_counted(workspace: Workspace, folder: Path):
    (folder / "handbook.pdf").write_bytes(HANDBOOK.read_bytes())
    found = guess(workspace, folder)
    assert (found.pages or 0) > 2
    assert not found.pages_are_estimated
    assert found.seconds is None
    assert found.time_text == "unknown (nothing has been ingested yet)"


def test_time_is_told_from_what_others_took(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    (folder / "third.md").write_text("A third one.")
    found = guess(workspace, folder)
    assert found.pages == 1
    assert found.seconds is not None
    assert found.time_text.startswith("about")


def test_nothing_to_do_is_told(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    assert guess(workspace, folder).time_text == "nothing to do"


def test_unknown_kinds_are_estimated_from_history_or_unknown(workspace: Workspace, folder: Path):
    (folder / "report.docx").write_bytes(b"x" * 10_000)
    assert guess(workspace, folder).pages_text.startswith("unknown")


def test_file_that_vanishes_is_not_counted(workspace: Workspace, folder: Path):
    (folder / "handbook.pdf").write_bytes(HANDBOOK.read_bytes())
    plan = make_plan(workspace, "default", f"file://{folder}/")
    (folder / "handbook.pdf").unlink()
    assert estimate(workspace, plan).pages is None


@pytest.mark.parametrize(
    ("pages", "seconds", "text"),
    [(1, 0.2, "about 1 s"), (9, 89.0, "about 89 s"), (9, 600.0, "about 10 min"), (9, 9000.0, "about 2.5 h")],
)
def test_times_are_for_people(pages: int, seconds: float, text: str):
    assert Estimate(pages, pages_are_estimated=False, seconds=seconds).time_text == text
