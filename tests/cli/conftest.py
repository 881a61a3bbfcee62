"""The installed command costs a second a call: what only reads shares one home that was filled once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services import BIN, ROOT

DATA = ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home, and documents of which two failed."""
    place = tmp_path_factory.mktemp("filled")
    documents = place / "documents"
    documents.mkdir()
    (documents / "pumps.md").write_text("# Pumps\n\nThe pump P-7 delivers 12.5 litres a minute.\n")
    (documents / "valves [old].md").write_text("# Valves\n\nThe valve V-3 closes at [/b] 40 bar.\n")
    for name in ("encrypted.pdf", "empty_password.pdf", "png_named.pdf", "truncated.docx"):
        shutil.copy(DATA / name, documents)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCMILL_", "DAGSTER_", "AWS_"))}
    env = kept | {"DOCMILL_HOME": str(place / "home"), "PYTHONPATH": str(ROOT)}
    command = [BIN / "docmill", "ingest", documents, "--runner", "library"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    (place / "stdout").write_text(done.stdout)
    (place / "stderr").write_text(done.stderr)
    (place / "code").write_text(str(done.returncode))
    return place


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The filled home for tests that use it, else an empty one."""
    used = "filled" in request.fixturenames
    return request.getfixturevalue("filled") / "home" if used else tmp_path / "home"
