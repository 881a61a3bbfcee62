"""Every answer of the routes that LlamaCloud's own OpenAPI document describes is what that document says.

The document comes with the vendor's npm package; it is not copied here.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pymupdf
import pytest
from httpx import Response
from starlette.testclient import TestClient

from docmill.service import create_app
from docmill.settings import BatchLimits, ServiceSettings, Settings
from docmill.workspace import Workspace
from tests.venvs import locked_node_modules

SHA256 = "7a98f91d4000da9841dd5e0f312ae008249839a02fb182dfd2390512c9298eb4"
S3Client = Any
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "age": {"type": "integer"}}}
BUCKET = "llamacloud-sources"
_HERE = ServiceSettings(runner="library")
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Checked:
    """A client whose every answer is held against the document; `seen` are the operations that were."""

    def __init__(self, client: TestClient, document: dict[str, Any]) -> None:
        self._client = client
        self._components = {"components": document["components"]}
        self._operations = {
            (verb.upper(), path): (re.compile(re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(path))), operation)
            for path, verbs in document["paths"].items()
            for verb, operation in verbs.items()
        }
        self.seen: set[tuple[str, str]] = set()

    def _operation(self, verb: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The path as the document has it, literal parts first, and what it says of it."""
        fits = [
            (known.count("{"), known, operation)
            for (each, known), (pattern, operation) in self._operations.items()
            if each == verb and pattern.fullmatch(path)
        ]
        return min(fits, key=lambda fit: fit[0])[1:] if fits else None

    def __call__(self, verb: str, path: str, status: int = 200, **request: Any) -> Response:
        answer = self._client.request(verb, path, **request)
        assert answer.status_code == status, f"{verb} {path}: {answer.status_code} {answer.text[:300]}"
        found = self._operation(verb, path)
        assert found is not None, f"{verb} {path} is not in the document"
        self._check(answer, verb, *found)
        return answer

    def ended(self, path: str) -> str:
        """The status that a job ends with."""
        while (status := self("GET", path).json()["status"]) == "PENDING":
            pass
        return status

    def _check(self, answer: Response, verb: str, known: str, operation: dict[str, Any]) -> None:
        told = operation["responses"].get(str(answer.status_code))
        if told is None:
            assert answer.status_code in (400, 404, 409)
            assert isinstance(answer.json()["detail"], str)
            return
        schema = told.get("content", {}).get("application/json", {}).get("schema")
        if schema is not None and answer.headers.get("content-type", "").startswith("application/json"):
            validator = jsonschema.Draft202012Validator({**schema, **self._components})
            faults = [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(answer.json())]
            assert faults == [], f"{verb} {known}"
        if answer.status_code < 300:
            self.seen.add((verb, known))


@pytest.fixture(scope="module")
def document(pytestconfig: pytest.Config) -> dict[str, Any]:
    package = locked_node_modules(pytestconfig.cache.mkdir("llamacloud-npm")) / "llama-cloud-services"
    content = (package / "openapi.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    return json.loads(content)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("openapi")
    reads = {"s3_endpoint_url": s3_endpoint, "fetch_s3_buckets": BUCKET}
    workspace = Workspace(Settings(home=home, batch=BatchLimits(), workers={"processes": 1}, service=_HERE, **reads))
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened
    workspace.close()


def pdf() -> bytes:
    with pymupdf.open() as made:
        page = made.new_page(width=612, height=792)
        page.insert_text((72, 90), "City: Bergen")
        page.insert_text((72, 120), "Age: 36")
        picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 160, 120))
        picture.set_rect(picture.irect, (20, 90, 200))
        page.insert_image((100, 200, 340, 380), pixmap=picture)
        made.new_page(width=612, height=792).insert_text((72, 90), "The harbour is closed until Friday.")
        return made.tobytes()


def parse(call: Checked) -> None:
    base = "/api/v1/parsing"
    options = {
        "structured_output": "true",
        "structured_output_json_schema": json.dumps(SCHEMA),
        "extract_layout": "true",
        "line_level_bounding_box": "true",
    }
    job = call("POST", f"{base}/upload", files={"file": ("a.pdf", pdf())}, data=options).json()["id"]
    assert call.ended(f"{base}/job/{job}") == "SUCCESS"
    for name in ("json", "text", "markdown", "structured", "xlsx", "pdf", "image/page_1.jpg"):
        call("GET", f"{base}/job/{job}/result/{name}")
    call("GET", f"{base}/job/{job}/details")
    call("GET", f"{base}/job/{job}/parameters")
    call("POST", f"{base}/screenshot", files={"file": ("a.pdf", pdf())})
    call("GET", f"{base}/supported_file_extensions")
    broken = call("POST", f"{base}/upload", files={"file": ("b.pdf", b"%PDF-1.7 no document")}).json()["id"]
    assert call.ended(f"{base}/job/{broken}") == "ERROR"
    call("POST", f"{base}/upload", 400, data={})
    call("GET", f"{base}/job/{NOWHERE}", 404)


def files(call: Checked) -> str:
    base = "/api/v1/files"
    file = call("POST", base, files={"upload_file": ("a.pdf", pdf())}).json()["id"]
    call("GET", f"{base}/{file}")
    call("GET", f"{base}/{file}/content")
    call("PUT", base, json={"name": "later.pdf"})
    call("PUT", f"{base}/upload_from_url", 400, json={"url": "http://127.0.0.1:9/a.pdf", "name": "a.pdf"})
    other = call("POST", base, files={"upload_file": ("b.txt", b"City: Rana")}).json()["id"]
    call("DELETE", f"{base}/{other}", 204)
    beta = "/api/v1/beta/files"
    one = call("POST", beta, files={"file": ("c.txt", b"x")}, data={"purpose": "extract"}).json()["id"]
    call("PUT", beta, files={"file": ("c.txt", b"y")}, data={"purpose": "extract"})
    call("POST", f"{beta}/query", json={"filter": {"file_ids": [one]}, "page_size": 1})
    call("DELETE", f"{beta}/{one}", 204)
    return file


def agents(call: Checked, file: str) -> None:
    base = "/api/v1/extraction/extraction-agents"
    call("POST", f"{base}/schema/validation", json={"data_schema": SCHEMA})
    call("POST", f"{base}/schema/validation", 400, json={"data_schema": {"type": "array"}})
    call("POST", f"{base}/schema/generate", json={"file_id": file})
    config = {"cite_sources": True, "confidence_scores": True, "use_reasoning": True, "citation_bbox": True}
    body = {"name": "places", "data_schema": SCHEMA, "config": config}
    agent = call("POST", base, json=body).json()["id"]
    call("POST", base, 409, json=body)
    call("GET", base)
    call("GET", f"{base}/by-name/places")
    call("GET", f"{base}/default")
    call("GET", f"{base}/{agent}")
    call("PUT", f"{base}/{agent}", json={"data_schema": SCHEMA, "config": config})
    jobs_and_runs(call, agent, file)
    call("DELETE", f"{base}/{agent}")
    call("GET", f"{base}/{agent}", 404)


def jobs_and_runs(call: Checked, agent: str, file: str) -> None:
    base, by = "/api/v1/extraction", {"extraction_agent_id": agent}
    job = call("POST", f"{base}/jobs", json={**by, "file_id": file}).json()["id"]
    batch = call("POST", f"{base}/jobs/batch", json={**by, "file_ids": [file, file]}).json()
    assert len(batch) == 2
    form = {**by, "config_override": json.dumps({"extraction_target": "PER_PAGE"})}
    call("POST", f"{base}/jobs/file", files={"file": ("d.txt", b"City: Alta")}, data=form)
    assert call.ended(f"{base}/jobs/{job}") == "SUCCESS"
    run = call("GET", f"{base}/runs/by-job/{job}").json()
    assert run["data"] == {"city": "Bergen", "age": 36}
    call("GET", f"{base}/jobs/{job}/result")
    call("GET", f"{base}/jobs", params=by)
    call("GET", f"{base}/runs", params=by)
    call("GET", f"{base}/runs/latest-from-ui", params=by)
    call("GET", f"{base}/runs/{run['id']}")
    call("DELETE", f"{base}/runs/{run['id']}")
    call("GET", f"{base}/runs/by-job/{job}", 404)
    told = {"data_schema": SCHEMA, "config": {"extraction_target": "PER_PAGE", "cite_sources": True}, "file_id": file}
    job = call("POST", f"{base}/run", json=told).json()["id"]
    assert call.ended(f"{base}/jobs/{job}") == "SUCCESS"
    assert len(call("GET", f"{base}/runs/by-job/{job}").json()["data"]) == 2
    broken = {**told, "file_id": None, "file": {"data": "JVBERi0xLjcgbm8=", "mime_type": "application/pdf"}}
    job = call("POST", f"{base}/run", json=broken).json()["id"]
    assert call.ended(f"{base}/runs/by-job/{job}") == "ERROR"
    call("POST", f"{base}/run", 400, json={})


def indexes(call: Checked, client: TestClient, file: str) -> None:
    base = "/api/v1/pipelines"
    body = {"name": "notes", "pipeline_type": "MANAGED", "embedding_config": None, "transform_config": {}}
    pipeline = call("PUT", base, json=body).json()["id"]
    call("POST", base, 409, json=body)
    here = f"{base}/{pipeline}"
    call("PUT", here, json={"preset_retrieval_parameters": {"dense_similarity_top_k": 5}})
    call("PUT", f"{here}/documents", json=[text("bridge", "The bridge was inspected in May.")])
    call("POST", f"{here}/documents", json=[text("choir", "The choir rehearses on Tuesdays.")])
    call("PUT", f"{here}/files", json=[{"file_id": file}])
    call("PUT", f"{here}/files/{file}", json={"custom_metadata": {"topic": "harbour"}})
    wait(client, f"{here}/status")
    seen = ["", "/status", "/data-sources", "/documents", "/documents/paginated", "/documents/bridge"]
    seen += ["/documents/bridge/status", "/documents/bridge/chunks", "/files2", "/files/status-counts"]
    for path in [*seen, f"/files/{file}/status"]:
        call("GET", here + path)
    metadata_of_files(call, client, here)
    call("POST", f"{here}/documents/force-sync-all", 202)
    wait(client, f"{here}/status")
    call("POST", f"{here}/documents/bridge/sync")
    call("POST", f"{here}/sync")
    call("POST", f"{here}/sync/cancel")
    wait(client, f"{here}/status")
    asked = {"query": "When is the harbour closed?", "retrieve_page_screenshot_nodes": True}
    asked["retrieve_page_figure_nodes"] = True
    found = call("POST", f"{here}/retrieve", json=asked).json()
    assert found["retrieval_nodes"]
    assert found["image_nodes"]
    call("POST", f"{here}/retrieve", 422, json={"query": "", "dense_similarity_top_k": 1000})
    call("GET", base)
    retrievers(call, pipeline)
    page_images(call, file)
    call("DELETE", f"{here}/documents/bridge", 204)
    call("DELETE", f"{here}/files/{file}", 204)
    wait(client, f"{here}/status")
    call("DELETE", here, 204)
    other = call("POST", base, json={**body, "name": "others"}).json()["id"]
    call("POST", f"{base}/{other}/force-delete", 204)


def metadata_of_files(call: Checked, client: TestClient, here: str) -> None:
    table = "\ufefffile_name,team,year\na.pdf,docks,2026\nnone.pdf,x,\n".encode()
    told = call("PUT", f"{here}/metadata", files={"upload_file": ("metadata.csv", table)}).json()
    assert (told["updated_files"], told["unknown_files"]) == ("1", "none.pdf")
    wait(client, f"{here}/status")
    asked = {"query": "harbour", "search_filters": {"filters": [{"key": "team", "value": "docks"}]}}
    (node,) = call("POST", f"{here}/retrieve", json=asked).json()["retrieval_nodes"]
    told = {"topic": "harbour", "team": "docks", "year": "2026"}
    assert {name: node["node"]["extra_info"][name] for name in told} == told
    for broken in (b"name,team\na.pdf,docks\n", b"\xff\xfe", b""):
        answer = client.put(f"{here}/metadata", files={"upload_file": ("metadata.csv", broken)})
        assert answer.status_code == 422, broken
    call("DELETE", f"{here}/metadata", 204)
    wait(client, f"{here}/status")
    assert call("POST", f"{here}/retrieve", json=asked).json()["retrieval_nodes"] == []
    assert call("GET", f"{here}/files2").json()["files"][0]["custom_metadata"] == {}


def data_sources(call: Checked, client: TestClient, s3: S3Client) -> None:
    """A bucket's prefix becomes a part of an index, follows the bucket, and goes with its data source."""
    s3.create_bucket(Bucket=BUCKET)
    for key, body in (("in/ferry.txt", b"The ferry to Kirkenes sails at noon."), ("out/no.txt", b"The ferry is late.")):
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    base, secret = "/api/v1/data-sources", "a-secret-of-the-clients"
    component = {"bucket": BUCKET, "prefix": "in/", "aws_access_id": "AKIA", "aws_access_secret": secret}
    made = call("POST", base, json={"name": "bucket", "source_type": "S3", "component": component})
    assert secret not in made.text
    source = made.json()["id"]
    call("GET", base)
    call("GET", f"{base}/{source}")
    call("PUT", f"{base}/{source}", json={"name": "renamed", "source_type": "S3"})
    call("POST", base, 400, json={"name": "b", "source_type": "S3", "component": {"bucket": "another"}})
    pipeline = f"/api/v1/pipelines/{call('POST', '/api/v1/pipelines', json={'name': 'sourced'}).json()['id']}"
    call("PUT", f"{pipeline}/data-sources", json=[{"data_source_id": source, "sync_interval": 21600}])
    here = f"{pipeline}/data-sources/{source}"
    wait(client, f"{here}/status")
    assert call("GET", f"{here}/status").json()["status"] == "SUCCESS"
    assert [each["name"] for each in call("GET", f"{pipeline}/data-sources").json()] == ["renamed"]
    asked = {"query": "When does the ferry sail?"}
    (node,) = call("POST", f"{pipeline}/retrieve", json=asked).json()["retrieval_nodes"]
    assert node["node"]["extra_info"]["file_name"] == "ferry.txt"
    s3.put_object(Bucket=BUCKET, Key="in/bus.txt", Body=b"The bus to Rana leaves at six.")
    call("PUT", here, json={"sync_interval": 43200})
    call("POST", f"{here}/sync", json=None)
    wait(client, f"{here}/status")
    assert len(call("GET", f"{pipeline}/documents").json()) == 2
    call("DELETE", f"{base}/{source}", 204)
    assert call("GET", f"{pipeline}/documents").json() == []
    assert call("POST", f"{pipeline}/retrieve", json=asked).json()["retrieval_nodes"] == []
    assert call("GET", f"{pipeline}/data-sources").json() == []
    call("GET", f"{base}/{source}", 404)


def data_sinks(call: Checked) -> None:
    base = "/api/v1/data-sinks"
    (sink,) = call("GET", base).json()
    call("GET", f"{base}/{sink['id']}")
    made = call("POST", "/api/v1/pipelines", json={"name": "sunk", "data_sink_id": sink["id"]}).json()
    assert made["data_sink"] == sink
    call("POST", "/api/v1/pipelines", 400, json={"name": "elsewhere", "data_sink_id": NOWHERE})
    call("POST", base, 400, json={"name": "x", "sink_type": "QDRANT", "component": {}})
    call("PUT", f"{base}/{sink['id']}", 400, json={"sink_type": "MILVUS"})
    call("DELETE", f"{base}/{sink['id']}", 400)


def text(name: str, content: str) -> dict[str, Any]:
    return {"id": name, "text": content, "metadata": {"year": 2026}}


def retrievers(call: Checked, pipeline: str) -> None:
    base, query = "/api/v1/retrievers", {"query": "When was the bridge inspected?"}
    part = {"name": "notes", "description": "Notes of all kinds", "pipeline_id": pipeline}
    body = {"name": "all", "pipelines": [part]}
    made = call("POST", base, json=body).json()["id"]
    call("PUT", base, json=body)
    call("GET", base)
    call("GET", f"{base}/{made}")
    call("PUT", f"{base}/{made}", json={"pipelines": [part]})
    assert call("POST", f"{base}/{made}/retrieve", json=query).json()["nodes"]
    call("POST", f"{base}/retrieve", json={**query, "pipelines": [part]})
    call("DELETE", f"{base}/{made}", 204)


def page_images(call: Checked, file: str) -> None:
    base = f"/api/v1/files/{file}"
    call("POST", f"{base}/page_screenshots/0/presigned_url")
    size = len(call("GET", f"{base}/page_screenshots/0").content)
    pages = call("GET", f"{base}/page_screenshots").json()
    assert [each["page_index"] for each in pages] == [0, 1]
    assert pages[0]["image_size"] == size
    call("GET", f"{base}/page-figures/0")
    name = call("GET", f"{base}/page-figures").json()[0]["figure_name"]
    call("GET", f"{base}/page-figures/0/{name}")
    call("POST", f"{base}/page-figures/0/{name}/presigned_url")


def wait(client: TestClient, path: str) -> None:
    """What was put into the index can be found."""
    while client.get(path).json()["status"] in ("IN_PROGRESS", "NOT_STARTED"):
        time.sleep(0.2)


@pytest.mark.timeout(300)
def test_every_answer_is_what_the_vendors_document_says(client: TestClient, document: dict[str, Any], s3: S3Client):
    call = Checked(client, document)
    project = call("GET", "/api/v1/projects").json()[0]["id"]
    call("GET", f"/api/v1/projects/{project}")
    organization = call("GET", "/api/v1/organizations").json()[0]["id"]
    call("GET", f"/api/v1/organizations/{organization}")
    data_sources(call, client, s3)
    data_sinks(call)
    parse(call)
    file = files(call)
    agents(call, file)
    indexes(call, client, file)
    assert _served(client, document) - call.seen - UNDRIVEN == set()


_SINK = "/api/v1/data-sinks/{data_sink_id}"
UNDRIVEN = {("PUT", "/api/v1/files/upload_from_url")}
UNDRIVEN |= {("POST", "/api/v1/data-sinks"), ("PUT", _SINK), ("DELETE", _SINK)}
"""The first needs an address outside, the others are always refused; their refusals are held."""


def _served(client: TestClient, document: dict[str, Any]) -> set[tuple[str, str]]:
    """The operations of the document that are served here, whatever their parameters are called."""
    ours = {(verb.upper(), _bare(path)) for path, verbs in client.app.openapi()["paths"].items() for verb in verbs}
    return {
        (verb.upper(), path)
        for path, verbs in document["paths"].items()
        for verb in verbs
        if (verb.upper(), _bare(path)) in ours
    }


def _bare(path: str) -> str:
    return re.sub(r"\{[^/]+\}", "{}", path)
