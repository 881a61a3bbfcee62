"""Charts that matplotlib drew into a PDF (tests/data/make_charts.py) are read as the numbers that they were made of."""

import pytest

from docmill.config import ExtractConfig
from docmill.extract.chart_axes import Label, number_of, value_axis
from docmill.extract.pdf.engine import pymupdf
from docmill.extract.registry import read
from docmill.models import Element, ElementType
from tests.services import ROOT


@pytest.fixture(scope="module")
def charts() -> dict[int, Element]:
    extraction = read((ROOT / "tests/data/charts.pdf").read_bytes(), "charts.pdf", ExtractConfig()).extraction
    found = [each for each in extraction.elements if each.type is ElementType.CHART]
    assert len({each.page for each in found}) == len(found) == 7
    return {each.page: each for each in found}


@pytest.mark.parametrize(
    ("page", "kind", "rows"),
    [
        (1, "bar", [["", "value"], ["Q1", "12.5"], ["Q2", "31"], ["Q3", "24.2"], ["Q4", "48.9"]]),
        (2, "horizontal bar", [["", "value"], ["West", "90"], ["East", "275"], ["South", "340"], ["North", "120"]]),
        (3, "bar", [["", "2024", "2025"], ["A", "3", "4"], ["B", "5", "6"], ["C", "7", "2"]]),
        (4, "stacked bar", [["", "old", "new"], ["A", "3", "1"], ["B", "5", "2"], ["C", "7", "3"]]),
        (6, "pie", [["", "share"], ["Pumps", "40%"], ["Valves", "35%"], ["Seals", "25%"]]),
        (7, "bar", [["", "value"], ["A", "3"], ["B", "-2"], ["C", "5"], ["D", "-1"]]),
    ],
)
def test_data_of_a_chart(charts, page: int, kind: str, rows: list[list[str]]):
    assert charts[page].metadata["chart"] == kind
    assert sorted(charts[page].table.grid()) == sorted(rows)
    assert charts[page].confidence >= 0.8
    assert charts[page].crop is not None


def test_curve_is_a_chart_with_its_labels_and_no_invented_data(charts):
    assert charts[5].metadata["chart"] == "plot"
    assert charts[5].table is None
    assert charts[5].text.startswith("8\n7")


def test_labels_of_a_chart_are_no_text_of_the_page():
    extraction = read((ROOT / "tests/data/charts.pdf").read_bytes(), "charts.pdf", ExtractConfig()).extraction
    others = [each.text for each in extraction.elements if each.type is not ElementType.CHART]
    assert others == ["Pumps sold by quarter", "thousand", "Pressure in bar"]


def test_shaded_table_is_no_chart():
    document = pymupdf.open()
    page = document.new_page()
    for row in range(6):
        page.draw_rect((50, 100 + 20 * row, 500, 119 + 20 * row), fill=(0.9, 0.9, 1), width=0)
        page.insert_text((60, 114 + 20 * row), f"{row + 1}")
        page.insert_text((200, 114 + 20 * row), f"Part {row} of the pump")
    elements = read(document.tobytes(), "a.pdf", ExtractConfig()).extraction.elements
    assert ElementType.CHART not in {each.type for each in elements}


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,250", 1250), ("12.5 %", 12.5), ("−3", -3), ("$40", 40), ("3k", 3000), ("1,5", 1.5), ("Q1", None), ("", None)],
)
def test_numbers_of_an_axis(text: str, number: float | None):
    assert number_of(text) == number


def test_numbers_that_do_not_grow_evenly_are_no_axis():
    column = [Label(text, 10, 100 + 20 * row, 20, 110 + 20 * row) for row, text in enumerate(("1", "10", "100", "7"))]
    assert value_axis(column) is None


def test_our_own_example_gives_its_groups_and_leaves_the_prose_alone():
    data = (ROOT / "examples/documents/two_columns.pdf").read_bytes()
    elements = read(data, "two_columns.pdf", ExtractConfig()).extraction.elements
    (chart,) = (each for each in elements if each.type is ElementType.CHART)
    assert chart.table.grid()[:2] == [["", "Worm", "Helical", "Planetary"], ["+30 °C", "0.73", "0.9", "0.95"]]
    assert "Synthetic oil" not in chart.text
