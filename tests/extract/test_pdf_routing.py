"""Which pages the layout model reads, and what it makes of their tables. The real model runs on pages made here."""

from __future__ import annotations

import pytest

from docmill.config import ExtractConfig, Mode
from docmill.extract.pdf import read_pdf
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.pdf.ink import Run
from docmill.extract.pdf.modelled import table_by_lines
from docmill.extract.pdf.places import Box, Word
from docmill.extract.pdf.regions import Kind, Region, find_regions

ROWS = [
    ["Region", "First half", "Second half", "Change"],
    ["North", "$1,204.50", "$1,310.75", "+8.8%"],
    ["South", "$987.00", "$-12.40", "-101.3%"],
    ["East and islands", "$45.10", "$46.00", "+2.0%"],
    ["West", "$3,300.00", "$3,299.99", "-0.0%"],
]
PROSE = "The committee reads the report and everybody agrees that it is a long text which fills several lines. " * 3


def prose_page():
    made = pymupdf.open()
    made.new_page().insert_textbox((72, 72, 520, 300), PROSE, fontname="helv", fontsize=11)
    return made


def table_page():
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox((72, 72, 520, 200), PROSE, fontname="helv", fontsize=11)
    for r, row in enumerate(ROWS):
        for c, text in enumerate(row):
            page.insert_text((80 + 115 * c, 240 + 20 * r), text, fontname="helv", fontsize=10)
    return made


def read(made, mode):
    return read_pdf(made.tobytes(), ExtractConfig(mode=mode, crops=False)).extraction


def test_prose_goes_the_fast_way():
    (page,) = read(prose_page(), Mode.AUTO).pages
    assert (page.method, page.reason) == ("native", "")


def test_a_table_without_rules_goes_to_the_layout_model_and_says_why():
    extraction = read(table_page(), Mode.AUTO)
    assert extraction.pages[0].method == "layout:pymupdf-layout"
    assert extraction.pages[0].reason == "a table without a grid"
    (table,) = [element.table for element in extraction.elements if element.table]
    assert table.grid() == ROWS
    assert [element.method for element in extraction.elements] == ["native", "layout:pymupdf-layout"]


@pytest.mark.parametrize(("mode", "method"), [(Mode.FAST, "native"), (Mode.ACCURATE, "layout:pymupdf-layout")])
def test_the_mode_overrides_the_router(mode, method):
    made = prose_page() if mode is Mode.ACCURATE else table_page()
    assert read(made, mode).pages[0].method == method


def test_reading_with_the_model_is_repeatable_and_leaves_the_engine_as_it_was():
    first, second = read(table_page(), Mode.ACCURATE), read(table_page(), Mode.ACCURATE)
    assert first.model_dump_json() == second.model_dump_json()
    assert pymupdf._get_layout is None


def test_regions_are_in_points_of_the_page_as_displayed():
    made = table_page()
    made[0].set_rotation(90)
    made[0].remove_rotation()
    tables = [region for region in find_regions(made[0]) if region.kind is Kind.TABLE]
    upright = [region for region in find_regions(table_page()[0]) if region.kind is Kind.TABLE]
    assert len(upright) == 1
    assert 70 < upright[0].box.x0 < 90
    assert 220 < upright[0].box.y0 < 245
    assert all(region.box.x1 <= made[0].rect.x1 for region in tables)


def test_a_page_that_the_model_gives_up_on_keeps_the_fast_reading(monkeypatch):
    def broken(page, **_):
        raise IndexError("no such node")

    monkeypatch.setattr("docmill.extract.pdf.regions._model", lambda: broken)
    (page,) = read(table_page(), Mode.AUTO).pages
    assert page.method == "native"
    assert "read without it" in page.reason
    assert "no such node" in page.reason


def run(x, y, *words):
    made = [Word(x + 40 * i, y, x + 40 * i + 30, y + 10, word) for i, word in enumerate(words)]
    return Run(x, y, made[-1].x1, y + 10, " ".join(words), 10.0, words=made)


def test_lines_of_the_model_part_rows_and_columns():
    region = Region(Kind.TABLE, Box(0, 0, 200, 60), rows=(20, 40), columns=(38,))
    table = table_by_lines(region, [run(0, 5, "a", "b"), run(0, 25, "c"), run(40, 25, "1.5"), run(0, 45, "d")])
    texts = {(cell.row, cell.column): cell.text() for cell in table.cells}
    assert texts == {(0, 0): "a", (0, 1): "b", (1, 0): "c", (1, 1): "1.5", (2, 0): "d", (2, 1): ""}
