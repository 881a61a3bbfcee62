"""A PDF read in page ranges, and pages that cannot be read."""

import zlib

import pytest

from benchmarks.hostile import document, long_document, stream, words
from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import PdfFile, join_pages, read_pdf, reader
from docmill.extract.pdf.engine import memory_errors
from docmill.extract.wanted import Wanted
from docmill.models import PageStatus

FAST = ExtractConfig(mode=Mode.FAST)


def test_a_range_keeps_the_page_numbers_of_the_document():
    extraction = read_pdf(long_document(9), FAST, wanted=Wanted(((4, 6),))).extraction
    assert [page.number for page in extraction.pages] == [4, 5, 6]
    assert {element.page for element in extraction.elements} == {4, 5, 6}
    assert [element.ordinal for element in extraction.elements] == list(range(len(extraction.elements)))


def test_pages_read_apart_join_to_the_same_reading():
    data = long_document(9)
    with PdfFile(data, FAST, None) as pdf:
        head = pdf.head()
    pages = []
    for numbers in (range(5), range(5, 9)):
        with PdfFile(data, FAST, None) as pdf:
            pages += [pdf.read_page(number, head) for number in numbers]
    assert join_pages(head, pages) == read_pdf(data, FAST)


def test_a_page_that_our_own_code_stumbles_on_fails_alone(monkeypatch):
    draft_page = reader.draft_page

    def stumbling(ink, body, **options):
        if any("two" in run.text for run in ink.runs):
            raise IndexError("no such column")
        return draft_page(ink, body, **options)

    monkeypatch.setattr(reader, "draft_page", stumbling)
    data = document(stream(words(text)) for text in ("one", "two", "three"))
    extraction = read_pdf(data, FAST).extraction
    assert [page.status for page in extraction.pages] == [PageStatus.OK, PageStatus.FAILED, PageStatus.OK]
    assert extraction.warnings == ("page 2: IndexError: no such column",)


@pytest.mark.parametrize(
    "words", ["code=2: realloc (864 bytes) failed", "code=2: malloc of 99 bytes failed", "std::bad_alloc"]
)
def test_the_engine_out_of_memory_is_a_memory_error(words):
    with pytest.raises(MemoryError), memory_errors():
        raise RuntimeError(words)


def test_other_errors_of_the_engine_stay_what_they_are():
    with pytest.raises(RuntimeError, match="syntax"), memory_errors():
        raise RuntimeError("code=7: syntax error in content stream")


def test_the_watch_is_told_of_each_page_before_it_is_touched():
    seen = []
    with PdfFile(long_document(3), FAST, None, seen.append) as pdf:
        head = pdf.head()
        assert seen == [0, 1, 2]
        pdf.read_page(1, head)
    assert seen == [0, 1, 2, 1]


def packed(data):
    return stream(data, b"/Filter/FlateDecode")


def test_a_page_whose_content_is_cut_off_is_partial():
    content = zlib.compress(b" ".join(words(f"Sentence {number} of the page.") for number in range(200)))
    data = document([packed(content[: len(content) // 2]), stream(words("whole"))])
    extraction = read_pdf(data, FAST).extraction
    assert [page.status for page in extraction.pages] == [PageStatus.PARTIAL, PageStatus.OK]
    assert extraction.failed_pages == (1,)
    assert "page 1: damaged content, some may be missing: premature end of data" in extraction.warnings[0]


def test_a_page_whose_content_is_damaged_so_that_nothing_is_left_failed():
    content = bytearray(zlib.compress(words("gone")))
    content[2:8] = b"\xff" * 6
    extraction = read_pdf(document([packed(bytes(content)), stream(words("whole"))]), FAST).extraction
    assert extraction.pages[0].status is PageStatus.FAILED
