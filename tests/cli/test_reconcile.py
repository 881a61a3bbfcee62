"""`docmill reconcile` and `docmill doctor`: the collection mirrors what is watched, and says so."""

from pathlib import Path

LIBRARY = ("--runner", "library")


def sources(ask) -> set[str]:
    hits = ask("search", "pump valve pier", "--top-k", "20")["hits"]
    return {hit["source_key"].rpartition("/")[2] for hit in hits}


def test_collection_mirrors_the_folder(ask, folder: Path):
    for name in "abcd":
        (folder / f"{name}.md").write_text(f"Pier {name} is open.")
    ask("ingest", folder, *LIBRARY)
    (folder / "a.md").unlink()
    (folder / "b.md").rename(folder / "renamed.md")
    (folder / "c.md").write_text("Pier c is closed.")
    (folder / "new.md").write_text("Pier 9 is new.")
    assert ask("reconcile", "--force", *LIBRARY)["deleted"] == 2
    assert sources(ask) == {"pumps.md", "valves.md", "renamed.md", "c.md", "d.md", "new.md"}
    assert ask("doctor")["well"]


def test_too_many_deletions_are_refused_until_forced(ask, docmill, folder: Path):
    ask("ingest", folder, *LIBRARY)
    for path in folder.iterdir():
        path.unlink()
    assert "nothing is deleted" in docmill("reconcile", *LIBRARY, code=1).stderr
    assert len(sources(ask)) == 2
    assert ask("reconcile", "--force", *LIBRARY)["deleted"] == 2
    assert sources(ask) == set()


def test_nothing_watched_is_told(docmill):
    assert "No source is watched" in docmill("reconcile", code=1).stderr


def test_doctor_tells_and_mends(ask, docmill, folder: Path, environment):
    ask("ingest", folder, *LIBRARY)
    for path in (Path(environment["DOCMILL_HOME"]) / "store/chunks").rglob("*.zst"):
        path.unlink()
    assert "of the artifacts that the ledger names are missing" in docmill("doctor", code=1).stdout
    assert ask("doctor", "--repair")["well"]
    ask("reconcile", *LIBRARY)
    assert ask("doctor")["well"]
