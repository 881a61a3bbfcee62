"""Pruning: what nothing refers to goes, everything else stays."""

import os
from pathlib import Path

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
