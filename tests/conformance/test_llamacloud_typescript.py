"""The official, unmodified TypeScript SDK of LlamaCloud against a real service."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conformance.conftest import HERE, Service
from tests.venvs import locked_node_modules, node


@pytest.mark.timeout(600)
def test_every_step_passes(service: Service, pytestconfig: pytest.Config, tmp_path: Path):
    folder = locked_node_modules(pytestconfig.cache.mkdir("llamacloud-npm")).parent
    env = {"BASE_URL": service.url, "API_KEY": service.key, "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    command = [node(folder), HERE / "llamacloud.mjs"]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=500, check=False)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == [], done.stderr[-2000:]
    assert lines[-1] == "20 passed, 0 failed"
