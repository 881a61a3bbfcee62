"""LlamaCloud's Extract without its SDK: data and proofs of records, refusals, caching."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from starlette.testclient import TestClient

from docmill.errors import UsageError
from docmill.models import BBox
from docmill.service import create_app
from docmill.service.llamacloud.extraction import RunConfig, checked_schema, data_of, proofs_of
from docmill.service.problems import Problem
from docmill.settings import BatchLimits, ServiceSettings, Settings
from docmill.structured.record import Citation, FieldResult, Reasoning, Record
from docmill.structured.schema import SchemaError, load
from docmill.workspace import Workspace

PLACE = {"type": "object", "properties": {"city": {"type": "string"}, "age": {"type": "integer"}}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("extract")
    limits = ServiceSettings(open_on_loopback=True)
    workspace = Workspace(Settings(home=home, batch=BatchLimits(), workers={"processes": 1}, service=limits))
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened
    workspace.close()


def ran(client: TestClient, text: str, **config: object) -> dict:
    body = {"config": config, "data_schema": PLACE, "text": text}
    job = client.post("/api/v1/extraction/run", json=body).json()
    return settled(client, job["id"])


def test_what_is_not_found_is_empty_or_null_and_told():
    record = Record(value={"city": None, "age": None}, fields={})
    data, missing = data_of(record, load(PLACE))
    assert data == {"city": "", "age": None}
    assert missing == {"city": "not found", "age": "not found"}


def test_proofs_mirror_the_data_and_hold_what_was_asked_for():
    citation = Citation(text="Ada", page=2, bbox=BBox(x0=1, y0=2, x1=4, y1=6), page_size=(100, 200))
    field = FieldResult(value="Ada", citation=citation, confidence=0.9, reasoning=Reasoning.VERBATIM)
    record = Record(value={"names": ["Ada"]}, fields={"names.0": field})
    proofs = proofs_of(record.value, record, RunConfig(citation_bbox=True), {})
    box = {"bounding_boxes": [{"x": 1, "y": 2, "w": 3, "h": 4}], "page_dimensions": {"width": 100, "height": 200}}
    assert proofs == {"names": [{"citation": [{"page": 2, "matching_text": "Ada", **box}]}]}
    assert proofs_of(record.value, record, RunConfig(), {}) == {}


def test_schemas_that_cannot_be_are_refused():
    deep: dict = {"type": "string"}
    for _ in range(9):
        deep = {"type": "object", "properties": {"a": deep}}
    for schema in (None, {"type": "object", "properties": {}}, deep):
        with pytest.raises((Problem, SchemaError)):
            checked_schema(schema)
    assert checked_schema(PLACE) is PLACE


def test_page_ranges_count_from_one():
    config = RunConfig(page_range="1,3-4")
    assert [page for page in range(1, 6) if config.takes(page)] == [1, 3, 4]
    with pytest.raises(UsageError):
        RunConfig(page_range="x")


def test_a_run_is_answered_once_and_anew_if_asked(client: TestClient):
    first = ran(client, "City: Bergen\nAge: 36\n", cite_sources=True)
    assert (first["status"], first["data"]) == ("SUCCESS", {"city": "Bergen", "age": 36})
    assert ran(client, "City: Bergen\nAge: 36\n", cite_sources=True, invalidate_cache=True)["data"] == first["data"]
    assert first["file"]["name"] == "text.txt"


def test_refusals_are_sentences(client: TestClient):
    for body in ({}, {"data_schema": PLACE}, {"data_schema": PLACE, "text": "a", "config": {"page_range": "x"}}):
        answer = client.post("/api/v1/extraction/run", json=body)
        assert answer.status_code == 400
        assert isinstance(answer.json()["detail"], str)
    unknown = client.get("/api/v1/extraction/jobs/none", headers={"User-Agent": "python-httpx/0.28"})
    assert unknown.status_code == 404


def test_a_value_on_two_lines_has_a_box_for_each():
    boxes = (BBox(x0=50, y0=10, x1=90, y1=20), BBox(x0=10, y0=24, x1=40, y1=34))
    whole = BBox(x0=10, y0=10, x1=90, y1=34)
    field = FieldResult(value="x", citation=Citation(text="x", page=1, bbox=whole, lines=boxes))
    proofs = proofs_of({"city": "x"}, Record(value={}, fields={"city": field}), RunConfig(citation_bbox=True), {})
    shown = [(box["x"], box["y"], box["w"], box["h"]) for box in proofs["city"]["citation"][0]["bounding_boxes"]]
    assert shown == [(50, 10, 40, 10), (10, 24, 30, 10)]


def test_the_doubt_of_ocr_counts():
    field = FieldResult(value="x", confidence=0.9, citation=Citation(text="x", page=1, element=4))
    record = Record(value={}, fields={"city": field})
    proofs = proofs_of({"city": "x"}, record, RunConfig(confidence_scores=True), {}, {4: 0.5})
    assert proofs["city"] == {"confidence": 0.45, "extraction_confidence": 0.9, "parsing_confidence": 0.5}


def scan() -> bytes:
    """A page that is only a picture of text."""
    with pymupdf.open() as drawn, pymupdf.open() as made:
        drawn.new_page(width=400, height=200).insert_text((40, 80), "City: Bergen", fontsize=24)
        picture = drawn[0].get_pixmap(dpi=150).tobytes("png")
        made.new_page(width=400, height=200).insert_image((0, 0, 400, 200), stream=picture)
        return made.tobytes()


def mixed() -> bytes:
    """A page of text, and a page that is only a picture of text."""
    with pymupdf.open() as made, pymupdf.open(stream=scan()) as pictured:
        made.new_page().insert_text((60, 80), "Age: 36")
        made.insert_pdf(pictured)
        return made.tobytes()


def extracted(client: TestClient, data: bytes, **config: object) -> dict:
    file = {"data": base64.b64encode(data).decode(), "mime_type": "application/pdf"}
    job = client.post("/api/v1/extraction/run", json={"config": config, "data_schema": PLACE, "file": file}).json()
    return settled(client, job["id"])


def settled(client: TestClient, job: str) -> dict:
    while (run := client.get(f"/api/v1/extraction/runs/by-job/{job}").json())["status"] == "PENDING":
        pass
    return run


def test_fast_reads_pictures_of_text_only_where_there_is_nothing_else(client: TestClient):
    assert extracted(client, scan(), extraction_mode="FAST")["data"]["city"] == "Bergen"
    assert extracted(client, mixed(), extraction_mode="FAST")["data"] == {"city": "", "age": 36}
    assert extracted(client, mixed(), extraction_mode="BALANCED")["data"] == {"city": "Bergen", "age": 36}


def test_max_pages_are_the_first_of_the_range(client: TestClient):
    run = extracted(client, mixed(), max_pages=1)
    assert run["extraction_metadata"]["usage"]["num_pages_extracted"] == 1


# Agents


def begun(client: TestClient, agent: str, text: str = "City: Bergen\nAge: 36\n") -> dict:
    file = client.post("/api/v1/files", files={"upload_file": ("a.txt", text.encode())}).json()["id"]
    body = {"extraction_agent_id": agent, "file_id": file}
    return client.post("/api/v1/extraction/jobs", json=body).json()


def made(client: TestClient, name: str) -> str:
    body = {"name": name, "data_schema": PLACE, "config": {}}
    return client.post("/api/v1/extraction/extraction-agents", json=body).json()["id"]


def test_runs_of_an_agent_stay_when_it_goes_and_their_documents_do_not(client: TestClient):
    agent = made(client, "goes")
    job = begun(client, agent)
    assert settled(client, job["id"])["data"] == {"city": "Bergen", "age": 36}
    assert client.delete(f"/api/v1/extraction/extraction-agents/{agent}").json() is None
    again = client.get(f"/api/v1/extraction/jobs/{job['id']}").json()
    assert (again["status"], again["extraction_agent"]["name"]) == ("SUCCESS", "goes")
    workspace: Workspace = client.app.state.workspace
    kept = workspace.jobs.find(job["id"])
    assert kept.expires_at == 0
    assert workspace.store.head(kept.key(kept.files[0])) is None


def test_agents_and_runs_are_there_after_a_restart(tmp_path: Path):
    settings = Settings(home=tmp_path, batch=BatchLimits(), workers={"processes": 1})
    workspace = Workspace(settings)
    with TestClient(create_app(workspace)) as client:
        agent = made(client, "stays")
        job = begun(client, agent)["id"]
    workspace.close()
    workspace = Workspace(settings)
    with TestClient(create_app(workspace)) as client:
        assert settled(client, job)["data"]["city"] == "Bergen"
        runs = client.get("/api/v1/extraction/runs", params={"extraction_agent_id": agent}).json()
        assert (runs["total"], runs["items"][0]["job_id"]) == (1, job)
    workspace.close()


def test_another_key_sees_neither_agents_nor_runs(client: TestClient):
    keys = client.app.state.workspace.keys
    ada, eve = ({"Authorization": f"Bearer {keys.create(name)}"} for name in ("ada", "eve"))
    body = {"name": "secret", "data_schema": PLACE, "config": {}}
    agent = client.post("/api/v1/extraction/extraction-agents", json=body, headers=ada).json()["id"]
    path = f"/api/v1/extraction/extraction-agents/{agent}"
    assert client.get(path, headers=ada).status_code == 200
    for answer in (
        client.get(path, headers=eve),
        client.delete(path, headers=eve),
        client.put(path, json=body, headers=eve),
    ):
        assert answer.status_code == 404
    assert client.get("/api/v1/extraction/extraction-agents", headers=eve).json() == []
