"""Files that are sent only to be read are scanned, whichever protocol brings them."""

import base64
import json
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.settings import ScanSettings, ServiceSettings, WorkerLimits
from docmill.workspace import Workspace
from tests.service.test_nv_ingest import fetch, submit
from tests.test_scan import COMMAND

INFECTED = b"City: Bergen. EICAR\n"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    changed = {
        "scan": ScanSettings(command=COMMAND),
        "service": ServiceSettings(job_attempts=1, fetch_wait_seconds=20),
        "workers": WorkerLimits(processes=1),
    }
    workspace.settings = workspace.settings.model_copy(update=changed)
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened


def native(client: TestClient, path: str = "parse", **form: str) -> dict:
    """How a job of docmill's own protocol ended."""
    sent = client.post(f"/docmill/v1/{path}", files={"file": ("a.txt", INFECTED)}, data=form).json()
    found = sent
    while found["state"] in ("queued", "running"):
        found = client.get(f"/docmill/v1/jobs/{sent['job_id']}?wait=30").json()
    return found


def native_records(client: TestClient) -> dict:
    return native(client, "records", schema=json.dumps(SCHEMA))


def nv_ingest(client: TestClient) -> dict:
    return fetch(client, submit(client, INFECTED.decode(), "text", "a.txt"))


def settled(client: TestClient, path: str) -> dict:
    while (found := client.get(path).json())["status"] == "PENDING":
        pass
    return found


def llamacloud_parse(client: TestClient) -> dict:
    job = client.post("/api/v1/parsing/upload", files={"file": ("a.txt", INFECTED)}).json()
    return settled(client, f"/api/v1/parsing/job/{job['id']}")


def llamacloud_extract(client: TestClient) -> dict:
    file = {"data": base64.b64encode(INFECTED).decode(), "mime_type": "text/plain"}
    job = client.post("/api/v1/extraction/run", json={"config": {}, "data_schema": SCHEMA, "file": file}).json()
    return settled(client, f"/api/v1/extraction/runs/by-job/{job['id']}")


def llamacloud_schema(client: TestClient) -> dict:
    file = client.post("/api/v1/files", files={"upload_file": ("a.txt", INFECTED)}).json()
    return client.post("/api/v1/extraction/extraction-agents/schema/generate", json={"file_id": file["id"]}).json()


def retab(client: TestClient) -> dict:
    url = f"data:text/plain;base64,{base64.b64encode(INFECTED).decode()}"
    body = {"document": {"filename": "a.txt", "url": url}, "json_schema": SCHEMA}
    return client.post("/v1/extractions", json=body).json()


@pytest.mark.parametrize(
    "ask", [native, native_records, nv_ingest, llamacloud_parse, llamacloud_extract, llamacloud_schema, retab]
)
def test_infected_file_is_refused_with_the_scanners_word(client: TestClient, ask: Callable[[TestClient], dict]):
    answer = json.dumps(ask(client))
    assert "The scanner found Eicar-Signature" in answer
    assert "Bergen" not in answer


def test_job_waits_for_a_scanner_that_cannot_be_asked_and_reads_nothing(client: TestClient, workspace: Workspace):
    broken = ScanSettings(command="/nowhere/scanner")
    workspace.settings = workspace.settings.model_copy(update={"scan": broken})
    found = native(client)
    assert (found["state"], found["error"]) == ("failed", "SystemicError")
    assert "cannot be asked" in found["message"]
