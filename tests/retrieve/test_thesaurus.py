"""What documents say for what is asked."""

from pathlib import Path

import pytest

from docmill.errors import UsageError
from docmill.retrieve import SearchMode, SearchOptions, search
from docmill.retrieve.thesaurus import Entry, said_for, thesaurus
from docmill.workspace import Workspace
from tests.support import ingest


@pytest.mark.parametrize(("question", "said"), [
    ("What is the quick ratio?", "total current liabilities"),
    ("Look into the P&L statement.", "consolidated statements of operations"),
    ("How have Capital Expenditures developed?", "purchases of property, plant and equipment"),
])  # fmt: skip
def test_accounting_terms_bring_what_reports_say(question: str, said: str):
    assert said in said_for(question, thesaurus(None), "english")


def test_other_questions_are_left_as_they_are():
    assert said_for("At how many bar does the valve V-3 close?", thesaurus(None), "english") == ()


def test_phrases_match_whole_and_by_their_stems():
    entries = [Entry(("brake kit",), ("pads and discs",))]
    assert said_for("Which brake kits are there?", entries, "english") == ("pads and discs",)
    assert said_for("Which kit has a brake?", entries, "english") == ()


def test_search_finds_what_the_own_thesaurus_says(workspace: Workspace, folder: Path, tmp_path: Path):
    own = tmp_path / "own.psv"
    own.write_text("asked|said\nstop cock; shut-off|valve\n")
    settings = workspace.settings.model_copy(update={"thesaurus": own})
    opened = Workspace(settings, index=workspace.index, embedder=workspace.embedder)
    ingest(opened, folder)

    def found(**options: bool) -> list[str]:
        asked = SearchOptions(**options)
        hits = search(opened, "shut-off", collection="default", mode=SearchMode.SPARSE, options=asked)
        return [hit.source_key.rpartition("/")[2] for hit in hits]

    assert (found(), found(expand=False)) == (["valves.md"], [])
    opened.close()


@pytest.mark.parametrize(("text", "told"), [
    ("valve|cock\n", "does not begin"),
    ("asked|said\nvalve\n", "Line 2 of the thesaurus"),
])  # fmt: skip
def test_wrong_thesaurus_is_named(tmp_path: Path, text: str, told: str):
    path = tmp_path / "own.psv"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        thesaurus(path)
    with pytest.raises(UsageError, match="cannot be read"):
        thesaurus(tmp_path / "nothing.psv")
