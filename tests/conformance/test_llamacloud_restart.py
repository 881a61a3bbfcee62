"""The official SDK queues extractions, the service is killed by SIGKILL, and all of them end well after its restart."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from docmill.jobs import JobState
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.services import BIN, ROOT, answers, free_port, process, wait_for

COUNT = 8
QUEUE = f"""
import asyncio, json
from pydantic import BaseModel
from llama_cloud_services import LlamaExtract, SourceText
from llama_cloud import ExtractConfig

class Person(BaseModel):
    name: str
    city: str

lines = "\\n".join(f"Note {{n}}: pump {{n}} was seen in hall {{n % 7}}" for n in range(3000))
texts = [SourceText(text_content=f"Name: Ada Number{{n}}\\nCity: Bergen\\n{{lines}}") for n in range({COUNT})]
jobs = asyncio.run(LlamaExtract(show_progress=False).queue_extraction(Person, ExtractConfig(), texts))
print(json.dumps([job.id for job in jobs]))
"""
FETCH = """
import json, sys, time
from llama_cloud.client import LlamaCloud
import os
client = LlamaCloud(token=os.environ["LLAMA_CLOUD_API_KEY"], base_url=os.environ["LLAMA_CLOUD_BASE_URL"]).llama_extract
found = []
for job in json.loads(sys.argv[1]):
    while client.get_job(job).status == "PENDING":
        time.sleep(0.2)
    run = client.get_run_by_job_id(job_id=job)
    found.append([run.status, (run.data or {}).get("name")])
print(json.dumps(found))
"""


@pytest.mark.timeout(600)
def test_queued_extractions_survive_sigkill(client_python: Callable[[str], Path], tmp_path: Path):
    port, home = free_port(), tmp_path / "home"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCMILL_", "AWS_"))}
    env = kept | {"DOCMILL_HOME": str(home), "DOCMILL_SERVICE__JOBS_AT_ONCE": "1"}
    create = [BIN / "docmill", "keys", "create", "--name", "restart", "--json"]
    made = subprocess.run(create, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    told = env | {"LLAMA_CLOUD_API_KEY": json.loads(made.stdout)["key"]}
    told["LLAMA_CLOUD_BASE_URL"] = f"http://127.0.0.1:{port}"
    serve = [str(BIN / "docmill"), "serve", "--port", str(port)]

    def run(code: str, *arguments: str) -> str:
        command = [client_python("llamacloud"), "-W", "ignore", "-c", code, *arguments]
        done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.splitlines()[-1]

    with process(serve, tmp_path / "first.log", env) as first:
        wait_for(lambda: answers(port), "docmill serve")
        jobs = run(QUEUE)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    workspace = Workspace(Settings(home=home))
    states = [job.state for job in workspace.jobs.find_all(json.loads(jobs)).values()]
    workspace.close()
    assert len(states) == COUNT
    assert JobState.QUEUED in states
    with process(serve, tmp_path / "second.log", env):
        wait_for(lambda: answers(port), "docmill serve once more")
        found = json.loads(run(FETCH, jobs))
    assert found == [["SUCCESS", f"Ada Number{number}"] for number in range(COUNT)]
