"""A real service with a key, and virtual environments with other products' official clients.

The scripts in this folder that are no tests were written against the clients, not against docmill: they are kept as
they were given, and drive whatever BASE_URL names.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.recordings import model_folder
from tests.services import BIN, ROOT, answers, free_port, process, wait_for
from tests.venvs import locked_python

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Service:
    """A running `docmill serve`."""

    url: str
    key: str


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`docmill serve` as an operator starts it, with a speech model."""
    folder, port = tmp_path_factory.mktemp("service"), free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCMILL_", "AWS_"))}
    env = kept | {"DOCMILL_HOME": str(folder / "home"), "DOCMILL_PIPELINE__EXTRACT__SPEECH__MODEL": model_folder()}
    env |= {"DOCMILL_SERVICE__RUNNER": "library"}  # Dagster's batches take ten times as long, and have tests of their own
    made = subprocess.run(
        [BIN / "docmill", "keys", "create", "--name", "conformance", "--json"],
        env=env, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    command = [str(BIN / "docmill"), "serve", "--port", str(port)]
    with process(command, folder / "serve.log", env):
        wait_for(lambda: answers(port), f"docmill serve (log: {folder / 'serve.log'})")
        yield Service(f"http://127.0.0.1:{port}", json.loads(made.stdout)["key"])


@pytest.fixture(scope="session")
def client_python(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """The Python of a virtual environment with what a lock file here names; made once and kept."""

    def make(name: str) -> Path:
        return locked_python(pytestconfig.cache.mkdir(f"{name}-client"), HERE / f"{name}.lock")

    return make


@pytest.fixture
def run_script(service: Service, client_python, tmp_path: Path) -> Callable[..., str]:
    """Runs one of the scripts with its client, or another version of it, against the service; its output.

    `only` and `skip` are for scripts that select so.
    """

    def run(name: str, *steps: str, only: str = "", skip: str = "", client: str = "") -> str:
        env = {"BASE_URL": service.url, "API_KEY": service.key, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        env |= {"TMPDIR": str(tmp_path), "PYTHONWARNINGS": "ignore", "ONLY": only, "SKIP": skip}
        command = [client_python(client or name), HERE / f"{name}.py", *steps]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return run
