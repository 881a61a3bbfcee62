"""The wire protocol of nv-ingest's client, without the client: what it never shows of refusals and codes."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from starlette.testclient import TestClient

from docmill.ingestor.options import tasks_of
from docmill.service import create_app
from docmill.settings import BatchLimits, ServiceSettings, Settings
from docmill.workspace import Workspace


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    limits = ServiceSettings(fetch_wait_seconds=20)
    workspace = Workspace(Settings(home=home, batch=BatchLimits(), workers={"processes": 1}, service=limits))
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened
    workspace.close()


def pdf(*pages: str) -> bytes:
    with pymupdf.open() as document:
        for text in pages:
            document.new_page().insert_text((60, 80), text)
        return document.tobytes()


def specification(content: bytes | str, kind: str = "pdf", name: str = "a.pdf", tasks: list | None = None) -> dict:
    text = content if isinstance(content, str) else base64.b64encode(content).decode()
    payload = {"source_name": [name], "source_id": [name], "content": [text], "document_type": [kind]}
    return {"payload": json.dumps({"job_payload": payload, "job_id": "None", "tasks": tasks or []})}


def submit(client: TestClient, *arguments: object, **options: object) -> str:
    return client.post("/v2/submit_job", json=specification(*arguments, **options)).json()


def fetch(client: TestClient, job: str, version: str = "v2") -> dict:
    for _ in range(10):
        answer = client.get(f"/{version}/fetch_job/{job}")
        if answer.status_code != 202:
            return answer.json()
    raise AssertionError("not done")


def test_job_is_read_through_both_versions_with_the_same_bytes(client: TestClient):
    answer = client.post("/v1/submit_job", json=specification(pdf("Brakes cost 12.50.")))
    job = answer.json()
    assert answer.headers["x-trace-id"] == job.replace("-", "")
    first, second = fetch(client, job, "v1"), fetch(client, job, "v2")
    assert first == second
    assert (first["status"], first["metadata"]["total_pages"]) == ("success", 1)
    assert "12.50" in first["data"][0]["metadata"]["content"]
    assert all(isinstance(value, int) for value in first["trace"].values())


def test_same_bytes_under_two_names_keep_their_names(client: TestClient):
    jobs = [submit(client, pdf("Same."), name=name) for name in ("one.pdf", "two.pdf")]
    names = [fetch(client, job)["data"][0]["metadata"]["source_metadata"]["source_name"] for job in jobs]
    assert names == ["one.pdf", "two.pdf"]


@pytest.mark.parametrize(
    ("content", "kind", "tasks", "why"),
    [
        (b"%PDF-1.7 nothing", "pdf", [], "cannot be opened"),
        (b"x", "cad", [], "not supported"),
        (b"x", "pdf", [{"type": "udf", "task_properties": {"udf_function": "import os"}}], "udf tasks are disabled"),
        (b"x", "pdf", [{"type": "teleport"}], "teleport"),
    ],
)
def test_failures_say_why_and_give_no_data(client: TestClient, content: bytes, kind: str, tasks: list, why: str):
    found = fetch(client, submit(client, content, kind, "a.x", tasks))
    (annotation,) = found["annotations"].values()
    assert (found["status"], found["data"], annotation["task_result"]) == ("failed", [], "FAILURE")
    assert why in annotation["message"]


def test_blank_page_is_no_failure(client: TestClient):
    task = {"type": "extract", "task_properties": {"params": {"text_depth": "page"}}}
    found = fetch(client, submit(client, pdf("", "Words."), tasks=[task]))
    assert [each["metadata"]["content"] for each in found["data"]] == ["", "Words."]
    assert fetch(client, submit(client, pdf("")))["status"] == "success"


def test_encrypted_pdf_says_so(client: TestClient):
    with pymupdf.open() as document:
        document.new_page().insert_text((60, 80), "Secret.")
        data = document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="x", owner_pw="y")
    (annotation,) = fetch(client, submit(client, data))["annotations"].values()
    assert "encrypted" in annotation["message"]


def test_unreadable_bodies_are_refused_with_a_reason(client: TestClient):
    for body in ({"payload": "{}"}, {"payload": "no"}, {}):
        answer = client.post("/v2/submit_job", json=body)
        assert answer.status_code == 422
        assert "specification" in answer.json()["detail"]


def test_unknown_job_is_404_and_draining_is_502(client: TestClient):
    assert client.get("/v2/fetch_job/nope").status_code == 404
    client.app.state.runner.draining = True
    assert client.post("/v2/submit_job", json=specification(b"x")).status_code == 502


def test_busy_callers_are_held_back_not_refused(client: TestClient):
    limits = client.app.state.limits
    limits._per_minute = 600
    limits._buckets["local"] = (time.monotonic(), 0.0)
    assert client.get("/v2/fetch_job/nope").status_code == 404


def test_no_secret_is_kept(client: TestClient, home: Path):
    task = {"type": "embed", "task_properties": {"api_key": "nvapi-verysecret", "dimensions": 8}}
    fetch(client, submit(client, "plain words", "text", "a.txt", [task]))
    assert tasks_of([task]).embed.dimensions == 8
    for path in home.rglob("*"):
        assert not path.is_file() or b"verysecret" not in path.read_bytes()
