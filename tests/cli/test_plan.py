"""`docmill plan`: what an ingest would do, without doing it."""

from pathlib import Path


def test_plan_lists_what_is_new_and_writes_nothing(ask, folder: Path):
    for _ in range(2):
        answer = ask("plan", folder)
        assert answer["new"] == [f"file://{folder}/pumps.md", f"file://{folder}/valves.md"]
        assert (answer["pages"], answer["changed"], answer["gone"], answer["seconds"]) == (2, [], [], None)


def test_plan_of_what_is_done_is_nothing(filled: Path, docmill):
    assert "Estimated time: nothing to do." in docmill("plan", filled / "documents").stdout


def test_name_with_brackets_is_printed_as_it_is(docmill, tmp_path: Path):
    (tmp_path / "a [red] b").mkdir()
    (tmp_path / "a [red] b" / "x.md").write_text("x")
    assert "a [red] b/ → collection" in " ".join(docmill("plan", tmp_path / "a [red] b").stdout.split())
