"""The service as a whole: keys, errors, ids, limits, health, jobs."""

import asyncio
import base64
import json
import logging
import re
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from docmill.jobs import Job, this_process
from docmill.keys import Keys
from docmill.logs import JsonFormatter, redact
from docmill.service import Context, create_app
from docmill.service.native import native_protocol
from docmill.service.runner import Runner
from docmill.settings import ServiceSettings
from docmill.workspace import Workspace
from tests.service.conftest import echo, echo_protocol
from tests.services import ROOT

JOBS = "/docmill/v1/jobs"


def submit(client: TestClient, **payload: object) -> str:
    return client.post("/echo/submit", json=payload).json()


def test_job_is_done_and_its_result_fetched(client: TestClient):
    job = submit(client, a=1)
    assert client.get(f"{JOBS}/{job}?wait=20").json()["state"] == "done"
    assert client.get(f"{JOBS}/{job}/result").json() == {"a": 1}


def test_failed_job_says_why(client: TestClient):
    job = submit(client, fail="document")
    found = client.get(f"{JOBS}/{job}?wait=20").json()
    assert (found["state"], found["message"], found["hint"]) == ("failed", "The document is damaged.", "Mend it.")
    assert client.get(f"{JOBS}/{job}/result").status_code == 409


def test_bug_in_a_handler_costs_its_job_only(client: TestClient):
    bad, good = submit(client, fail="bug"), submit(client, a=2)
    assert client.get(f"{JOBS}/{good}?wait=20").json()["state"] == "done"
    found = client.get(f"{JOBS}/{bad}?wait=20").json()
    assert found["state"] == "failed"
    assert "secret detail" not in found["message"]


def test_deleted_job_is_gone(client: TestClient):
    job = submit(client, a=3)
    assert client.delete(f"{JOBS}/{job}").status_code == 204
    assert client.get(f"{JOBS}/{job}").status_code == 404


def test_unfinished_job_is_done_by_the_next_start(workspace: Workspace):
    job = workspace.jobs.submit("echo", {"a": 4}, tenant="local")
    with TestClient(create_app(workspace, (native_protocol(), echo_protocol()))) as client:
        assert client.get(f"{JOBS}/{job.job_id}?wait=20").json()["state"] == "done"


def test_end_between_look_and_wait_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    runner, look, looks = Runner(workspace, {"echo": echo}, lambda *_: None), workspace.jobs.find, []
    done: Future[bytes] = Future()
    done.set_result(b"r")

    def look_and_end(job_id: str, tenant: str) -> Job | None:
        looks.append(look(job_id, tenant))
        (taken,) = workspace.jobs.claim(this_process(), {frozenset({"echo"}): 1}, 60)
        runner._ended(taken, 0.0, done)
        return looks[0]

    async def wait() -> Job | None:
        runner._loop = asyncio.get_running_loop()
        return await runner.job(workspace.jobs.add("echo", {}, tenant="local").job_id, "local", 60)

    monkeypatch.setattr(workspace.jobs, "find", look_and_end)
    found = asyncio.run(wait())
    assert [job.state for job in (*looks, found)] == ["queued", "done"]


def test_each_protocol_writes_its_own_errors(client: TestClient):
    assert client.get(f"{JOBS}/nope").json()["error"]["code"] == "not_found"
    assert client.get("/echo/nope", headers={"x-request-id": "r-1"}).text == "not_found r-1"
    assert client.get("/elsewhere").json()["error"]["message"] == "docmill does not serve GET /elsewhere."


def test_fault_tells_no_details(client: TestClient):
    answer = client.get("/echo/fault", headers={"x-request-id": "r-2"})
    assert (answer.status_code, answer.text) == (500, "internal_error r-2")


def test_calls_of_this_machine_need_no_key_until_there_is_one(client: TestClient, workspace: Workspace):
    assert client.get(JOBS).status_code == 200
    secret = Keys(workspace.ledger.database).create("a")
    client.app.state.keys._any = (0.0, False)
    assert client.get(JOBS).status_code == 401
    assert client.get(JOBS, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("form", ["bearer", "basic", "api-key"])
def test_key_is_read_from_the_headers_of_all_clients(client: TestClient, workspace: Workspace, form: str):
    def headers(secret: str) -> dict[str, str]:
        basic = base64.b64encode(f"x:{secret}".encode()).decode()
        forms = {"bearer": ("Authorization", f"Bearer {secret}"), "basic": ("Authorization", f"Basic {basic}")}
        return dict([forms.get(form, ("Api-Key", secret))])

    secret = workspace.keys.create("a")
    assert client.get(JOBS, headers=headers(secret)).status_code == 200
    assert client.get(JOBS, headers=headers("wrong")).status_code == 401


def test_jobs_belong_to_the_key(client: TestClient, workspace: Workspace):
    one, other = ({"Authorization": f"Bearer {workspace.keys.create(name)}"} for name in "ab")
    job = client.post("/echo/submit", json={}, headers=one).json()
    assert client.get(f"{JOBS}/{job}", headers=one).status_code == 200
    assert client.get(f"{JOBS}/{job}", headers=other).status_code == 404


def test_web_pages_are_refused_without_a_key(client: TestClient):
    assert client.get(JOBS, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get(JOBS, headers={"Host": "evil.example"}).status_code == 403


def test_too_large_bodies_and_too_many_requests_are_refused(workspace: Workspace):
    limits = ServiceSettings(max_body_bytes=100, requests_per_minute=2)
    workspace.settings = workspace.settings.model_copy(update={"service": limits})
    with TestClient(create_app(workspace, (native_protocol(), echo_protocol()))) as client:
        assert client.post("/echo/submit", json={"a": "x" * 200}).status_code == 413
        assert client.get(JOBS).status_code == 200
        refused = client.get(JOBS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1


def test_metrics_count_jobs_and_requests(client: TestClient):
    client.get(f"{JOBS}/{submit(client)}?wait=20")
    text = client.get("/metrics").text
    assert 'docmill_jobs{kind="echo",state="done"} 1.0' in text
    assert 'route="/echo/submit"' in text


def test_metrics_and_their_documentation_name_the_same(client: TestClient):
    client.get(f"{JOBS}/{submit(client)}?wait=20")
    told = set(re.findall(r"# TYPE (docmill_\w+) ", client.get("/metrics").text))
    named = set(re.findall(r"^\| `(docmill_\w+)` \|", (ROOT / "docs/http.md").read_text(), re.MULTILINE))
    assert {name for name in told if not name.endswith("_created")} == named


def test_log_lines_carry_the_callers_request_id_and_no_key(client: TestClient, workspace: Workspace, caplog):
    secret = workspace.keys.create("ada")
    with caplog.at_level(logging.INFO, logger="docmill"):
        sent = {"Authorization": f"Bearer {secret}", "x-request-id": "ticket-7"}
        answer = client.get(f"{JOBS}/unknown", headers=sent)
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"] == "ticket-7"
    lines = [JsonFormatter().format(record) for record in caplog.records]
    (line,) = [each for each in map(json.loads, lines) if each.get("request_id") == "ticket-7"]
    assert (line["status"], line["key"]) == (404, "ada")
    assert not any(secret in each for each in lines)


def test_jobs_in_work_at_the_end_are_queued_again(workspace: Workspace):
    """The service waits `shutdown_seconds` for them, not longer."""
    begun, over = threading.Event(), threading.Event()

    def stuck(_: Context) -> bytes:
        begun.set()
        over.wait(30)
        return b"late"

    protocol = replace(echo_protocol(), jobs={"echo": stuck})
    limits = workspace.settings.service.model_copy(update={"shutdown_seconds": 0.2})
    workspace.settings = workspace.settings.model_copy(update={"service": limits})
    with TestClient(create_app(workspace, (native_protocol(), protocol))) as client:
        job = submit(client)
        assert begun.wait(10)
    found = workspace.jobs.find(job)
    over.set()
    assert found is not None
    assert (found.state, found.attempts) == ("queued", 0)


def test_documentation_page_loads_nothing_from_elsewhere(client: TestClient):
    page = client.get("/docs").text
    assert "https://" not in page.replace("https://fastapi", "")


@pytest.mark.parametrize(
    "text",
    ["Authorization: Bearer abc.def", "Basic dXNlcjpwYXNz", '{"api_key": "nvapi-123456"}', "postgresql://u:pw@h/db"],
)
def test_secrets_are_redacted(text: str):
    cleaned = redact(text)
    assert not any(secret in cleaned for secret in ("abc.def", "dXNlcjpwYXNz", "nvapi-123456", ":pw@"))


def test_log_lines_are_json():
    record = logging.makeLogRecord({"name": "docmill", "msg": "request", "levelname": "INFO", "status": 200})
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["status"], line["level"]) == ("request", 200, "info")
