"""docs/http.md names every route of docmill's own API, nv-ingest's and LlamaCloud's; docs/ingestor.md's code runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

from docmill import Ingestor
from tests.services import ROOT

HTTP = (ROOT / "docs/http.md").read_text(encoding="utf-8")
INGESTOR = (ROOT / "docs/ingestor.md").read_text(encoding="utf-8")


def test_every_route_is_documented_and_every_documented_route_is_there(client: TestClient):
    from docmill.service import create_app

    paths = create_app(client.app.state.workspace).openapi()["paths"]
    ours = ("/docmill/", "/v1/submit", "/v2/submit", "/v1/fetch", "/v2/fetch", "/v1/health", "/health", "/metrics")
    ours += ("/api/v1/", "/api/v2/")
    there = {
        f"{verb.upper()} {path}".replace(":path}", "}")
        for path, verbs in paths.items()
        for verb in verbs
        if path.startswith(ours)
    }
    documented = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]+)`", HTTP))
    assert documented - {"GET /"} == there


def test_every_call_is_documented():
    calls = [name for name in dir(Ingestor) if not name.startswith("_")]
    undocumented = {"load", "all_tasks", "store_embed", "pdf_split_config", "cancelled_jobs"}
    assert [name for name in calls if name not in INGESTOR and name not in undocumented] == []


def test_snippets_run(tmp_path: Path):
    """All in one process and home: each alone would load the model anew."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    snippets = re.findall(r"```python\n(.*?)```", INGESTOR, re.DOTALL)
    code = "\n".join(f"print('snippet {number}')\n{snippet}" for number, snippet in enumerate(snippets))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCMILL_")}
    env = kept | {"DOCMILL_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "DOCMILL_WORKERS__PROCESSES": "1"}
    env |= {"DOCMILL_PIPELINE__EXTRACT__MODE": "fast"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(snippets) == 5
    assert re.findall(r"snippet \d\n\S", done.stdout), done.stdout
