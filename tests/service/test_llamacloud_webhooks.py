"""What LlamaCloud's clients are told of their jobs, as a receiver sees it, and what may be named as one."""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.settings import BatchLimits, ServiceSettings, Settings
from docmill.workspace import Workspace
from tests.receiver import Receiver, receiving
from tests.services import wait_for

CONFIGS = "/api/v1/beta/webhook-configs"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
SECRET = "a-signing-secret-of-mine"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("webhooks")
    limits = ServiceSettings(hold_seconds=20)
    settings = Settings(
        home=home, batch=BatchLimits(), workers={"processes": 1}, service=limits, fetch_allow="127.0.0.0/8"
    )
    workspace = Workspace(settings)
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened
    workspace.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def upload(client: TestClient, text: bytes = b"City: Bergen", **fields: str) -> str:
    answer = client.post("/api/v1/parsing/upload", files={"file": ("a.txt", text)}, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def told(receiver: Receiver, count: int) -> list[dict]:
    wait_for(lambda: len(receiver.got) >= count, f"{count} messages", 300)
    return [json.loads(body) for _, body in receiver.got]


def configured(receiver: Receiver, **more: object) -> str:
    return json.dumps([{"webhook_url": receiver.url, "webhook_output_format": "json", **more}])


def deliveries(client: TestClient) -> list[dict]:
    jobs = client.get("/docmill/v1/jobs?limit=1000").json()
    return [each for each in jobs if each["kind"] == "llamacloud_webhook"]


def test_events_of_a_parse_name_the_job_with_the_clients_headers_and_signature(client, receiver, caplog):
    with caplog.at_level(logging.DEBUG):
        headers = {"Authorization": "Bearer my-own-token", "Content-Length": "3"}
        given = configured(receiver, webhook_headers=headers, webhook_signing_secret=SECRET)
        job = upload(client, webhook_configurations=given)
        messages = told(receiver, 2)
    assert {each["event_type"] for each in messages} == {"parse.pending", "parse.success"}
    assert all(each["data"] == {"id": job, "job_id": job} for each in messages)
    for (sent, body), message in zip(receiver.got, messages, strict=True):
        assert sent["authorization"] == "Bearer my-own-token"
        assert sent["x-webhook-event-id"] == message["event_id"]
        assert sent["x-webhook-event-type"] == message["event_type"]
        assert sent["lc-signature"] == f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"
    assert SECRET not in caplog.text
    assert "my-own-token" not in caplog.text
    workspace = client.app.state.workspace
    payloads = json.dumps([each.payload for each in workspace.jobs.newest()])
    assert receiver.url not in payloads
    assert "my-own-token" not in payloads
    wait_for(
        lambda: not [each for each in workspace.store.list("jobs/") if each.key.endswith("/target")], "no secrets left"
    )


def test_string_is_the_format_where_none_is_named_and_only_wanted_events_are_told(client, receiver):
    given = [{"webhook_url": receiver.url, "webhook_events": ["parse.error"]}]
    upload(client, webhook_configurations=json.dumps(given))
    job = upload(client, b"%PDF-1.7 this is no PDF", webhook_configurations=json.dumps(given))
    (text,) = told(receiver, 1)
    message = json.loads(text)
    assert (message["event_type"], message["data"]["job_id"]) == ("parse.error", job)
    wait_for(lambda: all(each["state"] == "done" for each in deliveries(client)), "all are settled", 300)
    assert len(receiver.got) == 1


def test_the_older_form_is_told_the_result_itself(client, receiver):
    job = upload(client, webhook_url=receiver.url)
    (message,) = told(receiver, 1)
    assert (message["job_id"], message["status"], message["images"]) == (job, "SUCCESS", [])
    assert "City: Bergen" in message["txt"]
    assert "City: Bergen" in message["md"]
    assert message["json"][0]["page"] == 1


def test_message_is_told_again_under_its_id_until_it_is_taken(client, receiver):
    receiver.answers = [503]
    upload(client, webhook_configurations=configured(receiver, webhook_events=["parse.success"]))
    first, second = told(receiver, 2)
    assert first == second


def test_refusal_is_a_failed_job_that_names_the_host_alone(client, receiver):
    receiver.answers = [410]
    address = f"{receiver.url}?token=my-hidden-token"
    given = [{"webhook_url": address, "webhook_events": ["parse.pending"]}]
    upload(client, webhook_configurations=json.dumps(given))
    wait_for(lambda: [each for each in deliveries(client) if each["state"] == "failed"], "the failed job", 300)
    (job,) = [each for each in deliveries(client) if each["state"] == "failed"]
    assert job["message"] == "127.0.0.1 answered with HTTP 410."
    assert "my-hidden-token" not in json.dumps(job)


def test_events_of_extractions_are_told(client, receiver):
    given = json.loads(configured(receiver, webhook_events=["extract.success", "parse.success"]))
    body = {"data_schema": SCHEMA, "text": "City: Bergen", "webhook_configurations": given}
    job = client.post("/api/v1/extraction/run", json=body).json()["id"]
    (message,) = told(receiver, 1)
    assert (message["event_type"], message["data"]["job_id"]) == ("extract.success", job)


def test_newer_sdk_names_saved_configurations_whose_secret_is_never_answered(client, receiver):
    given = {"webhook_url": receiver.url, "webhook_output_format": "json", "webhook_signing_secret": SECRET}
    made = client.post(CONFIGS, json=given).json()
    assert (made["has_secret"], made["webhook_events"], made["webhook_headers"]) == (True, None, {})
    changed = client.put(f"{CONFIGS}/{made['id']}", json={"webhook_events": ["parse.cancelled", "parse.success"]})
    assert changed.json()["webhook_events"] == ["parse.cancelled", "parse.success"]
    listed = client.get(CONFIGS).text + client.get("/api/v2/webhook-configs").text
    assert SECRET not in made["id"] + changed.text + listed
    with client.app.state.workspace.ledger.database.read() as connection:
        assert SECRET not in str(connection.execute(sa.text("SELECT * FROM protocol_items")).all())
    file = client.post("/api/v1/beta/files", files={"file": ("c.txt", b"City: Rana")}, data={"purpose": "parse"}).json()
    body = {"file_id": file["id"], "tier": "fast", "version": "latest", "webhook_configuration_ids": [made["id"]]}
    job = client.post("/api/v2/parse", json=body).json()["id"]
    (message,) = told(receiver, 1)
    assert message["data"]["job_id"] == job
    assert "lc-signature" in receiver.got[0][0]
    assert client.delete(f"{CONFIGS}/{made['id']}").status_code == 204
    assert client.get(f"{CONFIGS}/{made['id']}").status_code == 404
    assert client.post("/api/v2/parse", json=body).status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        [{"webhook_url": "http://10.0.0.1/hook"}],
        [{"webhook_url": "http://[::1]/hook"}],
        [{"webhook_url": "ftp://example.com/hook"}],
        [{"webhook_url": "http://127.0.0.1/", "webhook_headers": {"X-A": "b\r\nX-C: d"}}],
        [{"webhook_url": "http://127.0.0.1/", "webhook_events": []}],
        [{"webhook_url": "http://127.0.0.1/"}] * 11,
        {"webhook_url": "http://127.0.0.1/"},
    ],
)
def test_what_cannot_be_told_is_refused_with_the_request(client, given):
    answer = client.post(
        "/api/v1/parsing/upload", files={"file": ("a.txt", b"x")}, data={"webhook_configurations": json.dumps(given)}
    )
    assert answer.status_code == 400, answer.text
    assert isinstance(answer.json()["detail"], str)
