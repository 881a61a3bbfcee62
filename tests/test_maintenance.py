"""Pruning: what nothing refers to goes, everything else stays."""

import os
from pathlib import Path

from docmill.extract.pdf.engine import pymupdf
from docmill.maintenance import prune
from docmill.workspace import Workspace
from tests.support import again, ingest, searchable, worked_on


def keys(workspace: Workspace) -> set[str]:
    return {info.key for info in workspace.store.list() if not info.key.startswith("batches/")}


def age(workspace: Workspace, days: float) -> None:
    """Every artifact was written that many days earlier."""
    for path in Path(workspace.settings.folder, "store").rglob("*"):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - days * 86_400))


def test_home_that_was_never_used_has_nothing_to_prune(workspace: Workspace):
    assert prune(workspace, days=0).artifacts == 0


def test_artifacts_in_use_stay(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    before = keys(workspace)
    age(workspace, 400)
    assert prune(workspace, days=30).artifacts == 0
    assert keys(workspace) == before


def test_old_artifacts_of_nobody_go(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    (folder / "valves.md").unlink()
    ingest(workspace, folder)
    assert prune(workspace, days=30).artifacts == 0
    age(workspace, 31)
    assert prune(workspace, days=30).artifacts == 3
    assert set(searchable(workspace)) == {"pumps.md"}
    assert worked_on(workspace, again(workspace)) == {}


def test_empty_batches_go_once_they_are_old(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    for name in ("pumps.md", "valves.md"):
        (folder / name).write_text(f"{name} was changed.")
    ingest(workspace, folder)
    first, second = (each.batch for each in workspace.ledger.batches())
    assert prune(workspace, days=1).batches == ()
    assert prune(workspace, days=0).batches == (first,)
    assert [each.batch for each in workspace.ledger.batches()] == [second]


def test_pictures_go_with_the_last_document_that_shows_them(workspace: Workspace, folder: Path):
    for name in ("one.pdf", "two.pdf"):
        (folder / name).write_bytes(with_picture(name))
    ingest(workspace, folder)
    crops = [info.key for info in workspace.store.list("crops/")]
    assert len(crops) == 1
    age(workspace, 31)
    (folder / "one.pdf").unlink()
    ingest(workspace, folder)
    assert prune(workspace, days=30).crops == 0
    (folder / "two.pdf").unlink()
    ingest(workspace, folder)
    age(workspace, 31)
    assert prune(workspace, days=30).crops == 1
    assert [info.key for info in workspace.store.list("crops/")] == []


def with_picture(title: str) -> bytes:
    """A PDF with the same figure whatever its title."""
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((72, 60, 500, 200), f"This is {title}. " + "The figure below shows a red square. " * 9)
    page.draw_rect((100, 300, 300, 500), fill=(1, 0, 0))
    for x in (110, 150, 200):
        page.draw_circle((x, 400), 30, fill=(0, 0, 1))
    return bytes(made.tobytes())
