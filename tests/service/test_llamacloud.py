"""LlamaCloud's Parse without its SDK: what that never shows, and what documents with faults give."""

import io
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pymupdf
import pytest
from starlette.testclient import TestClient

from docmill.config import ExtractConfig, Mode
from docmill.errors import EmptyDocumentError, IncompleteDocumentError
from docmill.models import BBox, Cell, Element, ElementType, Extraction, Page, PageStatus, Region, Table
from docmill.service import create_app
from docmill.service.llamacloud.bundle import Parsed, Result, pack, picture_of, result_of
from docmill.service.llamacloud.options import ParseOptions, options_of
from docmill.service.llamacloud.pages import add_merged, page_of, quoted_csv, sides_of, table_rows
from docmill.service.llamacloud.work import ParseTask, _refuse_failures, parse_document
from docmill.service.problems import Problem
from docmill.settings import BatchLimits, ServiceSettings, Settings
from docmill.workspace import Workspace

OWN = ExtractConfig(mode=Mode.FAST)


def pdf(*pages: str) -> bytes:
    with pymupdf.open() as document:
        for text in pages:
            page = document.new_page()
            if text:
                page.insert_text((60, 80), text)
        return document.tobytes()


def parsed(data: bytes, name: str = "a.pdf", **options: object):
    return parse_document(ParseTask(data, name, OWN, ParseOptions(**options)))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("llamacloud")
    limits = ServiceSettings(hold_seconds=60)
    workspace = Workspace(Settings(home=home, batch=BatchLimits(), workers={"processes": 1}, service=limits))
    with TestClient(create_app(workspace), raise_server_exceptions=False) as opened:
        yield opened
    workspace.close()


def uploaded(client: TestClient, data: bytes, name: str = "a.pdf", **options: str) -> dict:
    answer = client.post("/api/parsing/upload", files={"file": (name, data)}, data=options)
    assert answer.status_code == 200, answer.text
    return ended(client, answer.json()["id"])


def ended(client: TestClient, job_id: str) -> dict:
    """The state that the job ends in: each question is held, but a busy machine may need longer."""
    found = {"status": "PENDING"}
    while found["status"] == "PENDING":
        found = client.get(f"/api/v1/parsing/job/{job_id}").json()
    return found


def metadata(client: TestClient, job: dict) -> dict:
    return client.get(f"/api/parsing/job/{job['id']}/result/json").json()["job_metadata"]


# Options


def form(**fields: str) -> ParseOptions:
    return options_of({name: [value] for name, value in fields.items()}, OWN)


def test_target_pages_count_from_zero_and_are_put_in_order():
    assert form(target_pages="5-7,0,2,6").pages == ((1, 1), (3, 3), (6, 8))


def test_max_pages_are_the_first_of_the_chosen():
    assert form(target_pages="0,4-9", max_pages="3").pages == ((1, 1), (5, 6))
    assert form(max_pages="2").pages == ((1, 2),)


@pytest.mark.parametrize(
    "fields",
    [
        {"target_pages": "2-1"},
        {"target_pages": "x"},
        {"language": "xx"},
        {"bbox_top": "1.5"},
        {"structured_output": "true"},
        {"structured_output": "true", "structured_output_json_schema": "[1]"},
    ],
)
def test_impossible_options_are_refused(fields: dict[str, str]):
    with pytest.raises(Problem) as refused:
        form(**fields)
    assert refused.value.status == 400


def test_vendors_models_and_unknown_fields_change_nothing():
    assert form(model="anthropic-sonnet-4.0", vendor_multimodal_api_key="k", future="1") == form()


def test_modes_and_tiers_decide_how_much_is_done():
    assert form(fast_mode="true").config(ExtractConfig()).mode is Mode.FAST
    assert form(parse_mode="parse_page_with_llm").config(ExtractConfig()).mode is Mode.AUTO
    assert form(tier="agentic_plus").config(ExtractConfig()).mode is Mode.ACCURATE
    assert form(high_res_ocr="true").config(ExtractConfig()).ocr_dpi == 300


# Pages


def test_a_blank_page_among_others_is_there():
    pages = parsed(pdf("One", "", "Three")).pages
    assert [(page["page"], page["status"], page["noTextContent"]) for page in pages] == [
        (1, "OK", False),
        (2, "BLANK", True),
        (3, "OK", False),
    ]


def test_a_document_of_blank_pages_has_its_pages():
    found = parsed(pdf("", ""))
    assert [(page["status"], page["width"]) for page in found.pages] == [("BLANK", 595.0)] * 2


def test_pages_past_the_end_are_dropped_and_none_left_is_an_error():
    assert [page["page"] for page in parsed(pdf("One", "Two"), target_pages="1,7").pages] == [2]
    with pytest.raises(EmptyDocumentError):
        parsed(pdf("One"), target_pages="7")


def test_a_failed_page_says_so_and_shows_what_was_asked_for():
    page = Page(number=1, width=100, height=100, status=PageStatus.FAILED, reason="It is damaged.")
    extraction = Extraction(media_type="application/pdf", elements=(), pages=(page,))
    options = ParseOptions(
        replace_failed_page_mode="error_message", replace_failed_page_with_error_message_prefix="FAILED: "
    )
    shown = page_of(sides_of(extraction, options)[0], extraction, options, {})
    assert (shown["status"], shown["error"], shown["md"]) == ("FAILED", "It is damaged.", "FAILED: It is damaged.")


def test_margins_cut_off_what_stands_in_them():
    with pymupdf.open() as document:
        page = document.new_page(width=600, height=800)
        page.insert_text((60, 20), "Running head")
        page.insert_text((60, 400), "The body of it")
        found = parsed(document.tobytes(), bbox_top=0.1).pages[0]
    assert "body" in found["text"]
    assert "head" not in found["text"]


def test_a_sheet_is_a_page_with_its_name():
    book = openpyxl.Workbook()
    book.active.title = "North"
    book.active.append(["Site", "Tonnes"])
    book.create_sheet("South").append(["Site", "Cost"])
    out = io.BytesIO()
    book.save(out)
    pages = parsed(out.getvalue(), "a.xlsx").pages
    assert [(page["page"], page["md"].splitlines()[0]) for page in pages] == [(1, "# North"), (2, "# South")]


def test_a_rule_of_its_own_does_not_part_the_pages():
    page = parsed(b"Before\n\n```\n---\n```\n\nAfter\n", "a.md").pages[0]
    assert "---" not in [*page["md"].split("\n"), *page["text"].split("\n")]


def test_merged_cells_repeat_their_text_and_csv_is_quoted():
    cells = (
        Cell(row=0, column=0, text="A", column_span=2),
        Cell(row=1, column=0, text="1"),
        Cell(row=1, column=1, text='"'),
    )
    rows = table_rows(Table(rows=2, columns=2, cells=cells))
    assert rows == [["A", "A"], ["1", '"']]
    assert quoted_csv(rows) == '"A","A"\n"1",""""'


def test_printed_page_numbers_are_told_apart_from_other_feet():
    page = Page(number=3, width=100, height=100)

    def printed(foot: str) -> object:
        element = Element(ordinal=0, type=ElementType.FOOTER, text=foot, page=3)
        extraction = Extraction(media_type="application/pdf", elements=(element,), pages=(page,))
        options = ParseOptions(extract_printed_page_number=True)
        return page_of(sides_of(extraction, options)[0], extraction, options, {})["printedPageNumber"]

    assert [printed(foot) for foot in ("- 7 -", "Page 12 of 20", "Report\nxiv", "Civil code", "2026-11-21")] == [
        "7", "12", "xiv", None, None,
    ]  # fmt: skip


def test_table_that_goes_on_stands_whole_in_the_joined_text_where_asked():
    cells = tuple(Cell(row=row, column=0, text=f"r{row}", page=1 + row // 2) for row in range(4))
    place = Region(page=2, bbox=BBox(x0=0, y0=0, x1=9, y1=9))
    table = Element(
        ordinal=0, type=ElementType.TABLE, text="r0", page=1, bbox=place.bbox, continued=(place,),
        table=Table(rows=4, columns=1, cells=cells),
    )  # fmt: skip
    after = Element(ordinal=1, type=ElementType.TEXT, text="After", page=2)
    both = (Page(number=1, width=9, height=9), Page(number=2, width=9, height=9))
    extraction = Extraction(media_type="application/pdf", elements=(table, after), pages=both)
    options = ParseOptions(merge_tables_across_pages_in_markdown=True)
    sides = sides_of(extraction, options)
    pages = [page_of(side, extraction, options, {}) for side in sides]
    add_merged(pages, sides, extraction, options, {})
    first, _, second = Result("j", options, pages, "j").joined("md").partition("\n---\n")
    assert ("r3" in first, second, "r3" in str(pages[1]["md"])) == (True, "After", True)


def test_compact_tables_keep_pipes_of_their_cells():
    page = parsed(b"a,b\nx|y,2\n", "a.csv", compact_markdown_table=True).pages[0]
    assert str(page["md"]).splitlines()[-3:] == ["|a|b|", "|---|---|", r"|x\|y|2|"]


def test_screenshots_objects_and_crops_have_the_names_that_the_sdk_tells_apart():
    with pymupdf.open() as document:
        page = document.new_page(width=600, height=800)
        page.insert_text((60, 80), "Text above a picture")
        picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 200, 150))
        picture.set_rect(picture.irect, (20, 90, 200))
        page.insert_image((60, 200, 460, 500), pixmap=picture)
        data = document.tobytes()
    found = parse_document(
        ParseTask(data, "a.pdf", ExtractConfig(), ParseOptions(save_images=True, extract_layout=True))
    )
    assert [image["name"] for image in found.pages[0]["images"]] == ["page_1.jpg", "img_p0_1.png"]
    assert set(found.pictures) == {"page_1.jpg", "img_p0_1.png", "page_1_figure_1.jpg"}
    assert (found.pages[0]["images"][0]["original_width"], found.pages[0]["images"][1]["x"]) == (1200, 60)


def test_the_same_document_gives_the_same_bytes():
    data = pdf("One", "Two")
    assert pack(parsed(data, save_images=True), "j") == pack(parsed(data, save_images=True), "j")
    assert picture_of(pack(parsed(data), "j"), "page_1.jpg") is None


def test_separators_may_hold_the_number_of_the_next_page():
    blob = pack(parsed(pdf("One", "Two")), "other")
    result: Result = result_of(blob, "mine", ParseOptions(page_separator="\n== {page_number} ==\n", page_prefix="<"))
    assert result.joined("text") == "<One\n== 2 ==\n<Two"
    assert result.metadata()["job_is_cache_hit"] is True


# The service


def test_errors_have_the_codes_of_the_protocol(client: TestClient):
    assert uploaded(client, b"%PDF-1.7 no document")["error_code"] == "INVALID_FILE"
    assert uploaded(client, pdf("One"), target_pages="9")["error_code"] == "NO_DATA_FOUND_IN_FILE"
    job = uploaded(client, b"\x7fELF" + bytes(60), "a.out")
    assert (job["status"], job["error_code"]) == ("ERROR", "UNSUPPORTED_FILE_TYPE")
    assert job["error_message"]


def test_failures_are_not_cached_and_do_not_cache_is_not_kept(client: TestClient):
    data = pdf("Not kept")
    for _ in range(2):
        assert metadata(client, uploaded(client, data, do_not_cache="true"))["job_is_cache_hit"] is False
    assert metadata(client, uploaded(client, data))["job_is_cache_hit"] is False
    again = uploaded(client, data)
    assert metadata(client, again)["job_is_cache_hit"] is True
    assert metadata(client, uploaded(client, data, invalidate_cache="true"))["job_is_cache_hit"] is False


def test_strict_jobs_fail_where_a_page_does():
    pages = [{"page": 1, "status": "OK"}, {"page": 2, "status": "FAILED"}]
    _refuse_failures(Parsed(pages, {}, b""), ParseOptions())
    with pytest.raises(IncompleteDocumentError):
        _refuse_failures(Parsed(pages, {}, b""), ParseOptions(strict_mode_image_ocr=True))
    with pytest.raises(IncompleteDocumentError):
        _refuse_failures(Parsed(pages[:1], {}, b"", (1,)), ParseOptions(strict_mode_reconstruction=True))


def test_what_is_told_of_a_job(client: TestClient):
    data = pdf("Told")
    job = uploaded(client, data, "told.pdf", target_pages="0")
    told = client.get(f"/api/v1/parsing/job/{job['id']}/details").json()
    assert (told["file_name"], told["status"], told["ended_at"] > told["created_at"]) == ("told.pdf", "SUCCESS", True)
    assert client.get(f"/api/v1/parsing/job/{job['id']}/parameters").json()["target_pages"] == "0"
    assert client.get(f"/api/v1/parsing/job/{job['id']}/result/pdf").content == data


def test_pictures_of_pages_alone_and_of_files_that_were_uploaded_before(client: TestClient):
    file = client.post("/api/v1/files", files={"upload_file": ("a.pdf", pdf("Kept"))}).json()["id"]
    job = client.post("/api/v1/parsing/screenshot", data={"file_id": file}).json()
    assert ended(client, job["id"])["status"] == "SUCCESS"
    (page,) = client.get(f"/api/parsing/job/{job['id']}/result/json").json()["pages"]
    assert ([image["name"] for image in page["images"]], page["text"]) == (["page_1.jpg"], "Kept")


def test_private_addresses_are_refused_as_a_failure_of_the_job(client: TestClient):
    answer = client.post("/api/v1/parsing/upload", data={"input_url": "http://127.0.0.1:9/a.pdf"}).json()
    job = ended(client, answer["id"])
    assert (job["status"], job["error_code"]) == ("ERROR", "URL_FETCH_FAILED")


def test_refusals_have_the_shape_that_the_sdk_reads(client: TestClient):
    assert client.post("/api/parsing/upload").status_code == 400
    unknown = client.get(f"/api/parsing/job/{uuid.uuid4()}")
    assert (unknown.status_code, list(unknown.json())) == (404, ["detail"])
    wrong = client.get("/api/v1/projects", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()) == (401, {"detail": "Invalid API key"})


def test_connections_of_the_python_client_are_ended(client: TestClient):
    given = client.get("/api/v1/projects", headers={"User-Agent": "python-httpx/0.28"})
    assert given.headers["connection"] == "close"
    assert "connection" not in client.get("/api/v1/projects", headers={"User-Agent": "node"}).headers


def test_a_question_for_the_state_is_held_until_the_end(client: TestClient):
    answer = client.post("/api/parsing/upload", files={"file": ("a.pdf", pdf("Held"))}).json()
    since = time.monotonic()
    assert client.get(f"/api/parsing/job/{answer['id']}").json()["status"] == "SUCCESS"
    assert time.monotonic() - since < 55
