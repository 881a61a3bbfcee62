"""LlamaCloud's Extract without its SDK: data and proofs of records, refusals, caching."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from docmill.errors import UsageError
from docmill.models import BBox
from docmill.service import create_app
from docmill.service.llamacloud.extraction import RunConfig, checked_schema, data_of, proofs_of
from docmill.service.problems import Problem
from docmill.settings import BatchLimits, Settings
from docmill.structured.record import Citation, FieldResult, Reasoning, Record
from docmill.structured.schema import SchemaError, load
from docmill.workspace import Workspace

PLACE = {"type": "object", "properties": {"city": {"type": "string"}, "age": {"type": "integer"}}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("extract")
    workspace = Workspace(Settings(home=home, batch=BatchLimits(), workers={"processes": 1}))
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened
    workspace.close()


def ran(client: TestClient, text: str, **config: object) -> dict:
    body = {"config": config, "data_schema": PLACE, "text": text}
    job = client.post("/api/v1/extraction/run", json=body).json()
    return client.get(f"/api/v1/extraction/runs/by-job/{job['id']}").json()


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
