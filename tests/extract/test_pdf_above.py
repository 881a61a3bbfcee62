"""Tables with a rule under each row and none at their top, on pages with other rules of the same width."""

from __future__ import annotations

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.models import Element, ElementType

ROWS = [
    ["Article", "For type", "Price"],
    ["10-1 Drum", "QW-120", "512.40"],
    ["10-2 Drum", "QW-250", "742.98"],
    ["10-3 Drum", "QW-400", "1,076.04"],
]
XS, LEFT, RIGHT, HEIGHT = [80, 220, 380], 72, 523, 20


def page_with_table(top=300, first_rule=1, band=True):
    """A page with a table from `top` on: rules under its rows from `first_rule` on, its bold head on a band or not."""
    page = pymupdf.open().new_page()
    if band:
        page.draw_rect((LEFT, top, RIGHT, top + HEIGHT), color=None, fill=(0.85, 0.9, 0.95))
    for number, row in enumerate(ROWS):
        for x, text in zip(XS, row, strict=True):
            font = "hebo" if number == 0 else "helv"
            page.insert_text((x, top + 14 + number * HEIGHT), text, fontname=font, fontsize=9)
        if number >= first_rule:
            rule(page, top + (number + 1) * HEIGHT)
    return page


def rule(page, y):
    page.draw_line((LEFT, y), (RIGHT, y), width=0.5)


def elements(page) -> list[Element]:
    return list(read_pdf(page.parent.tobytes(), ExtractConfig(mode=Mode.FAST)).extraction.elements)


def test_head_and_first_row_over_the_first_rule_belong_to_the_table():
    (table,) = elements(page_with_table())
    assert table.table.grid() == ROWS
    assert table.table.header_rows == 1


def test_a_head_without_a_band_is_told_by_its_bold_type():
    (table,) = elements(page_with_table(band=False))
    assert table.table.grid() == ROWS
    assert table.table.header_rows == 1


def test_a_head_over_the_rule_under_it_is_the_head():
    (table,) = elements(page_with_table(first_rule=0, band=False))
    assert table.table.grid() == ROWS
    assert table.table.header_rows == 1


def test_the_table_reaches_over_its_head():
    (table,) = elements(page_with_table())
    assert (table.bbox.y0, table.bbox.y1) == (300, 380)


def test_text_between_the_rule_of_the_running_head_and_a_table_stays_text():
    page = page_with_table(first_rule=0)
    rule(page, 60)
    page.insert_text((LEFT, 150), "Figure 1: The drum from the side, with its rope.", fontsize=9)
    for number, text in enumerate(("The gearbox holds oil.", "The drum takes rope.", "The motor has a brake.")):
        page.insert_text((LEFT + 4, 200 + 18 * number), "•", fontsize=10)
        page.insert_text((LEFT + 20, 200 + 18 * number), text, fontsize=10)
    found = elements(page)
    item = ElementType.LIST_ITEM
    assert [each.type for each in found] == [ElementType.CAPTION, item, item, item, ElementType.TABLE]
    assert found[-1].table.grid() == ROWS


def test_a_line_of_text_far_over_the_head_is_no_row():
    page = page_with_table(first_rule=0)
    rule(page, 60)
    page.insert_text((LEFT, 150), "All prices are those of the year before.", fontsize=9)
    (text, table) = elements(page)
    assert text.type is not ElementType.TABLE
    assert table.table.grid() == ROWS


def test_a_running_head_over_its_rule_is_no_row():
    page = page_with_table(top=80, first_rule=0)
    for x, text in ((80, "Winch Works"), (380, "Handbook")):
        page.insert_text((x, 50), text, fontsize=9)
    rule(page, 56)
    (head, table) = elements(page)
    assert head.type is not ElementType.TABLE
    assert table.table.grid() == ROWS


def test_lines_of_two_columns_of_text_over_a_table_stay_text():
    page = page_with_table(first_rule=0)
    text = "The committee reads the report and everybody agrees that it is long. " * 3
    page.insert_textbox((LEFT, 220, 290, 300), text, fontsize=10)
    page.insert_textbox((305, 220, RIGHT, 300), text, fontsize=10)
    tables = [each for each in elements(page) if each.type is ElementType.TABLE]
    assert [each.table.grid() for each in tables] == [ROWS]
