"""Extractions written as Markdown, text and HTML."""

from __future__ import annotations

from docmill.extract.render import to_html, to_markdown, to_text
from docmill.models import Cell, Element, ElementType, Extraction, Table

TABLE = Table(
    rows=2,
    columns=2,
    header_rows=1,
    cells=(
        Cell(row=0, column=0, text="a < b", column_span=2, header=True),
        Cell(row=1, column=0, text="1|2"),
        Cell(row=1, column=1, text="3"),
    ),
)
EXTRACTION = Extraction(
    media_type="application/pdf",
    elements=(
        Element(ordinal=0, type=ElementType.TITLE, text="Title", level=2),
        Element(ordinal=1, type=ElementType.TEXT, text="Some <text>."),
        Element(ordinal=2, type=ElementType.TABLE, text="a < b\n1|2 | 3", table=TABLE),
        Element(ordinal=3, type=ElementType.IMAGE, text=""),
        Element(ordinal=4, type=ElementType.CODE, text="x = 1"),
    ),
)


def test_markdown_has_titles_code_and_html_tables():
    text = to_markdown(EXTRACTION)
    assert text.startswith("## Title\n\nSome <text>.\n\n<table>")
    assert '<th colspan="2">a &lt; b</th>' in text
    assert text.endswith("```\nx = 1\n```\n")


def test_markdown_can_have_pipe_tables():
    assert "| a < b |  |\n|---|---|\n| 1\\|2 | 3 |" in to_markdown(EXTRACTION, tables="markdown")


def test_text_is_what_a_reader_reads():
    assert to_text(EXTRACTION) == "Title\n\nSome <text>.\n\na < b\n1|2 | 3\n\nx = 1\n"


def test_html_is_escaped():
    text = to_html(EXTRACTION)
    assert text.startswith("<h2>Title</h2>\n<p>Some &lt;text&gt;.</p>\n<table>")
    assert '<pre class="code">x = 1</pre>' in text


def test_nothing_gives_nothing():
    empty = Extraction(media_type="application/pdf", elements=())
    assert (to_markdown(empty), to_text(empty), to_html(empty)) == ("", "", "\n")
