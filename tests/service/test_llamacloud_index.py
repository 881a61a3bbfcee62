"""LlamaCloud's indexes and files without its SDK: what that never shows, over real stages with twins in memory."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pymupdf
import pytest
from starlette.testclient import TestClient

from docmill.batching import form_batches
from docmill.errors import TransientError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.ledger import Batch, Ledger
from docmill.models import Document
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.service import create_app
from docmill.service.llamacloud.index_work import verify
from docmill.settings import BatchLimits, ServiceSettings, Settings
from docmill.workspace import Workspace
from tests.support import sqlite_steps

V1 = "/api/v1"
TEXTS = [
    {"id": "bridge", "text": "The Vardal bridge was inspected in May.", "metadata": {"year": 2026, "tags": ["a", "b"]}},
    {"id": "s3://b/k ey.txt", "text": "Salmon farms report sea lice.", "metadata": {"year": 2025, "a b": "Öl"}},
    {
        "id": "pump",
        "text": "Pump P-7731 needs a seal kit.",
        "metadata": {"version": "7", "nested": {"k": [1]}, "n": None},
    },
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    limits = ServiceSettings(runner="library")
    home: Path = tmp_path_factory.mktemp("index")
    settings = Settings(home=home, batch=BatchLimits(settle_seconds=0), workers={"processes": 1}, service=limits)
    opened = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def api(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened


def made(api: TestClient, name: str, texts: list[dict] = TEXTS) -> str:
    """The path of an index with these texts, all of them ingested."""
    pipeline = f"{V1}/pipelines/{api.put(f'{V1}/pipelines', json={'name': name}).json()['id']}"
    assert len(api.put(f"{pipeline}/documents", json=texts).json()) == len(texts)
    assert status(api, pipeline) == "SUCCESS"
    return pipeline


def status(api: TestClient, path: str, **headers: str) -> str:
    """The status that it ends in: each question is held, but a busy machine may need longer."""
    found = "IN_PROGRESS"
    while found == "IN_PROGRESS":
        found = api.get(f"{path}/status", headers=headers).json()["status"]
    return found


def found(api: TestClient, pipeline: str, query: str, **more: object) -> list[str]:
    answer = api.post(f"{pipeline}/retrieve", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return [each["node"]["extra_info"]["document_id"] for each in answer.json()["retrieval_nodes"]]


@pytest.fixture(scope="module")
def index(api: TestClient) -> str:
    return made(api, "notes")


# What is in an index


def test_metadata_come_back_as_they_were_given(api: TestClient, index: str):
    answer = api.post(f"{index}/retrieve", json={"query": "seal kit", "alpha": 0}).json()["retrieval_nodes"]
    metadata = answer[0]["node"]["extra_info"]
    assert {name: metadata[name] for name in TEXTS[2]["metadata"]} == TEXTS[2]["metadata"]
    assert answer[0]["node"]["relationships"]["1"]["node_id"] == "pump"


@pytest.mark.parametrize("quoted", [1, 2])
def test_ids_may_be_quoted_once_or_twice(api: TestClient, index: str, quoted: int):
    ref = TEXTS[1]["id"]
    for _ in range(quoted):
        ref = quote_plus(ref)
    assert api.get(f"{index}/documents/{ref}").json()["text"] == TEXTS[1]["text"]
    assert status(api, f"{index}/documents/{ref}") == "SUCCESS"


def test_documents_are_listed_until_an_empty_list(api: TestClient, index: str):
    pages = [api.get(f"{index}/documents", params={"skip": skip, "limit": 2}).json() for skip in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert api.get(f"{index}/documents/paginated").json()["total_count"] == 3


def test_documents_are_counted_and_found_by_id(api: TestClient, index: str):
    assert api.get(f"{index}/documents/status-counts").json()["counts"] == {"SUCCESS": 3}
    (one,) = api.get(f"{index}/documents", params={"file_id": "pump"}).json()
    assert one["text"] == TEXTS[2]["text"]
    assert api.get(f"{index}/documents/paginated", params={"file_id": "none"}).json()["total_count"] == 0


def test_texts_come_before_other_documents_and_none_is_listed_twice(api: TestClient):
    pipeline = made(api, "mixed", TEXTS)
    uploads = [(f"{name}.txt", f"Ferry number {name} leaves at noon.".encode()) for name in ("c", "a", "b")]
    files = [api.post(f"{V1}/files", files={"upload_file": each}).json()["id"] for each in uploads]
    api.put(f"{pipeline}/files", json=[{"file_id": each} for each in files])
    assert status(api, pipeline) == "SUCCESS"
    pages = [api.get(f"{pipeline}/documents", params={"skip": skip, "limit": 2}).json() for skip in range(0, 8, 2)]
    assert [len(page) for page in pages] == [2, 2, 2, 0]
    ids = [each["id"] for page in pages for each in page]
    assert set(ids[:3]) == {each["id"] for each in TEXTS}
    assert sorted(ids[3:]) == sorted(files)
    assert api.get(f"{pipeline}/documents/paginated", params={"limit": 0}).json()["total_count"] == 6
    paged = [api.get(f"{pipeline}/files2", params={"offset": skip, "limit": 2}).json()["files"] for skip in (0, 2)]
    assert sorted(each["name"] for page in paged for each in page) == ["a.txt", "b.txt", "c.txt"]
    listed = pipeline.replace("/v1/", "/v1/beta/") + "/files"
    assert [each["name"] for each in api.get(listed, params={"file_name_contains": "A.T"}).json()["items"]] == ["a.txt"]
    assert api.get(listed, params={"statuses": "ERROR"}).json()["items"] == []


def test_update_replaces_and_deletion_removes(api: TestClient, workspace: Workspace):
    pipeline = made(api, "changing")
    api.put(f"{pipeline}/documents", json=[{"id": "pump", "text": "The archive moved to Hammerfest."}])
    assert status(api, pipeline) == "SUCCESS"
    assert found(api, pipeline, "seal kit", alpha=0) == []
    assert found(api, pipeline, "archive Hammerfest", alpha=0) == ["pump"]
    assert api.delete(f"{pipeline}/documents/pump").status_code == 204
    assert found(api, pipeline, "archive Hammerfest", alpha=0) == []
    assert api.delete(f"{pipeline}/documents/pump").status_code == 404
    assert len(workspace.index.held("changing", workspace.space)) == 4, "two passages and two cards"


def test_changed_metadata_alone_are_filtered_by_at_once(api: TestClient):
    pipeline = made(api, "retagged", TEXTS[:1])
    api.put(f"{pipeline}/documents", json=[{**TEXTS[0], "metadata": {"year": 1999}}])
    assert status(api, pipeline) == "SUCCESS"
    assert found(api, pipeline, "bridge", search_filters={"filters": [{"key": "year", "value": 1999}]}) == ["bridge"]


def test_text_without_words_is_success_and_cannot_be_found(api: TestClient):
    pipeline = made(api, "blank", [{"id": "empty", "text": " \n"}])
    assert (status(api, f"{pipeline}/documents/empty"), found(api, pipeline, "empty")) == ("SUCCESS", [])


def test_empty_index_is_success(api: TestClient):
    pipeline = made(api, "nothing", [])
    assert api.post(f"{pipeline}/retrieve", json={"query": "x"}).json()["retrieval_nodes"] == []


def test_deleted_index_is_unknown(api: TestClient):
    pipeline = made(api, "gone", TEXTS[:1])
    assert api.delete(pipeline).status_code == 204
    assert api.get(f"{V1}/pipelines", params={"pipeline_name": "gone"}).json() == []
    assert api.get(pipeline).status_code == 404


def test_names_that_milvus_refuses_are_kept(api: TestClient):
    pipeline = made(api, "Ünser Index-1", TEXTS[:1])
    assert api.get(pipeline).json()["name"] == "Ünser Index-1"
    assert found(api, pipeline, "bridge") == ["bridge"]


def test_collection_that_docmill_ingested_is_an_index(api: TestClient, workspace: Workspace, tmp_path: Path):
    (tmp_path / "note.md").write_text("# Moss\n\nThe peat bog lies north of Elverum.\n")
    plan = make_plan(workspace, "bog", f"file://{tmp_path}/")
    for batch in form_batches(workspace, "bog", plan.pending):
        run_batch(workspace, batch)
    (connected,) = api.get(f"{V1}/pipelines", params={"pipeline_name": "bog", "pipeline_type": "MANAGED"}).json()
    pipeline = f"{V1}/pipelines/{connected['id']}"
    (node,) = api.post(f"{pipeline}/retrieve", json={"query": "peat bog", "alpha": 0}).json()["retrieval_nodes"]
    assert node["node"]["extra_info"]["file_name"] == "note.md"
    (document,) = api.get(f"{pipeline}/documents").json()
    assert document["id"] == node["node"]["relationships"]["1"]["node_id"]
    assert "peat bog" in document["text"]


# Statuses


def test_failed_file_makes_the_index_partial_and_tells_why(api: TestClient):
    pipeline = made(api, "partly", TEXTS[:1])
    file = api.post(f"{V1}/files", files={"upload_file": ("broken.pdf", b"%PDF-1.7 nothing")}).json()
    api.put(f"{pipeline}/files", json=[{"file_id": file["id"]}])
    assert status(api, f"{pipeline}/files/{file['id']}") == "ERROR"
    told = api.get(f"{pipeline}/status", headers={"User-Agent": "python-httpx/0.28"}).json()
    assert (told["status"], told["error"][0]["step"]) == ("PARTIAL_SUCCESS", "PARSE")
    assert "broken.pdf" in told["error"][0]["message"]
    assert status(api, pipeline, **{"User-Agent": "node"}) == "SUCCESS", "that client waits for ever otherwise"
    assert api.delete(f"{pipeline}/files/{file['id']}").status_code == 204
    assert status(api, pipeline) == "SUCCESS"


def test_what_was_put_is_in_progress_in_the_answer(api: TestClient, index: str):
    (answer,) = api.put(f"{index}/documents", json=TEXTS[:1]).json()
    assert answer["status_metadata"] == {"status": "IN_PROGRESS"}
    assert status(api, index) == "SUCCESS"


def test_rows_that_were_lost_after_they_were_written_are_no_success(api: TestClient, workspace: Workspace):
    made(api, "lossy", TEXTS[:1])
    documents = workspace.ledger.documents("lossy")
    verify(workspace, "lossy", documents)
    row, *_ = workspace.index.held("lossy", workspace.space)
    workspace.index.delete("lossy", workspace.space, [row])
    with pytest.raises(TransientError):
        verify(workspace, "lossy", documents)


# Questions


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"filters": [{"key": "year", "value": 2026}]}, ["bridge"]),
        ({"filters": [{"key": "year", "value": 2026, "operator": "!="}]}, ["pump", "s3://b/k ey.txt"]),
        ({"filters": [{"key": "a b", "value": "Öl"}]}, ["s3://b/k ey.txt"]),
        ({"filters": [{"key": "a b", "value": "öL", "operator": "text_match_insensitive"}]}, ["s3://b/k ey.txt"]),
        ({"filters": [{"key": "version", "value": "7"}]}, ["pump"]),
        ({"filters": [{"key": "tags", "value": ["b", "c"], "operator": "any"}]}, ["bridge"]),
        ({"filters": [{"key": "tags", "value": ["b", "c"], "operator": "all"}]}, []),
        ({"filters": [{"key": "year", "value": None, "operator": "is_empty"}]}, ["pump"]),
        ({"filters": [{"key": "year", "value": 2025}], "condition": "not"}, ["bridge", "pump"]),
        ({"filters": [{"key": "document_id", "value": ["pump"], "operator": "in"}]}, ["pump"]),
        (
            {
                "filters": [{"key": "version", "value": "7"}, {"filters": [{"key": "year", "value": 1}]}],
                "condition": "or",
            },
            ["pump"],
        ),
    ],
)
def test_filters(api: TestClient, index: str, filters: dict, wanted: list[str]):
    assert sorted(found(api, index, "report", search_filters=filters)) == wanted


@pytest.fixture(scope="module")
def named(api: TestClient) -> str:
    """An index with two files, a text that says which file it came from, and one that does not."""
    texts = [
        {"id": "said", "text": "A report.", "metadata": {"file_name": "plan a.txt"}},
        {"id": "b", "text": "A report."},
    ]
    pipeline = made(api, "named", texts)
    for name in ("reports/plan a.txt", "Other.txt"):
        told = api.put(f"{V1}/files", json={"name": name}).json()
        assert api.put(told["url"], content=f"A report on {name}.".encode()).status_code == 200
        api.put(f"{pipeline}/files", json=[{"file_id": told["file_id"]}])
    assert status(api, pipeline) == "SUCCESS"
    return pipeline


@pytest.mark.parametrize(
    ("operator", "value", "wanted"),
    [
        ("==", "reports/plan a.txt", ["reports/plan a.txt"]),
        ("==", "plan a.txt", ["said"]),
        ("==", "other.txt", []),
        ("in", ["Other.txt", "plan a.txt", "none"], ["Other.txt", "said"]),
        ("!=", "Other.txt", ["b", "reports/plan a.txt", "said"]),
        ("nin", ["Other.txt", "plan a.txt"], ["b", "reports/plan a.txt"]),
        ("contains", "plan", ["reports/plan a.txt", "said"]),
    ],
)
def test_filters_by_the_names_of_files(api: TestClient, named: str, operator: str, value: object, wanted: list[str]):
    filters = {"filters": [{"key": "file_name", "operator": operator, "value": value}]}
    asked = {"query": "report", "dense_similarity_top_k": 30, "search_filters": filters}
    nodes = [each["node"]["extra_info"] for each in api.post(f"{named}/retrieve", json=asked).json()["retrieval_nodes"]]
    assert sorted({each["document_id"] if "file_id" not in each else each["file_name"] for each in nodes}) == wanted


def test_file_whose_name_stands_in_the_question_is_given_whole(api: TestClient, named: str):
    asked = {"query": "What does \u201cother.TXT\u201d say?", "retrieval_mode": "auto_routed"}
    (node,) = api.post(f"{named}/retrieve", json=asked).json()["retrieval_nodes"]
    assert node["node"]["extra_info"]["file_name"] == "Other.txt"


def test_names_are_found_by_an_index_of_the_ledger(tmp_path: Path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    costs = []
    for batch, count in (("b1", 10), ("b2", 1_000)):
        documents = [
            Document(
                document_id=f"{batch}{n:030}",
                collection="c",
                source="s3://b/",
                source_key=f"s3://b/{batch}/{n}.pdf",
                etag="",
                size=1,
            )
            for n in range(count)
        ]
        assert ledger.claim(Batch(batch, "c", count, count, 1.0), documents)
        costs.append(sqlite_steps(ledger.database, lambda: ledger.documents_named("c", ["7.pdf", "none.pdf"])))
    assert len(ledger.documents_named("c", ["7.PDF"])) == 2
    ledger.close()
    assert costs[1] < 3 * costs[0]


@pytest.mark.parametrize(
    "more",
    [{"query": " "}, {"dense_similarity_top_k": 101}, {"alpha": 2}, {"search_filters": {"filters": [{"value": 1}]}}],
)
def test_impossible_questions_are_refused_with_a_list(api: TestClient, index: str, more: dict):
    answer = api.post(f"{index}/retrieve", json={"query": "x", **more})
    assert (answer.status_code, type(answer.json()["detail"])) == (422, list)


def test_unknown_keys_and_null_are_ignored(api: TestClient, index: str):
    assert (
        found(api, index, "bridge", apiKey="secret", similarityTopK=5, search_filters=None, alpha=None)[0] == "bridge"
    )


def test_counts_follow_the_parameters(api: TestClient, index: str):
    assert len(found(api, index, "report", dense_similarity_top_k=2)) == 2
    assert len(found(api, index, "report", dense_similarity_top_k=3, enable_reranking=True, rerank_top_n=1)) == 1
    assert found(api, index, "report", dense_similarity_top_k=0, sparse_similarity_top_k=0) == []


def test_reranking_without_a_reranker_is_told(api: TestClient, index: str):
    answer = api.post(f"{index}/retrieve", json={"query": "bridge", "enable_reranking": True}).json()
    assert "no reranking model" in answer["metadata"]["note"]


def test_presets_hold_where_a_question_says_nothing(api: TestClient, index: str):
    api.put(index, json={"preset_retrieval_parameters": {"dense_similarity_top_k": 1, "alpha": 1.0}})
    assert len(found(api, index, "report")) == 1
    assert len(found(api, index, "report", dense_similarity_top_k=3)) == 3
    api.put(index, json={"preset_retrieval_parameters": {"alpha": 0.5}})


def test_whole_files_by_their_content(api: TestClient, index: str):
    (node,) = api.post(
        f"{index}/retrieve", json={"query": "seal kit P-7731", "retrieval_mode": "files_via_content"}
    ).json()["retrieval_nodes"]
    assert node["node"]["text"] == TEXTS[2]["text"]


# Files and pictures


def report() -> bytes:
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 90), "First page on tariffs")
        page = document.new_page()
        page.insert_text((72, 90), "Shipment ZX-4471 leaves in March")
        picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 200, 150))
        picture.set_rect(picture.irect, (20, 90, 200))
        page.insert_image((60, 200, 460, 500), pixmap=picture)
        return document.tobytes()


def test_pages_and_figures_of_what_is_found(api: TestClient):
    pipeline = made(api, "pictured", [])
    file = api.post(f"{V1}/files", files={"upload_file": ("report.pdf", report())}).json()["id"]
    (put,) = api.put(f"{pipeline}/files", json=[{"file_id": file, "custom_metadata": {"topic": "ore"}}]).json()
    assert put["created_at"] > "2020"
    assert status(api, pipeline) == "SUCCESS"
    asked = {"query": "shipment ZX-4471", "alpha": 0, "retrieve_image_nodes": True}
    answer = api.post(f"{pipeline}/retrieve", json=asked).json()
    about = answer["retrieval_nodes"][0]["node"]["extra_info"]
    assert (about["file_name"], about["page_label"], about["topic"]) == ("report.pdf", 2, "ore")
    (figure,) = answer["page_figure_nodes"]
    shot = next(each for each in answer["image_nodes"] if each["node"]["page_index"] == 1)
    path = f"{V1}/files/{file}/page_screenshots/{shot['node']['page_index']}"
    picture = api.get(path)
    assert (picture.headers["content-type"], len(picture.content)) == ("image/jpeg", shot["node"]["image_size"])
    link = api.post(f"{path}/presigned_url").json()["url"]
    assert api.get(link, headers={}).content == picture.content
    crop = api.get(f"{V1}/files/{file}/page-figures/1/{figure['node']['figure_name']}")
    assert len(crop.content) == figure["node"]["figure_size"]
    assert api.get(f"{V1}/files/{file}/page_screenshots/9").status_code == 404


def test_files_come_in_one_step_or_two_and_go(api: TestClient, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    told = api.put(f"{V1}/files", json={"name": "later.txt", "external_file_id": "x"}).json()
    assert api.get(f"{V1}/files/{told['file_id']}/content").status_code == 200
    assert api.put(told["url"], content=b"abc").status_code == 200
    assert api.put(told["url"].replace("links/", "links/x"), content=b"abc").status_code == 404
    link = api.get(f"{V1}/files/{told['file_id']}/content").json()["url"]
    assert api.get(link).content == b"abc"
    assert link.rpartition("/")[2] not in str([vars(record) for record in caplog.records if "httpx" not in record.name])
    shown = api.get(f"{V1}/files/{told['file_id']}").json()
    assert (shown["name"], shown["file_size"], shown["external_file_id"]) == ("later.txt", 3, "x")
    assert api.delete(f"{V1}/files/{told['file_id']}").status_code == 204
    assert api.get(f"{V1}/files/{told['file_id']}").status_code == 404


def test_private_addresses_are_not_fetched(api: TestClient):
    assert api.put(f"{V1}/files/upload_from_url", json={"url": "http://127.0.0.1:9/a.pdf"}).status_code == 400


# Sources


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source_type": "SHAREPOINT", "component": {}}, "Copy it into an S3 bucket"),
        ({"source_type": "S3", "component": {"bucket": "b"}}, "fetch_s3_buckets"),
        ({"source_type": "S3", "component": {"bucket": "b", "regex_pattern": ".*"}}, "prefix"),
        ({"source_type": "S3", "component": {"bucket": "b", "s3_endpoint_url": "http://169.254.169.254"}}, "endpoint"),
        ({"source_type": "S3", "component": {"bucket": "b"}, "custom_metadata": {"a": 1}}, ".meta.json"),
    ],
)
def test_source_that_is_not_read_is_refused_with_a_way_out(api: TestClient, given: dict, said: str):
    answer = api.post(f"{V1}/data-sources", json={"name": "x", **given})
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.text
    assert api.get(f"{V1}/data-sources").json() == []


# Retrievers


def test_retriever_asks_all_its_indexes(api: TestClient, index: str):
    other = made(api, "metals", [{"id": "t", "text": "Tariffs for tungsten rose."}])
    parts = [{"pipeline_id": path.rpartition("/")[2], "name": None, "description": None} for path in (index, other)]
    kept = api.put(f"{V1}/retrievers", json={"name": "both", "pipelines": parts}).json()
    answer = api.post(
        f"{V1}/retrievers/{kept['id']}/retrieve", json={"query": "tungsten tariffs", "mode": "full"}
    ).json()
    assert answer["nodes"][0]["node"]["metadata"]["document_id"] == "t"
    assert answer["nodes"][0]["node"]["retriever_pipeline_name"] == "metals"
    assert [each["name"] for each in api.get(f"{V1}/retrievers", params={"name": "both"}).json()] == ["both"]
    assert api.delete(f"{V1}/retrievers/{kept['id']}").status_code == 204
    assert api.get(f"{V1}/retrievers/{kept['id']}").status_code == 404
