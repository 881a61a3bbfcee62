"""Conformance of a server with LlamaCloud's newer Python SDK `llama-cloud` 2.x: what its quick start uses, and more.

    BASE_URL=http://127.0.0.1:PORT API_KEY=... python llamacloud_v2.py

Needs the SDK and pymupdf. Prints `ok NAME` or `FAIL NAME: why` per step, then `N passed, M failed`; `ONLY` selects steps by
a regular expression. Inputs are made here, with known content.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import uuid
from pathlib import Path

import httpx
import llama_cloud
import pymupdf
from llama_cloud import AsyncLlamaCloud, LlamaCloud

BASE_URL, API_KEY = os.environ["BASE_URL"].rstrip("/"), os.environ["API_KEY"]
os.environ["LLAMA_CLOUD_BASE_URL"], os.environ["LLAMA_CLOUD_API_KEY"] = BASE_URL, API_KEY
DIR = Path(tempfile.mkdtemp(prefix="llamacloud-v2-"))
RESULTS: list[bool] = []
STATE: dict = {}
WRONG = (
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    httpx.HTTPError,
    llama_cloud.LlamaCloudError,
)
"""What a server that answers wrongly makes of a step; anything else is the script's own fault, and ends it."""
client = LlamaCloud()


def step(name):
    def run(function):
        if os.environ.get("ONLY") and not re.search(os.environ["ONLY"], name):
            return function
        try:
            function()
            RESULTS.append(True)
            print(f"ok {name}", flush=True)
        except WRONG as error:
            RESULTS.append(False)
            print(f"FAIL {name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}", flush=True)
        return function

    return run


def eq(got, want, what=""):
    assert got == want, f"{what} got {got!r}, want {want!r}"


TABLE = [["Site", "Tonnes"], ["Halden", "48213"], ["Kirkenes", "12907"]]


def make_report(path: Path) -> Path:
    document = pymupdf.open()
    page = document.new_page(width=612, height=792)
    page.insert_text((72, 90), "Quarterly Report", fontsize=24, fontname="hebo")
    page.insert_text((72, 140), "Reference: QR-7719", fontsize=11)
    page.insert_text((72, 160), f"Run: {uuid.uuid4().hex}", fontsize=11)
    page = document.new_page(width=612, height=792)
    for row, cells in enumerate(TABLE):
        for column, cell in enumerate(cells):
            box = (72 + 120 * column, 150 + 28 * row, 192 + 120 * column, 178 + 28 * row)
            page.draw_rect(box, width=0.8)
            page.insert_text((box[0] + 4, box[3] - 8), cell, fontsize=10, fontname="hebo" if row == 0 else "helv")
    page = document.new_page(width=612, height=792)
    page.insert_text((72, 100), "Closing remark: shipment ZX-4471 leaves on Monday.", fontsize=11)
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 160, 120))
    picture.set_rect(picture.irect, (20, 90, 200))
    page.insert_image((100, 200, 340, 380), pixmap=picture)
    document.save(path)
    return path


REPORT = make_report(DIR / "report.pdf")
CV = DIR / "cv.md"
CV.write_text("# CV\n\nFull name: Maria Lindqvist\n\nEmail: maria.lindqvist@example.com\n\nSkills: Python, Rust\n")
SCHEMA = {
    "type": "object",
    "required": ["full_name", "email", "skills"],
    "properties": {
        "full_name": {"type": "string", "description": "Full name of candidate"},
        "email": {"type": "string", "description": "Email address"},
        "skills": {"type": "array", "items": {"type": "string"}, "description": "Technical skills"},
    },
}
MARIA = {"full_name": "Maria Lindqvist", "email": "maria.lindqvist@example.com", "skills": ["Python", "Rust"]}


@step("files.create_and_retrieve")
def _():
    made = STATE["file"] = client.files.create(file=REPORT, purpose="parse", external_file_id="ext-1")
    eq((made.name, made.external_file_id), ("report.pdf", "ext-1"))
    eq(client.files.retrieve(made.id).name, "report.pdf")


@step("files.content")
def _():
    link = client.files.content(STATE["file"].id)
    eq(httpx.get(link.url).content, REPORT.read_bytes())


@step("files.list_pages")
def _():
    more = client.files.create(file=("cv.md", CV.read_bytes(), "text/markdown"), purpose="extract")
    STATE["cv"] = more
    listed = [each.id for each in client.files.list(page_size=1)]
    assert {STATE["file"].id, more.id} <= set(listed), listed
    eq([each.id for each in client.files.list(file_ids=[more.id])], [more.id])
    eq([each.id for each in client.files.list(external_file_id="ext-1")][0], STATE["file"].id)
    eq(client.files.query(filter={"file_ids": [more.id]}).items[0].name, "cv.md")


@step("parsing.parse_file_id")
def _():
    found = STATE["parsed"] = client.parsing.parse(
        tier="agentic",
        version="latest",
        file_id=STATE["file"].id,
        expand=["text", "markdown", "items", "metadata", "job_metadata", "text_full", "markdown_full"],
    )
    eq((found.job.status, found.job.tier), ("COMPLETED", "agentic"))
    eq([page.page_number for page in found.text.pages], [1, 2, 3])
    assert "Quarterly Report" in found.markdown.pages[0].markdown
    assert "ZX-4471" in found.text.pages[2].text and "ZX-4471" in found.text_full
    assert found.markdown_full.count("Kirkenes") == 1
    eq(found.job_metadata["job_pages"], 3)


@step("parsing.items")
def _():
    pages = STATE["parsed"].items.pages
    heading = pages[0].items[0]
    eq((heading.type, heading.level, heading.value), ("heading", 1, "Quarterly Report"))
    assert abs(heading.bbox[0].x - 72) < 12, heading.bbox
    table = next(item for item in pages[1].items if item.type == "table")
    eq(table.rows, TABLE)
    assert "<td" in table.html and '"Kirkenes"' in table.csv
    eq((pages[0].page_width, pages[0].success), (612.0, True))
    assert 0 < STATE["parsed"].metadata.pages[0].confidence <= 1


@step("parsing.tables_are_html_unless_markdown_is_asked_for")
def _():
    assert "<table" in STATE["parsed"].markdown.pages[1].markdown
    options = {"markdown": {"tables": {"output_tables_as_markdown": True}}}
    found = client.parsing.parse(
        tier="cost_effective", version="latest", upload_file=REPORT, expand=["markdown"], output_options=options
    )
    assert re.search(r"\| *Kirkenes *\| *12907 *\|", found.markdown.pages[1].markdown)


@step("parsing.pages_count_from_one")
def _():
    ranges = {"target_pages": "1,3"}
    found = client.parsing.parse(
        tier="agentic", version="latest", file_id=STATE["file"].id, page_ranges=ranges, expand=["text"]
    )
    eq([page.page_number for page in found.text.pages], [1, 3])
    first = client.parsing.parse(
        tier="fast", version="latest", file_id=STATE["file"].id, page_ranges={"max_pages": 1}, expand=["text"]
    )
    eq([page.page_number for page in first.text.pages], [1])


@step("parsing.crop_box")
def _():
    found = client.parsing.parse(
        tier="agentic",
        version="latest",
        file_id=STATE["file"].id,
        crop_box={"top": 0.15, "bottom": 0.9},
        expand=["text"],
    )
    assert "Quarterly" not in found.text.pages[0].text and "QR-7719" in found.text.pages[0].text, found.text.pages[0]


@step("parsing.images_and_linked_results")
def _():
    made = client.parsing.create(
        tier="agentic",
        version="latest",
        file_id=STATE["file"].id,
        output_options={"images_to_save": ["screenshot", "embedded"]},
        user_metadata={"customer": "ada"},
    )
    client.parsing.wait_for_completion(made.id)
    found = client.parsing.get(
        made.id, expand=["images_content_metadata", "markdown_content_metadata", "xlsx_content_metadata"]
    )
    eq(found.job.user_metadata, {"customer": "ada"})
    shown = found.images_content_metadata
    eq(shown.total_count, 4)
    eq(sorted({each.category for each in shown.images}), ["embedded", "screenshot"])
    for each in shown.images:
        data = httpx.get(each.presigned_url).content
        assert data[:3] == b"\xff\xd8\xff" or data[1:4] == b"PNG", each.filename
    parts = found.result_content_metadata
    text = httpx.get(parts["markdown"].presigned_url).content
    eq(len(text), parts["markdown"].size_bytes)
    assert b"ZX-4471" in text
    eq(httpx.get(parts["xlsx"].presigned_url).content[:2], b"PK")
    eq(httpx.get(shown.images[0].presigned_url.replace("/results/", "/results/x")).status_code, 404)


@step("parsing.cache")
def _():
    def hit(**options):
        ask = {"tier": "agentic", "version": "latest", "file_id": STATE["file"].id, "expand": ["job_metadata"]}
        return client.parsing.parse(**ask, **options).job_metadata["job_is_cache_hit"]

    eq(hit(disable_cache=True), False)
    eq(hit(), True)


@step("parsing.failures_raise")
def _():
    try:
        client.parsing.parse(
            tier="agentic", version="latest", upload_file=("broken.pdf", b"%PDF-1.7 no document"), expand=["text"]
        )
    except llama_cloud.PollingError as error:
        assert "FAILED" in str(error), error
        return
    raise AssertionError("did not raise")


@step("parsing.list_and_delete")
def _():
    job = STATE["parsed"].job
    assert job.id in [each.id for each in client.parsing.list(page_size=2)]
    assert [each.id for each in client.parsing.list(status="FAILED")]
    eq(client.parsing.delete(job.id).id, job.id)
    try:
        client.parsing.get(job.id)
    except llama_cloud.NotFoundError:
        return
    raise AssertionError("is still there")


@step("parsing.async_client")
def _():
    async def main():
        async with AsyncLlamaCloud() as other:
            return await asyncio.gather(
                *[
                    other.parsing.parse(tier="fast", version="latest", upload_file=CV, expand=["markdown"])
                    for _ in range(3)
                ]
            )

    for found in asyncio.run(main()):
        assert "Maria Lindqvist" in found.markdown.pages[0].markdown


@step("extract.run")
def _():
    job = client.extract.run(file_input=STATE["cv"].id, configuration={"data_schema": SCHEMA})
    eq((job.status, job.extract_result, job.extract_metadata), ("COMPLETED", MARIA, None))
    eq(job.metadata.usage.num_pages_extracted, 1)


@step("extract.citations_and_confidence")
def _():
    configuration = {
        "data_schema": {"type": "object", "properties": {"reference": {"type": "string", "description": "Reference"}}},
        "cite_sources": True,
        "confidence_scores": True,
        "tier": "agentic_plus",
    }
    job = client.extract.run(file_input=STATE["file"].id, configuration=configuration)
    eq(job.extract_result, {"reference": "QR-7719"})
    leaf = job.extract_metadata.field_metadata.document_metadata["reference"]
    assert 0 < leaf["confidence"] <= 1, leaf
    citation = leaf["citation"][0]
    eq(citation["page"], 1)
    assert "QR-7719" in citation["matching_text"] and citation["bounding_boxes"], citation


@step("extract.of_a_parse_job")
def _():
    parsed = client.parsing.create(tier="agentic", version="latest", file_id=STATE["cv"].id)
    client.parsing.wait_for_completion(parsed.id)
    job = client.extract.run(file_input=parsed.id, configuration={"data_schema": SCHEMA})
    eq((job.file_input, job.extract_result), (parsed.id, MARIA))


@step("extract.targets_and_pages")
def _():
    rows = {"type": "object", "properties": {"site": {"type": "string"}, "tonnes": {"type": "integer"}}}
    job = client.extract.run(
        file_input=STATE["file"].id,
        configuration={"data_schema": rows, "extraction_target": "per_table_row", "cite_sources": True},
    )
    eq(job.extract_result, [{"site": "Halden", "tonnes": 48213}, {"site": "Kirkenes", "tonnes": 12907}])
    eq(len(job.extract_metadata.field_metadata.row_metadata), 2)
    pages = {"data_schema": rows, "extraction_target": "per_page", "target_pages": "1,3"}
    eq(len(client.extract.run(file_input=STATE["file"].id, configuration=pages).extract_result), 2)


@step("extract.saved_configuration")
def _():
    saved = client.configurations.create(
        name="cv", parameters={"product_type": "extract_v2", "data_schema": SCHEMA, "tier": "agentic"}
    )
    job = client.extract.run(file_input=STATE["cv"].id, configuration_id=saved.id)
    eq((job.configuration_id, job.extract_result), (saved.id, MARIA))
    eq([each.id for each in client.extract.list(configuration_id=saved.id)], [job.id])
    eq(client.configurations.retrieve(saved.id).name, "cv")
    client.configurations.delete(saved.id)


@step("extract.schema")
def _():
    eq(client.extract.validate_schema(data_schema=SCHEMA).data_schema, SCHEMA)
    try:
        client.extract.validate_schema(data_schema={"type": "array", "items": {}})
    except llama_cloud.BadRequestError:
        pass
    else:
        raise AssertionError("accepted")
    made = client.extract.generate_schema(file_id=STATE["cv"].id, name="like this")
    assert "email" in json.dumps(made.parameters.data_schema), made


@step("extract.list_and_delete")
def _():
    jobs = list(client.extract.list(page_size=2, expand=["configuration"]))
    assert len(jobs) >= 6 and all(job.configuration.data_schema for job in jobs)
    client.extract.delete(jobs[0].id)
    assert jobs[0].id not in [job.id for job in client.extract.list()]


@step("extract.unknown_file_is_404")
def _():
    try:
        client.extract.create(file_input=str(uuid.uuid4()), configuration={"data_schema": SCHEMA})
    except llama_cloud.NotFoundError:
        return
    raise AssertionError("accepted")


@step("parse.versions")
def _():
    found = client.parsing.list_versions()
    eq(found.latest.agentic, found.agentic[0])
    path = DIR / "versioned.txt"
    path.write_text("The harbour is closed.")
    result = client.parsing.parse(tier="fast", version=found.latest.fast, upload_file=path, expand=["text"])
    assert "harbour" in result.text.pages[0].text, result.text


@step("pipelines.lists_and_metadata")
def _():
    made = [client.pipelines.create(name=name) for name in ("v2-a", "v2-b")]
    listed = list(client.pipelines.list_paginated(page_size=1))
    assert {each.id for each in made} <= {each.id for each in listed}, listed
    eq([each.id for each in client.pipelines.list_paginated(name="v2-b")], [made[1].id])
    pipeline = made[0].id
    client.pipelines.files.create(pipeline, body=[{"file_id": STATE["cv"].id}])
    name = client.files.retrieve(STATE["cv"].id).name
    told = client.pipelines.metadata.create(pipeline, upload_file=f"file_name,team\n{name},hr\n".encode())
    eq(told["updated_files"], "1")
    (file,) = client.pipelines.files.list(pipeline)
    eq(file.custom_metadata, {"team": "hr"})
    client.pipelines.metadata.delete_all(pipeline)
    eq(next(iter(client.pipelines.files.list(pipeline))).custom_metadata, {})
    while client.pipelines.get_status(pipeline).status == "IN_PROGRESS":
        pass
    eq(client.pipelines.documents.get_status_counts(pipeline).counts, {"SUCCESS": 1})
    for each in made:
        client.pipelines.delete(each.id)


@step("projects_and_retrievers.list")
def _():
    (project,) = client.v2_projects.list()
    eq(client.v2_projects.get(project.id).name, "Default")
    made = client.retrievers.create(name="v2-retriever")
    eq([each.id for each in client.retrievers.list_paginated(name="v2-retriever")], [made.id])
    client.retrievers.delete(made.id)
    eq([each.name for each in client.extraction_agents.list() if each.name == "none"], [])


@step("what_is_not_served_says_so")
def _():
    try:
        client.indexes.list()
    except llama_cloud.NotFoundError as error:
        assert "docmill does not serve GET /api/v1/indexes" in str(error), error
    else:
        raise AssertionError("served")


@step("files.delete")
def _():
    client.files.delete(STATE["cv"].id)
    try:
        client.files.retrieve(STATE["cv"].id)
    except llama_cloud.NotFoundError:
        return
    raise AssertionError("is still there")


@step("wrong_key_is_refused")
def _():
    try:
        LlamaCloud(api_key="llx-wrong").files.list()
    except llama_cloud.AuthenticationError:
        return
    raise AssertionError("accepted")


print(f"{sum(RESULTS)} passed, {len(RESULTS) - sum(RESULTS)} failed")
sys.exit(0 if all(RESULTS) else 1)
