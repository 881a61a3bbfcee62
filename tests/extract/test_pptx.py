import io

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Pt

from docmill.config import ExtractConfig
from docmill.extract.pptx import read_pptx
from docmill.models import ElementType, PageStatus


def read(deck):
    out = io.BytesIO()
    deck.save(out)
    return read_pptx(out.getvalue(), ExtractConfig()).extraction


def test_titles_come_first_with_boxes_in_points():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.add_textbox(Pt(10), Pt(20), Pt(100), Pt(50)).text_frame.text = "body"
    slide.shapes.title.text = "Title"
    title, body = read(deck).elements
    assert (title.type, title.page, title.page_size) == (ElementType.TITLE, 1, (720.0, 540.0))
    assert body.bbox.model_dump() == {"x0": 10, "y0": 20, "x1": 110, "y1": 70}
    assert body.parent == 0


def test_bullets_have_levels():
    deck = Presentation()
    frame = deck.slides.add_slide(deck.slide_layouts[1]).placeholders[1].text_frame
    frame.text = "one"
    inner = frame.add_paragraph()
    inner.text, inner.level = "two", 1
    assert [(each.type, each.level) for each in read(deck).elements] == [
        (ElementType.LIST_ITEM, 1),
        (ElementType.LIST_ITEM, 2),
    ]


def test_tables_keep_spans_and_header():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(2, 2, 0, 0, Pt(100), Pt(100)).table
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 0).text, table.cell(1, 0).text, table.cell(1, 1).text = "a", "b", "c"
    found = read(deck).elements[0].table
    assert [(cell.text, cell.column_span, cell.header) for cell in found.cells] == [
        ("a", 2, True),
        ("b", 1, False),
        ("c", 1, False),
    ]


def test_charts_bring_their_data():
    data = CategoryChartData()
    data.categories = ["x", "y"]
    data.add_series("sales", (1, 2.5))
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Pt(100), Pt(100), data)
    found = read(deck).elements[0]
    assert found.type is ElementType.CHART
    assert found.table.grid() == [["", "sales"], ["x", "1"], ["y", "2.5"]]


def test_notes_are_marked():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.notes_slide.notes_text_frame.text = "say this"
    found = read(deck).elements[0]
    assert (found.text, found.metadata["notes"], found.page) == ("say this", True, 1)


def test_shapes_in_groups_are_placed_on_the_slide():
    deck = Presentation()
    group = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_group_shape()
    group.shapes.add_textbox(Pt(10), Pt(10), Pt(50), Pt(50)).text_frame.text = "x"
    group.left, group.top = Pt(100), Pt(200)
    box = read(deck).elements[0].bbox
    assert (box.x0, box.y0) == (100, 200)


def test_an_empty_slide_is_visible():
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    page = read(deck).pages[0]
    assert (page.status, page.reason) == (PageStatus.EMPTY, "The slide holds no text.")
