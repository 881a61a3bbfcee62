"""The installed command costs seconds a call, most of them imports: so most tests call its `main` in this process.

What needs a process of its own (signals, limits, another environment for the workers) takes the fixture `installed`.
What only reads shares one home that was filled once, by the installed command.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from docmill.cli import main
from docmill.inference.onnx_embedder import OnnxEmbedder
from tests.conftest import Run
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
def installed(docmill_command: Run) -> Run:
    """Runs the installed command as a user does."""
    return docmill_command


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxEmbedder:
    """The real model, loaded once."""
    return OnnxEmbedder(tmp_path_factory.mktemp("models"))


@pytest.fixture
def docmill(
    environment, model: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the command's `main` in this process, in the environment of a user's shell."""
    monkeypatch.setattr("docmill.inference.onnx_embedder.OnnxEmbedder", lambda home, precision: model)

    def run(*arguments: str | Path, code: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("DOCMILL_", "DAGSTER_", "AWS_"))]:
                patch.delenv(name)
            for name, value in ({"DOCMILL_HOME": environment["DOCMILL_HOME"]} | env).items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["docmill", *map(str, arguments)])
            patch.chdir(ROOT)
            with pytest.raises(SystemExit) as end:
                main()
        out, err = capsys.readouterr()
        done = subprocess.CompletedProcess(arguments, int(end.value.code or 0), out, err)
        assert code is None or done.returncode == code, out + err
        return done

    return run


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The filled home for tests that use it, else an empty one."""
    used = "filled" in request.fixturenames
    return request.getfixturevalue("filled") / "home" if used else tmp_path / "home"
