"""Page ranges and passwords: what is asked of a reader."""

import io

import pytest
from PIL import Image

from docmill.config import ExtractConfig, Mode
from docmill.errors import EncryptedDocumentError, UsageError
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.registry import read
from docmill.extract.wanted import Wanted, page_ranges

FAST = ExtractConfig(mode=Mode.FAST)


def pdf(pages: int, **options) -> bytes:
    made = pymupdf.open()
    for number in range(1, pages + 1):
        made.new_page().insert_text((72, 100), f"This is page {number} of the document.")
    return made.tobytes(**options)


def protected_docx(password: str) -> bytes:
    import docx
    import msoffcrypto
    from msoffcrypto.format.ooxml import OOXMLFile

    assert msoffcrypto
    plain, out = io.BytesIO(), io.BytesIO()
    made = docx.Document()
    made.add_paragraph("A secret winch.")
    made.save(plain)
    OOXMLFile(plain).encrypt(password, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("", ()), ("3", ((3, 3),)), ("1-3, 7", ((1, 3), (7, 7))), ("4-", ((4, None),)), ("-2", ((1, 2),))],
)
def test_ranges_are_read(text: str, ranges):
    assert page_ranges(text) == ranges


@pytest.mark.parametrize("text", ["x", "0", "3-1", "-", "1-2-3", "1;2"])
def test_what_names_no_pages_is_refused(text: str):
    with pytest.raises(UsageError, match="names no pages"):
        page_ranges(text)


def test_only_wanted_pages_are_read_and_told():
    told = []
    wanted = Wanted(page_ranges("2,4-"), watch=lambda number, count: told.append((number, count)))
    extraction = read(pdf(5), "a.pdf", FAST, wanted).extraction
    assert [page.number for page in extraction.pages] == [2, 4, 5]
    assert told == [(2, 3), (4, 3), (5, 3)]
    assert [each.ordinal for each in extraction.elements] == [0, 1, 2]


def test_pages_that_are_not_there_are_an_error():
    with pytest.raises(UsageError, match="has 2 pages"):
        read(pdf(2), "a.pdf", FAST, Wanted(page_ranges("7-9")))


def test_slides_can_be_chosen():
    from pptx import Presentation

    made, out = Presentation(), io.BytesIO()
    for title in ("One", "Two"):
        made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = title
    made.save(out)
    elements = read(out.getvalue(), "a.pptx", FAST, Wanted(page_ranges("2"))).extraction.elements
    assert [(each.ordinal, each.text) for each in elements] == [(0, "Two")]


def test_a_document_without_pages_has_none_to_choose():
    with pytest.raises(UsageError, match="no pages to choose"):
        read(b"# A title\n", "a.md", FAST, Wanted(page_ranges("1")))


def test_frames_of_a_picture_can_be_chosen():
    out = io.BytesIO()
    Image.new("L", (40, 40), 255).save(out, "TIFF", save_all=True, append_images=[Image.new("L", (40, 40))] * 2)
    with pytest.raises(UsageError, match="has 3 pages"):
        read(out.getvalue(), "a.tiff", FAST, Wanted(page_ranges("4")))


@pytest.mark.parametrize(("given", "words"), [("", "needs a password"), ("wrong", "does not open")])
@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_a_missing_or_wrong_password_is_told(kind: str, given: str, words: str):
    options = {"encryption": pymupdf.PDF_ENCRYPT_AES_256, "user_pw": "right", "owner_pw": "owner"}
    data = pdf(1, **options) if kind == "pdf" else protected_docx("right")
    with pytest.raises(EncryptedDocumentError, match=words) as caught:
        read(data, f"a.{kind}", FAST, Wanted(password=given))
    assert caught.value.hint


def test_the_password_opens_the_document():
    options = {"encryption": pymupdf.PDF_ENCRYPT_AES_256, "user_pw": "right", "owner_pw": "owner"}
    wanted = Wanted(password="right")
    assert "page 1" in read(pdf(1, **options), "a.pdf", FAST, wanted).extraction.elements[0].text
    assert read(protected_docx("right"), "a.docx", FAST, wanted).extraction.elements[0].text == "A secret winch."


def test_the_password_is_not_shown():
    assert "right" not in repr(Wanted(password="right"))
