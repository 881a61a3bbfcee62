"""docmill's own HTTP API over real stages: upload, search, explain, parse, fail, retry, delete; scopes of keys."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.service.native_documents import INGESTING
from docmill.settings import ServiceSettings, WorkerLimits
from docmill.workspace import Workspace

V1 = "/docmill/v1"
NOTE = b"# Pumps\n\nThe pump P-7 delivers 12.5 litres a minute.\n"


@pytest.fixture
def api(workspace: Workspace) -> Iterator[TestClient]:
    changed = {"service": ServiceSettings(runner="library"), "workers": WorkerLimits(processes=1)}
    workspace.settings = workspace.settings.model_copy(update=changed)
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened


def result(api: TestClient, path: str, **given: object) -> dict:
    """The result of the job that a request begins."""
    answer = api.post(V1 + path, **given)
    assert answer.status_code == 202, answer.text
    return ended(api, answer.json()["job_id"])


def ended(api: TestClient, job_id: str) -> dict:
    """The result of a job."""
    while (state := api.get(f"{V1}/jobs/{job_id}?wait=30").json())["state"] in ("queued", "running"):
        pass
    assert state["state"] == "done", state
    return api.get(f"{V1}/jobs/{job_id}/result").json()


def upload(api: TestClient, name: str, data: bytes, **form: str) -> dict:
    return result(api, "/documents", files={"file": (name, data)}, data=form)


def test_uploaded_document_is_found_and_proven(api: TestClient):
    done = upload(api, "pumps.md", NOTE)
    assert (len(done["documents"]), done["failed"]) == (1, [])
    (hit, *_) = api.post(f"{V1}/search", json={"question": "pump P-7"}).json()["hits"]
    proof = api.get(f"{V1}/explain/{hit['chunk_id']}").json()
    assert (proof["proven"], proof["document_id"]) == (True, done["documents"][0])
    elements = api.get(f"{V1}/documents/{done['documents'][0]}/elements").json()
    assert [each["type"] for each in elements] == ["title", "text"]


def test_search_takes_filters_and_options_but_no_access_tags(api: TestClient):
    upload(api, "pumps.md", NOTE)
    asked = {"question": "pump P-7"}
    found = [
        len(api.post(f"{V1}/search", json=asked | more).json()["hits"])
        for more in ({}, {"filter": "media_type == 'nothing'"}, {"options": {"offset": 100}})
    ]
    assert (found[0] > 0, found[1:]) == (True, [0, 0])
    assert api.post(f"{V1}/search", json=asked | {"options": {"access": ["board"]}}).status_code == 422
    assert api.post(f"{V1}/search", json=asked | {"filter": "))"}).status_code == 400


def test_same_name_again_is_a_new_version_and_deletion_removes_it(api: TestClient, workspace: Workspace):
    upload(api, "pumps.md", NOTE)
    upload(api, "pumps.md", NOTE.replace(b"12.5", b"13.5"))
    (document,) = api.get(f"{V1}/documents").json()
    (row,) = api.get(f"{V1}/collections").json()
    assert (row["documents"], row["searchable"], row["orphans"]) == (1, 1, 0)
    assert api.delete(f"{V1}/documents/{document['document_id']}").status_code == 204
    assert api.get(f"{V1}/documents").json() == []
    assert workspace.index.held("default", workspace.space) == {}


def test_failed_document_is_named_and_retried(api: TestClient):
    done = upload(api, "broken.pdf", b"%PDF-1.7 nothing")
    (failure,) = api.get(f"{V1}/failed").json()
    assert (failure["document_id"], failure["stage"]) == (done["documents"][0], "extracted_elements")
    again = result(api, "/retry", json={"document_ids": [failure["document_id"]]})
    assert again["failed"][0]["attempts"] == 2


def test_parse_keeps_nothing_in_a_collection_and_is_done_once(api: TestClient):
    found = result(api, "/parse", files={"file": ("a.md", NOTE)}, data={"format": "markdown"})
    assert "12.5 litres" in found["content"]
    first, second = (api.post(f"{V1}/parse", files={"file": ("a.md", NOTE)}).json()["job_id"] for _ in range(2))
    assert first == second
    assert api.get(f"{V1}/documents").json() == []


def test_urls_into_the_network_are_refused(api: TestClient):
    answer = api.post(f"{V1}/parse", data={"url": "http://169.254.169.254/latest/meta-data"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "UrlRefusedError")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden"])
def test_collections_have_plain_names(api: TestClient, name: str):
    answer = api.post(f"{V1}/documents", files={"file": ("a.md", NOTE)}, data={"collection": name})
    assert answer.status_code == 422


def test_uploads_that_wait_together_are_one_batch_and_tried_once(api: TestClient, workspace: Workspace):
    sent = {f"pump{number}.md": NOTE.replace(b"P-7", b"P-%d" % number) for number in range(5)}
    sent["broken.pdf"] = b"%PDF-1.7 nothing"
    with INGESTING:  # as while an earlier upload is being ingested
        answers = [api.post(f"{V1}/documents", files={"file": (name, data)}) for name, data in sent.items()]
    results = [ended(api, answer.json()["job_id"]) for answer in answers]
    assert [len(each["documents"]) for each in results] == [1] * 6
    assert [len(each["failed"]) for each in results] == [0] * 5 + [1]
    assert results[-1]["failed"][0]["attempts"] == 1
    assert len({each.batch for each in workspace.ledger.documents("default")}) == 1


def test_uploads_stay_in_their_folder(api: TestClient, workspace: Workspace):
    upload(api, "../../escape.md", NOTE)
    assert [each.key for each in workspace.store.list("uploads/")] == ["uploads/default/escape.md"]


def test_key_sees_its_collections_only(api: TestClient, workspace: Workspace):
    upload(api, "pumps.md", NOTE)
    own = {"Authorization": f"Bearer {workspace.keys.create('a', ('zoo',))}"}
    assert api.get(f"{V1}/collections", headers=own).json() == []
    assert api.post(f"{V1}/search", json={"question": "pump"}, headers=own).status_code == 404
    assert api.get(f"{V1}/failed", headers=own).json() == []
    sent = api.post(f"{V1}/documents", files={"file": ("a.md", NOTE)}, headers=own)
    assert sent.status_code == 404
