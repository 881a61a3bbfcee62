"""Outputs of a document: their names, and what stands in them."""

import io
import json

import pytest
from PIL import Image

from docmill.config import ExtractConfig
from docmill.errors import LimitExceededError, UsageError
from docmill.extract.outputs import Depth, Form, OutputOptions, Source, outputs, single
from docmill.extract.page_pictures import page_pictures
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.registry import read
from docmill.models import ElementType

CONFIG = ExtractConfig()


@pytest.fixture(scope="module")
def document() -> bytes:
    """Two pages: a title and text with a figure, then a ruled table."""
    made = pymupdf.open()
    page = made.new_page()
    page.insert_text((72, 90), "Annual Report", fontsize=24)
    page.insert_textbox((72, 120, 500, 200), "The committee reads the report and agrees. " * 6, fontsize=11)
    page.insert_image((100, 300, 400, 500), stream=png())
    page = made.new_page()
    for row in range(4):
        for column in range(2):
            box = pymupdf.Rect(72 + 150 * column, 100 + 20 * row, 222 + 150 * column, 120 + 20 * row)
            page.draw_rect(box)
            page.insert_text((box.x0 + 5, box.y1 - 5), f"{row}.{column}0")
    return made.tobytes()


def png() -> bytes:
    image = Image.effect_noise((300, 200), 90).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def files(document: bytes, *forms: Form, options: OutputOptions | None = None) -> dict[str, bytes]:
    reading = read(document, "report.pdf", CONFIG)
    made = outputs(Source(document), reading, forms, options or OutputOptions(dpi=60), "report")
    return {each.name: each.data for each in made}


def test_every_form_has_its_files(document: bytes):
    assert list(files(document, *Form)) == [
        "report.md",
        "report.txt",
        "report.html",
        "report.json",
        "report.metadata.json",
        "report.xlsx",
        "report/tables/page-0002-table-1.csv",
        "report/figures/page-0001-figure-1.png",
        "report/pages/page-0001.png",
        "report/pages/page-0002.png",
        "report/overlay/page-0001.png",
        "report/overlay/page-0002.png",
    ]


def test_markdown_shows_the_figures_that_lie_beside_it(document: bytes):
    assert b"](report/figures/page-0001-figure-1.png)" in files(document, Form.MARKDOWN, Form.FIGURES)["report.md"]
    assert b"![" not in files(document, Form.MARKDOWN)["report.md"]


def test_html_holds_its_figures(document: bytes):
    text = files(document, Form.HTML)["report.html"]
    assert text.startswith(b"<!DOCTYPE html>")
    assert b'<img src="data:image/png;base64,' in text


def test_text_by_page(document: bytes):
    found = files(document, Form.TEXT, options=OutputOptions(depth=Depth.PAGE))
    assert list(found) == ["report/pages/page-0001.txt", "report/pages/page-0002.txt"]
    assert found["report/pages/page-0002.txt"].startswith(b"0.00 | 0.10\n")


def test_pages_printed_as_one_have_a_form_feed_between(document: bytes):
    reading = read(document, "report.pdf", CONFIG)
    text = single(reading, Form.MARKDOWN, OutputOptions(depth=Depth.PAGE)).decode()
    assert [part[:1] for part in text.split("\f")] == ["#", "<"]


def test_types_can_be_left_out(document: bytes):
    options = OutputOptions(without=frozenset({ElementType.TITLE}))
    assert b"Annual Report" not in files(document, Form.TEXT, options=options)["report.txt"]


def test_several_files_are_no_single_one(document: bytes):
    with pytest.raises(UsageError, match="several files"):
        single(read(document, "report.pdf", CONFIG), Form.OVERLAY, OutputOptions())


def test_metadata_and_outline():
    made = pymupdf.open()
    made.new_page().insert_text((72, 90), "Some text of a page.")
    made.set_metadata({"title": "The Title", "author": "A. Author"})
    made.set_toc([[1, "Start", 1]])
    found = json.loads(files(made.tobytes(), Form.METADATA)["report.metadata.json"])
    assert found["metadata"]["title"] == "The Title"
    assert found["outline"] == [{"title": "Start", "level": 1, "page": 1}]
    assert "elements" not in found


def test_json_has_boxes(document: bytes):
    found = json.loads(files(document, Form.JSON)["report.json"])
    assert all(each["bbox"]["x1"] > each["bbox"]["x0"] for each in found["elements"])


def test_page_pictures_have_the_asked_resolution(document: bytes):
    first, _ = page_pictures(document, "application/pdf", dpi=72)
    assert first.picture.size == (595, 842)


def test_a_page_of_too_many_pixels_names_what_fits():
    made = pymupdf.open()
    made.new_page(width=10_000, height=10_000)
    with pytest.raises(LimitExceededError, match="dpi") as caught:
        next(page_pictures(made.tobytes(), "application/pdf", dpi=300))
    assert "72 dpi" in caught.value.hint


def test_office_documents_have_no_page_pictures():
    reading = read(b"# A title\n", "a.md", CONFIG)
    with pytest.raises(UsageError, match="no pages that can be drawn"):
        list(outputs(Source(b"# A title\n"), reading, [Form.OVERLAY], OutputOptions()))
