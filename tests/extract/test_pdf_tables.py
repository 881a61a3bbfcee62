"""Tables of PDF files: drawn grids, head and foot rules only, no rules at all."""

from __future__ import annotations

import pytest

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.models import ElementType, Table

ROWS = [
    ["Item", "Price", "Change"],
    ["Apples", "$12.50", "-0.5%"],
    ["Pears", "1,234.00", "(3)"],
    ["Figs", "$.75", "+1"],
]
XS, TOP, HEIGHT = [72, 200, 320, 440], 100, 22


def page_with(rows, xs=XS):
    made = pymupdf.open()
    page = made.new_page()
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            page.insert_text((xs[c] + 5, TOP + 15 + r * HEIGHT), text, fontname="helv", fontsize=10)
    return made


def rule(made, x0, y0, x1, y1):
    made[0].draw_line((x0, y0), (x1, y1), width=0.7)


def ruled(rows, xs=XS, inner=True):
    made = page_with(rows, xs)
    bottom = TOP + HEIGHT * len(rows)
    for r in range(len(rows) + 1):
        if inner or r in (0, 1, len(rows)):
            rule(made, xs[0], TOP + r * HEIGHT, xs[-1], TOP + r * HEIGHT)
    for x in xs:
        rule(made, x, TOP, x, bottom)
    return made


def with_merged_head():
    """A document whose table's first row is one cell."""
    rows = [["Sales in both years", "", ""], *ROWS[1:]]
    made = page_with(rows)
    for r in range(5):
        rule(made, XS[0], TOP + r * HEIGHT, XS[-1], TOP + r * HEIGHT)
    for x in (XS[0], XS[-1]):
        rule(made, x, TOP, x, TOP + 4 * HEIGHT)
    for x in XS[1:-1]:
        rule(made, x, TOP + HEIGHT, x, TOP + 4 * HEIGHT)
    return made


def tables(made) -> list[Table]:
    found = read_pdf(made.tobytes(), ExtractConfig(mode=Mode.FAST)).extraction.elements
    return [element.table for element in found if element.type is ElementType.TABLE]


def test_a_grid_gives_its_cells_exactly():
    (table,) = tables(ruled(ROWS))
    assert table.grid() == ROWS


def test_rules_between_columns_only_part_rows_of_numbers():
    (table,) = tables(ruled(ROWS, inner=False))
    assert table.grid() == ROWS


def test_a_merged_cell_spans_columns():
    made = with_merged_head()
    (table,) = tables(made)
    assert (table.cells[0].text, table.cells[0].column_span, table.columns) == ("Sales in both years", 3, 3)


def test_head_and_foot_rules_are_enough():
    made = page_with(ROWS)
    for y in (TOP, TOP + HEIGHT, TOP + 4 * HEIGHT):
        rule(made, XS[0], y, XS[-1], y)
    (table,) = tables(made)
    assert table.grid() == ROWS
    assert table.header_rows == 1
    assert [cell.header for cell in table.cells[:4]] == [True, True, True, False]


def test_aligned_numbers_without_rules_are_a_table():
    (table,) = tables(page_with(ROWS))
    assert table.grid() == ROWS


def test_cells_have_boxes_around_their_words():
    (table,) = tables(ruled(ROWS))
    pear = table.cells[6]
    assert pear.text == "Pears"
    assert (pear.bbox.x0, pear.bbox.x1) == pytest.approx((72, 200), abs=1)
    assert (pear.bbox.y0, pear.bbox.y1) == pytest.approx((144, 166), abs=1)


def test_a_caption_is_the_title_of_its_table():
    made = ruled(ROWS)
    made[0].insert_text((72, 92), "Table 1: Prices", fontname="helv", fontsize=10)
    found = read_pdf(made.tobytes(), ExtractConfig(mode=Mode.FAST)).extraction.elements
    assert [element.type for element in found] == [ElementType.CAPTION, ElementType.TABLE]
    assert found[1].table.title == "Table 1: Prices"
    assert found[0].describes == 1


def test_a_table_of_contents_is_no_table():
    made = page_with([["Introduction", "1"], ["Methods", "7"], ["Results", "12"], ["Conclusion", "30"]])
    assert tables(made) == []


def test_two_columns_of_prose_are_no_table():
    made = pymupdf.open()
    page = made.new_page()
    text = "The committee reads the report and everybody agrees that it is a long text in several lines. " * 4
    page.insert_textbox((72, 100, 280, 400), text)
    page.insert_textbox((310, 100, 520, 400), text)
    assert tables(made) == []


def test_a_box_around_text_is_no_table():
    made = pymupdf.open()
    page = made.new_page()
    page.draw_rect((70, 90, 400, 160))
    page.insert_textbox((75, 95, 395, 155), "A note in a box.\nIt has two lines.")
    assert tables(made) == []


def test_lines_of_wrapped_cells_are_one_row():
    made = pymupdf.open()
    page = made.new_page()
    words = [["Name", "Meaning", "Use"], ["Alpha", "the first letter of|the old alphabet", "often"]]
    words += [["Omega", "the last letter of|the same alphabet", "rarely"]]
    for r, row in enumerate(words):
        for c, text in enumerate(row):
            for n, line in enumerate(text.split("|")):
                page.insert_text((XS[c] + 5, TOP + 15 + r * 40 + n * 12), line, fontname="helv", fontsize=10)
    for y in (TOP, TOP + 25, TOP + 125):
        rule(made, XS[0], y, XS[-1], y)
    (table,) = tables(made)
    assert table.grid() == [[cell.replace("|", " ") for cell in row] for row in words]
