"""read_pdf: documents made by pymupdf in the test, one behaviour a test."""

from __future__ import annotations

import subprocess
import sys

import pytest

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, EmptyDocumentError, EncryptedDocumentError, LimitExceededError
from docmill.extract.ocr import Recognised
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.upright import Upright
from docmill.models import BBox, Element, ElementType, Line, PageStatus

FAST = ExtractConfig(mode=Mode.FAST)
PROSE = (
    "The quick brown fox jumps over the lazy dog while the committee reads the report and everybody agrees that it "
    "is a long text which fills several lines of the column in which it stands so that it looks like prose. "
)


def document(pages=1, width=595, height=842):
    made = pymupdf.open()
    for _ in range(pages):
        made.new_page(width=width, height=height)
    return made


def write(page, rect, text, size=11, font="helv"):
    left = page.insert_textbox(pymupdf.Rect(*rect), text, fontsize=size, fontname=font)
    assert left >= 0, "the text does not fit its box"


def elements(made, config=FAST, **options) -> tuple[Element, ...]:
    return read_pdf(made.tobytes(), config, **options).extraction.elements


def of_type(found, kind):
    return [element for element in found if element.type is kind]


def test_no_bytes_is_an_empty_document():
    with pytest.raises(EmptyDocumentError):
        read_pdf(b"", FAST)


def test_other_bytes_are_a_corrupt_document():
    with pytest.raises(CorruptDocumentError) as caught:
        read_pdf(b"not a pdf at all", FAST)
    assert caught.value.hint


def test_blank_pages_are_an_empty_document():
    with pytest.raises(EmptyDocumentError) as caught:
        read_pdf(document(2).tobytes(), FAST)
    assert caught.value.pages == (1, 2)


def test_a_needed_password_is_an_error():
    made = document()
    write(made[0], (72, 72, 500, 200), PROSE)
    data = made.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner")
    with pytest.raises(EncryptedDocumentError):
        read_pdf(data, FAST)


def test_an_empty_user_password_opens():
    made = document()
    write(made[0], (72, 72, 500, 200), PROSE)
    data = made.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="", owner_pw="owner")
    assert read_pdf(data, FAST).extraction.elements[0].text.startswith("The quick brown fox")


def test_too_many_pages_are_an_error():
    with pytest.raises(LimitExceededError, match="3 pages"):
        read_pdf(document(3).tobytes(), ExtractConfig(mode=Mode.FAST, max_pages=2))


def test_a_blank_page_among_others_is_empty():
    made = document(2)
    write(made[1], (72, 72, 500, 200), PROSE)
    pages = read_pdf(made.tobytes(), FAST).extraction.pages
    assert [page.status for page in pages] == [PageStatus.EMPTY, PageStatus.OK]


def test_the_same_bytes_give_the_same_extraction():
    made = document(2)
    for page in made:
        write(page, (72, 72, 500, 200), PROSE)
        page.draw_circle((300, 400), 60, fill=(1, 0, 0))
    data = made.tobytes()
    first, second = read_pdf(data, ExtractConfig()), read_pdf(data, ExtractConfig())
    assert first.extraction.model_dump_json() == second.extraction.model_dump_json()
    assert first.crops == second.crops


def test_ordinals_pages_and_boxes():
    made = document(2)
    for page in made:
        write(page, (72, 72, 500, 200), PROSE)
    found = elements(made)
    assert [element.ordinal for element in found] == list(range(len(found)))
    assert [element.page for element in found] == [1, 2]
    assert found[0].page_size == (595, 842)
    assert 71 <= found[0].bbox.x0 <= 74
    assert 70 <= found[0].bbox.y0 < found[0].bbox.y1 <= 200


def test_broken_words_are_joined_and_numbers_are_not():
    made = document()
    write(made[0], (72, 72, 500, 200), "The result was extra-\nordinary because the range 10-\n20 and -12.50 held.")
    assert elements(made)[0].text == "The result was extraordinary because the range 10-20 and -12.50 held."


def test_a_title_has_a_level_and_its_text_a_parent():
    made = document()
    write(made[0], (72, 72, 500, 120), "Annual Report", size=24)
    write(made[0], (72, 130, 500, 160), "Method", size=16)
    write(made[0], (72, 170, 500, 300), PROSE)
    report, method, text = elements(made)
    assert (report.type, report.level, report.parent) == (ElementType.TITLE, 1, None)
    assert (method.type, method.level, method.parent) == (ElementType.TITLE, 2, report.ordinal)
    assert (text.type, text.parent) == (ElementType.TEXT, method.ordinal)


def test_two_columns_are_read_one_after_the_other():
    made = document()
    write(made[0], (72, 60, 520, 100), "A Title over Both Columns", size=20)
    write(made[0], (72, 120, 280, 400), "LEFT " + PROSE * 2)
    write(made[0], (310, 120, 520, 400), "RIGHT " + PROSE * 2)
    texts = [element.text for element in elements(made)]
    assert texts[0].startswith("A Title")
    assert [text.split()[0] for text in texts[1:]] == ["LEFT", "RIGHT"]


def test_three_columns_are_read_in_order():
    made = document()
    for number, x in enumerate((40, 215, 390)):
        write(made[0], (x, 120, x + 160, 500), f"COLUMN{number} " + PROSE * 2)
    assert [element.text.split()[0] for element in elements(made)] == ["COLUMN0", "COLUMN1", "COLUMN2"]


def test_list_items_have_a_level():
    made = document()
    for number, (x, text) in enumerate([(72, "• first point"), (90, "• nested point"), (72, "• last point")]):
        made[0].insert_text((x, 100 + 16 * number), text, fontname="helv", fontsize=11)
    found = of_type(elements(made), ElementType.LIST_ITEM)
    assert [element.level for element in found] == [1, 2, 1]


def test_repeated_margins_are_headers_and_footers():
    made = document(3)
    for number, page in enumerate(made):
        page.insert_text((72, 40), "Journal of Tests", fontsize=9)
        write(page, (72, 100, 500, 250), PROSE)
        page.insert_text((290, 815), str(number + 1), fontsize=9)
    found = elements(made)
    assert [element.text for element in of_type(found, ElementType.HEADER)] == ["Journal of Tests"] * 3
    assert [element.text for element in of_type(found, ElementType.FOOTER)] == ["1", "2", "3"]


def test_boxes_are_those_of_the_page_as_displayed():
    made = document()
    write(made[0], (72, 72, 500, 200), PROSE)
    made[0].set_rotation(90)
    (found,) = elements(made)
    assert found.page_size == (842, 595)
    assert found.text.startswith("The quick brown fox")
    assert found.bbox.x0 > 842 / 2, "turned clockwise, the top of the page is on the right"


def test_a_link_stands_on_its_element():
    made = document()
    write(made[0], (72, 72, 500, 200), PROSE)
    made[0].insert_link({"kind": pymupdf.LINK_URI, "from": pymupdf.Rect(72, 72, 92, 88), "uri": "https://example.org/"})
    (found,) = elements(made)
    assert [(link.uri, link.text) for link in found.links] == [("https://example.org/", "The")]


def test_metadata_and_outline_are_kept():
    made = document()
    write(made[0], (72, 72, 500, 120), "Annual Report", size=24)
    made.set_metadata({"title": "Report", "author": "A. Writer"})
    made.set_toc([[1, "Annual Report", 1]])
    extraction = read_pdf(made.tobytes(), FAST).extraction
    assert extraction.metadata["title"] == "Report"
    assert extraction.metadata["author"] == "A. Writer"
    assert [(entry.title, entry.level, entry.page) for entry in extraction.outline] == [("Annual Report", 1, 1)]


def picture() -> bytes:
    pixels = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 200, 150))
    pixels.set_rect(pixels.irect, (200, 30, 30))
    return pixels.tobytes("png")


def test_a_figure_has_a_crop_and_its_caption_describes_it():
    made = document()
    made[0].insert_image(pymupdf.Rect(100, 100, 300, 250), stream=picture())
    made[0].insert_text((100, 268), "Figure 1: A red box", fontsize=10)
    reading = read_pdf(made.tobytes(), ExtractConfig(mode=Mode.FAST))
    image, caption = reading.extraction.elements
    assert image.type is ElementType.IMAGE
    assert reading.crops[image.crop.sha256].startswith(b"\x89PNG")
    assert (caption.type, caption.describes) == (ElementType.CAPTION, image.ordinal)


def test_no_crops_when_switched_off():
    made = document()
    write(made[0], (72, 300, 500, 400), PROSE)
    made[0].insert_image(pymupdf.Rect(100, 100, 300, 250), stream=picture())
    reading = read_pdf(made.tobytes(), ExtractConfig(mode=Mode.FAST, crops=False))
    assert reading.crops == {}
    assert of_type(reading.extraction.elements, ElementType.IMAGE)


def test_small_pictures_are_no_figures():
    made = document()
    write(made[0], (72, 300, 500, 400), PROSE)
    made[0].insert_image(pymupdf.Rect(72, 72, 90, 90), stream=picture())
    assert not of_type(elements(made), ElementType.IMAGE)


def scan():
    made = document()
    made[0].insert_image(pymupdf.Rect(0, 0, 595, 842), stream=picture(), keep_proportion=False)
    return made


def recognised(png: bytes) -> Recognised:
    assert png.startswith(b"\x89PNG")
    line = Line(text="Total due 12.50", bbox=BBox(x0=200, y0=100, x1=600, y1=140), confidence=0.9)
    return Recognised((line,), Upright(1653, 2339))


def test_a_scan_in_fast_mode_says_why_it_is_empty():
    made = scan()
    write(made.new_page(), (72, 72, 500, 200), PROSE)
    page = read_pdf(made.tobytes(), FAST, ocr=recognised).extraction.pages[0]
    assert page.status is PageStatus.EMPTY
    assert page.reason == "no text layer; OCR is off in fast mode"


def test_a_scan_is_recognised_with_boxes_in_points():
    reading = read_pdf(scan().tobytes(), ExtractConfig(), ocr=recognised)
    (text,) = [element for element in reading.extraction.elements if element.text]
    assert text.text == "Total due 12.50"
    assert text.bbox == BBox(x0=72, y0=36, x1=216, y1=50.4)
    assert (text.method, text.confidence) == ("ocr:recognised", 0.9)
    assert reading.extraction.pages[0].reason == "no text layer"


def test_ocr_is_not_called_for_a_page_with_text():
    def refuse(png: bytes) -> Recognised:
        raise AssertionError("called")

    made = document()
    write(made[0], (72, 72, 500, 200), PROSE)
    assert elements(made, ExtractConfig(), ocr=refuse)[0].method == "native"


def test_entries_of_a_table_of_contents_stay_apart():
    made = document()
    write(made[0], (72, 72, 500, 200), "Introduction ........ 1\nMethods ........ 7\nResults ........ 12")
    assert [element.text for element in elements(made)] == [
        "Introduction ........ 1",
        "Methods ........ 7",
        "Results ........ 12",
    ]


def test_numbers_are_exactly_those_of_the_page():
    made = document()
    write(made[0], (72, 72, 500, 200), "It fell by -0.125 % to $1,234.50 (about 3.5e-7), or 12 345,60 in total.")
    assert elements(made)[0].text == "It fell by -0.125 % to $1,234.50 (about 3.5e-7), or 12 345,60 in total."


def test_a_page_that_cannot_be_read_does_not_lose_the_others():
    made = document(2)
    for page in made:
        write(page, (72, 72, 500, 200), PROSE)
    made.xref_set_key(made[0].xref, "Type", "/Pages")
    reading = read_pdf(made.tobytes(), FAST)
    assert reading.extraction.elements
    assert len(reading.extraction.pages) == 2


def test_right_to_left_text_is_read_from_the_right():
    made = document()
    text = "שלום עולם, זהו מסמך בדיקה בעברית עם מספר 12.50 ועוד טקסט ארוך"
    made[0].insert_htmlbox(pymupdf.Rect(72, 72, 300, 200), f'<p dir="rtl">{text}</p>')
    assert " ".join(element.text for element in elements(made)) == text


def test_the_models_of_the_engine_are_not_imported():
    code = "import sys, docmill.extract.pdf; print('onnxruntime' in sys.modules, 'pymupdf.layout' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
