"""Bar charts drawn as shaded boxes are charts; shaded tables are not."""

import pymupdf

from docmill.config import ExtractConfig
from docmill.extract.pdf import read_pdf
from docmill.models import Element, ElementType


def elements(draw) -> list[Element]:
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((60, 60), "A paragraph of running text stands above what is drawn.")
        draw(page)
        data = document.tobytes()
    return list(read_pdf(data, ExtractConfig()).extraction.elements)


def standing(page):
    for index, (label, value) in enumerate([("North", 90), ("South", 140), ("East", 205)]):
        left = 140 + index * 80
        page.draw_rect(pymupdf.Rect(left, 420 - value, left + 45, 420), fill=(0.1, 0.3, 0.7), color=None, width=0)
        page.insert_text((left + 5, 436), label, fontsize=11)
        page.insert_text((left + 8, 414 - value), str(value), fontsize=10)


def lying(page):
    for index, (label, value) in enumerate([("Red", 90), ("Green", 140), ("Blue", 205)]):
        top = 200 + index * 40
        page.draw_rect(pymupdf.Rect(140, top, 140 + value, top + 20), fill=(0.8, 0.3, 0.2), color=None, width=0)
        page.insert_text((105, top + 14), label, fontsize=10)


def shaded_table(page):
    for row in range(4):
        for column in range(3):
            box = pymupdf.Rect(100 + column * 100, 200 + row * 24, 199 + column * 100, 223 + row * 24)
            page.draw_rect(box, fill=(0.9, 0.9, 0.9), color=None, width=0)
            page.insert_text((box.x0 + 5, box.y0 + 15), f"cell {row} {column}", fontsize=10)


def table_with_a_shaded_column(page):
    for row, width in enumerate((200, 100, 100, 100)):
        top = 200 + row * 24
        page.draw_rect(pymupdf.Rect(200, top + 1, 200 + width, top + 23), fill=(0.9, 0.9, 0.9), color=None, width=0)
        page.insert_text((105, top + 15), f"Group {row}", fontsize=10)
        page.insert_text((205, top + 15), f"{row + 3} (5%)", fontsize=10)
        page.insert_text((305, top + 15), "" if row == 0 else f"{row * 70}", fontsize=10)
    for row in range(5):
        page.draw_line((100, 200 + row * 24), (400, 200 + row * 24), width=0.5)


def test_shaded_cells_between_the_rules_of_a_table_are_no_bars():
    found = elements(table_with_a_shaded_column)
    assert ElementType.CHART not in {each.type for each in found}
    (table,) = [each for each in found if each.type is ElementType.TABLE]
    assert table.text.splitlines()[1] == "Group 1 | 4 (5%) | 70"


def test_standing_bars_are_a_chart_with_labels_and_values():
    (chart,) = [each for each in elements(standing) if each.type is ElementType.CHART]
    assert all(text in chart.text for text in ("North", "South", "East", "90", "140", "205"))
    assert (round(chart.bbox.x0), chart.crop is not None) == (140, True)


def test_lying_bars_are_a_chart():
    (chart,) = [each for each in elements(lying) if each.type is ElementType.CHART]
    assert all(text in chart.text for text in ("Red", "Green", "Blue"))


def test_text_around_a_chart_stays_text():
    texts = [each.text for each in elements(standing) if each.type is not ElementType.CHART]
    assert texts == ["A paragraph of running text stands above what is drawn."]


def test_shaded_table_is_no_chart():
    assert ElementType.CHART not in {each.type for each in elements(shaded_table)}
