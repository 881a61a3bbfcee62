"""Grids whose rules do not part all rows, and what stands in a grid without being part of its table."""

from __future__ import annotations

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.models import ElementType

XS = [72, 200, 330, 460]
SIZE = 10


def grid(ys, xs=XS, open_rows=()):
    """A page with rules at `ys` and `xs`; those of `open_rows` (indices of ys) begin at the second of `xs`."""
    made = pymupdf.open()
    page = made.new_page()
    for index, y in enumerate(ys):
        page.draw_line((xs[index in open_rows], y), (xs[-1], y), width=0.7)
    for x in xs:
        page.draw_line((x, ys[0]), (x, ys[-1]), width=0.7)
    return made


def write(made, x, y, *lines, leading=12):
    for number, line in enumerate(lines):
        made[0].insert_text((x + 5, y + leading * number), line, fontname="helv", fontsize=SIZE)


def elements(made):
    return read_pdf(made.tobytes(), ExtractConfig(mode=Mode.FAST)).extraction.elements


def table(made):
    return next(each.table for each in elements(made) if each.type is ElementType.TABLE)


def test_paragraphs_that_begin_in_all_columns_at_once_are_rows():
    made = grid([100, 120, 260])
    for x, text in zip(XS, ("Source", "Definition", "Examples"), strict=False):
        write(made, x, 114, text)
    for x, first, second in (
        (XS[0], ["Major"], ["Area"]),
        (
            XS[1],
            ["Emissions of ten tons", "a year or more of any", "one air toxic"],
            ["Emissions of less", "than ten tons"],
        ),
        (XS[2], ["Refineries and", "steel makers"], ["Dry cleaners and", "body shops"]),
    ):
        write(made, x, 136, *first)
        write(made, x, 196, *second)
    assert [row[0] for row in table(made).grid()] == ["Source", "Major", "Area"]
    assert table(made).grid()[2][1:] == ["Emissions of less than ten tons", "Dry cleaners and body shops"]


def test_a_cell_in_one_paragraph_beside_long_ones_stays_one_row():
    made = grid([100, 120, 260])
    for x, text in zip(XS, ("Source", "Definition", "Examples"), strict=False):
        write(made, x, 114, text)
    write(made, XS[0], 136, "Major")
    write(made, XS[1], 136, "Emissions of ten tons", "a year or more of any", "one air toxic")
    write(made, XS[1], 196, "All others are called", "area sources")
    write(made, XS[2], 136, "Refineries and", "steel makers")
    assert table(made).rows == 2


def labels(count, label_lines):
    """A grid whose first column no rule parts below the head."""
    ys = [100 + 14 * row for row in range(count + 2)]
    made = grid(ys, open_rows=range(2, count + 1))
    for x, text in zip(XS, ("Category", "Costs", "Share"), strict=False):
        write(made, x, 110, text)
    for row in range(count):
        write(made, XS[1], ys[row + 1] + 10, f"{row + 1},000")
        write(made, XS[2], ys[row + 1] + 10, f"{row}.5%")
    write(made, XS[0], ys[1] + 10, *label_lines, leading=14)
    return made


def test_a_list_of_labels_beside_rows_belongs_to_the_rows():
    names = ["Salaries", "Travel", "Rent", "Supplies", "Training", "Total"]
    assert [row[0] for row in table(labels(6, names)).grid()] == ["Category", *names]


def test_a_label_of_a_few_lines_keeps_its_rows():
    cells = table(labels(4, ["Costs of", "the year", "before", "last"])).cells
    assert [(cell.text, cell.row_span) for cell in cells if cell.column == 0][1] == ("Costs of the year before last", 4)


def test_caption_and_source_in_a_grid_are_no_rows():
    made = pymupdf.open()
    page = made.new_page()
    for y in (100, 120, 140, 160, 180):
        page.draw_line((XS[0], y), (XS[-1], y), width=0.7)
    for x in (XS[0], XS[-1]):
        page.draw_line((x, 100), (x, 180), width=0.7)
    for x in XS[1:-1]:
        page.draw_line((x, 120), (x, 160), width=0.7)
    write(made, XS[0], 114, "Table 3: Fruit by price")
    for y, row in ((134, ("Apples", "12.50", "3")), (154, ("Pears", "7.25", "4"))):
        for x, text in zip(XS, row, strict=False):
            write(made, x, y, text)
    write(made, XS[0], 174, "Source: the market of the town.")
    found = {each.type: each.text for each in elements(made)}
    assert found[ElementType.TABLE] == "Apples | 12.50 | 3\nPears | 7.25 | 4"
    assert found[ElementType.CAPTION] == "Table 3: Fruit by price"
    assert found[ElementType.TEXT] == "Source: the market of the town."
