"""Tables that go on over pages: one element with all rows, the printed-again head marked, every place kept."""

from __future__ import annotations

from docmill.chunk.chunker import _pages
from docmill.chunk.pieces import Piece
from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.models import ElementType

HEAD = ["Part", "Price", "Stock"]
XS = [60, 220, 380, 540]
CONFIG = ExtractConfig(mode=Mode.FAST)


def rows(start, count):
    return [[f"A-{number:04}", f"${number}.50", str(-number)] for number in range(start, start + count)]


def draw(made, table, top=80, xs=XS, note=""):
    page = made.new_page()
    if note:
        page.insert_text((60, top - 14), note, fontname="helv", fontsize=10)
    for r, row in enumerate(table):
        for c, text in enumerate(row):
            page.insert_text((xs[c] + 4, top + 14 + 20 * r), text, fontname="helv", fontsize=10)
    for r in range(len(table) + 1):
        page.draw_line((xs[0], top + 20 * r), (xs[-1], top + 20 * r))
    for x in xs:
        page.draw_line((x, top), (x, top + 20 * len(table)))
    return page


def tables(made):
    found = read_pdf(made.tobytes(), CONFIG).extraction.elements
    assert [element.ordinal for element in found] == list(range(len(found)))
    return [element for element in found if element.type is ElementType.TABLE]


def three_pages(repeat=True):
    made = pymupdf.open()
    draw(made, [HEAD, *rows(1, 33)], note="Parts and prices of the year")
    draw(made, [HEAD, *rows(34, 34)] if repeat else rows(34, 34), note="Table 1 (continued)" if repeat else "")
    draw(made, [HEAD, *rows(68, 5)] if repeat else rows(68, 5))
    return made


def test_a_table_over_three_pages_is_one_and_its_head_stands_once():
    (element,) = tables(three_pages())
    assert element.table.shown() == [HEAD, *rows(1, 72)]
    assert element.table.repeated_rows == (34, 69)
    assert element.table.header_rows == 1
    assert element.text.splitlines()[34] == "A-0034 | $34.50 | -34"
    assert element.table.html().count("Price") == element.table.markdown().count("Price") == 1


def test_without_a_head_the_kinds_of_the_columns_decide():
    (element,) = tables(three_pages(repeat=False))
    assert element.table.shown() == [HEAD, *rows(1, 72)]
    assert element.table.repeated_rows == ()


def test_every_cell_keeps_its_page_and_every_part_its_place():
    (element,) = tables(three_pages())
    assert element.page == 1
    assert [place.page for place in element.continued] == [2, 3]
    assert {cell.page for cell in element.table.cells if cell.row > 69} == {3}
    assert all(cell.bbox.y1 <= 842 for cell in element.table.cells)


def test_a_chunk_of_late_rows_stands_on_their_page():
    (element,) = tables(three_pages())
    start = element.text.index("A-0070")
    assert _pages(Piece(element, start, len(element.text), 10)) == {3}
    assert _pages(Piece(element, 0, 20, 10)) == {1}


def test_another_table_on_the_next_page_stays_apart():
    made = pymupdf.open()
    draw(made, [HEAD, *rows(1, 33)])
    draw(made, [["Name", "Town", "Country"], ["Ann", "Ghent", "Belgium"], ["Bo", "Malmo", "Sweden"]])
    assert len(tables(made)) == 2


def test_a_table_that_ends_high_on_its_page_is_complete():
    made = pymupdf.open()
    draw(made, [HEAD, *rows(1, 5)])
    draw(made, [HEAD, *rows(6, 5)])
    assert len(tables(made)) == 2


def test_a_page_shows_the_rows_that_stand_on_it():
    extraction = read_pdf(three_pages().tobytes(), CONFIG).extraction
    (part,) = [element for element in extraction.on_page(3) if element.table]
    assert part.table.grid() == [HEAD, *rows(68, 5)]
    assert (part.page, part.bbox) == (3, extraction.elements[part.ordinal].continued[1].bbox)
