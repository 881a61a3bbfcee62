"""A real run is killed by SIGKILL at every write of an update; the next run makes all well.

In between, the updated document is searchable in its old or its new version, and its neighbour is untouched.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docmill.index import MilvusIndex
from docmill.models import ChunkKind
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.services import ROOT

OLD = "# Tide\n\nHigh water at Port Ansel is at 04:10 on Monday.\n"
NEW = "# Tide\n\nHigh water at Port Ansel is at 05:35 on Tuesday.\n"
OTHER = "# Fog\n\nThe fog horn sounds twice a minute.\n"
POINTS = [(method, number, when) for method, last in (("record", 5), ("upsert", 1), ("delete", 1)) for number in
          range(1, last + 1) for when in ("before", "after")]  # fmt: skip


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `in` and a home that holds its two documents, of which one has been overwritten since."""
    base = tmp_path_factory.mktemp("kill")
    (base / "in").mkdir()
    (base / "in/tide.md").write_text(OLD)
    (base / "in/fog.md").write_text(OTHER)
    assert run(base, "-m", "docmill.cli", "ingest", str(base / "in"), "--runner", "library").returncode == 0
    assert texts(base) == {OLD_TEXT, OTHER_TEXT}
    (base / "in/tide.md").write_text(NEW)
    return base


def run(base: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"DOCMILL_HOME": str(base / "home"), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], env=env, cwd=base, capture_output=True, text=True, timeout=120)


def texts(base: Path) -> set[str]:
    """The texts of all passages; no row stands twice."""
    workspace = Workspace(Settings(home=base / "home"))
    index = MilvusIndex(workspace.settings.milvus)
    ids = list(index.held("default", workspace.space))
    rows = list(index.rows("default", workspace.space, ids))
    workspace.close()
    assert len(rows) == len({row.text for row in rows})
    return {row.text for row in rows if row.kind is ChunkKind.PASSAGE}


OLD_TEXT, NEW_TEXT, OTHER_TEXT = (text.replace("# ", "").replace("\n\n", "\n").strip() for text in (OLD, NEW, OTHER))


@pytest.mark.parametrize(("method", "number", "when"), POINTS)
def test_killed_update_is_searchable_and_the_next_run_ends_it(
    ingested: Path, tmp_path: Path, method: str, number: int, when: str
):
    shutil.copytree(ingested / "home", tmp_path / "home")
    killed = run(tmp_path, str(ROOT / "tests/faults/killed_ingest.py"), method, str(number), when, str(ingested / "in"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert texts(tmp_path) - {OTHER_TEXT} <= {OLD_TEXT, NEW_TEXT}
    assert texts(tmp_path) - {OTHER_TEXT}
    assert OTHER_TEXT in texts(tmp_path)
    again = run(tmp_path, "-m", "docmill.cli", "ingest", str(ingested / "in"), "--runner", "library")
    assert again.returncode == 0, again.stderr
    assert texts(tmp_path) == {NEW_TEXT, OTHER_TEXT}
