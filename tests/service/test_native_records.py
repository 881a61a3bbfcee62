"""Records over HTTP: of a document that is sent, and of a collection by a registered schema."""

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.settings import ServiceSettings, WorkerLimits
from docmill.workspace import Workspace
from tests.service.test_native import V1, result, upload

INVOICE = b"# Invoice\n\nInvoice number: INV-77\n\nTotal: 120.50\n"
SCHEMA = {"type": "object", "properties": {"invoice_number": {"type": "string"}, "total": {"type": "number"}}}


@pytest.fixture
def api(workspace: Workspace) -> Iterator[TestClient]:
    changed = {"service": ServiceSettings(runner="library"), "workers": WorkerLimits(processes=1)}
    workspace.settings = workspace.settings.model_copy(update=changed)
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened


def registered(api: TestClient, headers: dict[str, str] | None = None, **options: object) -> int:
    sent = {"schema": SCHEMA, "options": options}
    return api.put(f"{V1}/schemas/invoices", json=sent, headers=headers or {}).status_code


def test_record_of_a_sent_document_proves_its_values(api: TestClient):
    found = result(api, "/records", files={"file": ("a.md", INVOICE)}, data={"schema": json.dumps(SCHEMA)})
    (record,) = found["records"]
    assert record["value"] == {"invoice_number": "INV-77", "total": 120.5}
    assert record["fields"]["total"]["citation"]["text"] == "120.50"
    assert api.get(f"{V1}/documents").json() == []


def test_records_of_a_collection_are_made_once_and_kept(api: TestClient):
    upload(api, "a.md", INVOICE)
    upload(api, "b.md", INVOICE.replace(b"77", b"78"))
    assert registered(api) == 200
    first = result(api, "/records", data={"schema": "invoices"})
    assert (first["records"], first["failed"], first["worked_on"]) == (2, 0, 2)
    assert result(api, "/records", data={"schema": "invoices"})["worked_on"] == 0
    rows = api.get(f"{V1}/records?schema=invoices&limit=1").json()
    assert [row["value"]["invoice_number"] for row in rows] == ["INV-77"]
    after = {"schema": "invoices", "after": rows[0]["source"]}
    assert [row["value"]["invoice_number"] for row in api.get(f"{V1}/records", params=after).json()] == ["INV-78"]
    (cited,) = api.get(f"{V1}/records/invoices/{rows[0]['document_id']}").json()
    assert cited["record"]["fields"]["invoice_number"]["citation"]["text"] == "INV-77"


def test_only_the_named_documents_get_records(api: TestClient):
    (one,) = upload(api, "a.md", INVOICE)["documents"]
    upload(api, "b.md", INVOICE)
    registered(api)
    assert result(api, "/records", data={"schema": "invoices", "document_id": one})["worked_on"] == 1
    missing = api.post(f"{V1}/records", data={"schema": "invoices", "document_id": "nothing"})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"schema": "unknown"}, 404),
        ({"schema": "{}"}, 400),
        ({"schema": "{broken"}, 400),
        ({"schema": json.dumps(SCHEMA)}, 422),
        ({}, 422),
    ],
)
def test_wrong_requests_say_why(api: TestClient, form: dict[str, str], status: int):
    answer = api.post(f"{V1}/records", data=form)
    assert (answer.status_code, bool(answer.json()["error"]["message"])) == (status, True)


def test_key_of_a_collection_registers_for_it_alone(api: TestClient, workspace: Workspace):
    own = {"Authorization": f"Bearer {workspace.keys.create('a', ('zoo',))}"}
    everything = {"Authorization": f"Bearer {workspace.keys.create('b')}"}
    assert registered(api, own) == 403
    assert registered(api, own, collections=["zoo"]) == 200
    assert registered(api, everything, collections=["farm"]) == 200
    assert registered(api, own, collections=["zoo"]) == 403
    assert api.get(f"{V1}/schemas", headers=own).json() == []
    assert api.delete(f"{V1}/schemas/invoices", headers=own).status_code == 404
    assert api.get(f"{V1}/records?schema=invoices", headers=own).status_code == 404
