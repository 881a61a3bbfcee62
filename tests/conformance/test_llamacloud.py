"""The official, unmodified SDK of LlamaCloud against a real service: Parse, Extract with and without agents, and Index."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest

from tests.conformance.conftest import Service
from tests.services import ROOT


@pytest.mark.timeout(600)
def test_every_step_about_parse_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|parse)\.|^ocr\.parse").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "36 passed, 0 failed"


@pytest.mark.timeout(600)
def test_every_step_about_extract_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|extract|agent)\.").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "31 passed, 0 failed"


@pytest.mark.timeout(300)
def test_the_code_of_the_migration_page_runs(service: Service, client_python: Callable[[str], Path], tmp_path: Path):
    page = (ROOT / "docs/migrate-from-llamacloud.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with pymupdf.open() as made:
        lines = ("Name: Maria Lindqvist", "Email: maria@example.com", "Skills: Python, Rust")
        sheet = made.new_page()
        for number, line in enumerate(lines):
            sheet.insert_text((72, 90 + 24 * number), line)
        made.save(tmp_path / "resume.pdf")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCMILL_")}
    env = {**kept, "LLAMA_CLOUD_BASE_URL": service.url, "LLAMA_CLOUD_API_KEY": service.key}
    command = [client_python("llamacloud"), "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "'skills': ['Python', 'Rust']" in done.stdout
    assert "'matching_text': 'maria@example.com'" in done.stdout


@pytest.mark.timeout(600)
def test_every_step_about_indexes_passes(run_script):
    lines = run_script("llamacloud", only=r"^(project|index)\.").splitlines()
    assert [line for line in lines if line.startswith(("FAIL", "skip"))] == []
    assert lines[-1] == "19 passed, 0 failed"
