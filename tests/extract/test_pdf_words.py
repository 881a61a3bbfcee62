"""The words of a text layer with their boxes, boxes drawn on a page, and pages as data URLs."""

import pytest

from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.page_urls import PictureTask, page_urls
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.pdf.marks import Mark, marked_page
from docmill.extract.pdf.words import words_of_pdf
from docmill.models import BBox
from tests.structured.documents import pdf

BRAKES = pdf([[(60, 60, "Brake kit")], []])


def test_words_have_pages_and_boxes():
    first, second = words_of_pdf(BRAKES)
    assert [text for text, _ in first.words] == ["Brake", "kit"]
    assert (first.number, second.number, second.words) == (1, 2, ())
    (left, top, right, bottom), after = first.words[0][1], first.words[1][1]
    assert 0 < left < right < after[0] < first.width
    assert 0 < top < bottom < first.height


def test_what_does_not_open_is_told():
    with pytest.raises(CorruptDocumentError):
        words_of_pdf(b"nothing of a PDF")
    with pymupdf.open(stream=BRAKES, filetype="pdf") as document:
        locked = document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="secret")
    with pytest.raises(EncryptedDocumentError):
        words_of_pdf(locked)


def test_marks_are_drawn_on_the_page():
    mark = Mark("item", BBox(x0=50, y0=50, x1=100, y1=70), (1.0, 0.0, 0.0))
    plain, marked = (marked_page(BRAKES, marks, page=1, width=400) for marks in ([], [mark]))
    assert plain != marked
    assert pymupdf.Pixmap(marked).width == 400


def test_pages_become_data_urls():
    shown = page_urls(PictureTask(BRAKES, 72))
    assert [each.partition(",")[0] for each in shown] == ["data:image/png;base64"] * 2
    assert page_urls(PictureTask(b"no picture", 72)) == []
