"""Office's charts of 2016 (waterfall, treemap …), diagrams and formulas of slides, and where drawings lie on sheets."""

import pytest

from docmill.config import ExtractConfig
from docmill.extract.registry import read
from docmill.models import Element, ElementType
from tests.extract.samples import FEATURES, changed, chosen, relation, with_formula, with_parts

CX = "http://schemas.microsoft.com/office/drawing/2014/chartex"
DRAWN = "http://schemas.openxmlformats.org/drawingml/2006"
WATERFALL = f"""<cx:chartSpace xmlns:cx="{CX}" xmlns:a="{DRAWN}/main"><cx:chartData><cx:data id="0">
<cx:strDim type="cat"><cx:f>A2:A4</cx:f><cx:lvl ptCount="3"><cx:pt idx="0">Sales</cx:pt><cx:pt idx="1">Costs</cx:pt>
<cx:pt idx="2">Profit</cx:pt></cx:lvl></cx:strDim><cx:numDim type="val"><cx:lvl ptCount="3"><cx:pt idx="0">120</cx:pt>
<cx:pt idx="1">-80.5</cx:pt><cx:pt idx="2">39.5</cx:pt></cx:lvl></cx:numDim></cx:data></cx:chartData>
<cx:chart><cx:title><cx:tx><cx:txData><cx:v>Year 2025</cx:v></cx:txData></cx:tx></cx:title><cx:plotArea>
<cx:plotAreaRegion><cx:series layoutId="waterfall"><cx:tx><cx:txData><cx:v>k EUR</cx:v></cx:txData></cx:tx>
<cx:dataId val="0"/></cx:series></cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>"""
DATA = [["", "k EUR"], ["Sales", "120"], ["Costs", "-80.5"], ["Profit", "39.5"]]
DIAGRAM = f"""<dgm:dataModel xmlns:dgm="{DRAWN}/diagram" xmlns:a="{DRAWN}/main"><dgm:ptLst><dgm:pt><dgm:t><a:p><a:r>
<a:t>Order comes in</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"""


def elements(data: bytes, name: str) -> list[Element]:
    return list(read(data, name, ExtractConfig()).extraction.elements)


def word(kind: str, graphic: str, part: str) -> bytes:
    data = (FEATURES / "all.docx").read_bytes()
    data = with_parts(data, "word/document.xml", {"word/new.xml": part}, relation("new", kind, "new.xml"))
    drawn = chosen(graphic, "<w:r><w:drawing>{}</w:drawing></w:r>")
    return changed(data, "word/document.xml", "<w:sectPr", f"<w:p>{drawn}</w:p><w:sectPr")


def test_new_chart_in_word():
    found = elements(word("chartEx", f'<cx:chart xmlns:cx="{CX}" r:id="new"/>', WATERFALL), "a.docx")
    (chart,) = (each for each in found if each.metadata.get("chart") == "waterfall")
    assert (chart.type, chart.table.grid(), chart.table.title) == (ElementType.CHART, DATA, "Year 2025")


def test_diagram_in_word():
    graphic = f'<dgm:relIds xmlns:dgm="{DRAWN}/diagram" r:dm="new"/>'
    found = elements(word("diagramData", graphic, DIAGRAM), "a.docx")
    assert [each.text for each in found if each.type is ElementType.LIST_ITEM][-1] == "Order comes in"


def slide(graphic: str) -> bytes:
    """The presentation with a newer graphic on its first slide."""
    frame = (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="77" name="New"/><p:cNvGraphicFramePr/><p:nvPr/>'
        '</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="0"/><a:ext cx="1270000" cy="1270000"/></p:xfrm><a:graphic>'
        '<a:graphicData uri="x">{}</a:graphicData></a:graphic></p:graphicFrame>'
    )
    data = (FEATURES / "all.pptx").read_bytes()
    data = with_parts(
        data, "ppt/slides/slide1.xml", {"ppt/new.xml": WATERFALL}, relation("new", "chartEx", "../new.xml")
    )
    types = '<Override PartName="/ppt/new.xml" ContentType="application/vnd.ms-office.chartex+xml"/></Types>'
    data = changed(data, "[Content_Types].xml", "</Types>", types)
    return changed(data, "ppt/slides/slide1.xml", "</p:spTree>", f"{chosen(graphic, frame)}</p:spTree>")


def test_new_chart_on_a_slide():
    found = elements(slide(f'<cx:chart xmlns:cx="{CX}" r:id="new"/>'), "a.pptx")
    (chart,) = (each for each in found if each.metadata.get("chart") == "waterfall")
    assert (chart.page, chart.table.grid(), chart.bbox.x1) == (1, DATA, 100)


def test_formula_on_a_slide():
    (formula,) = (each for each in elements(with_formula(), "a.pptx") if each.type is ElementType.FORMULA)
    assert (formula.text, formula.page) == (r"\frac{Q}{t}", 1)


def test_drawings_of_a_workbook_have_their_sheet_and_cells():
    found = [each for each in elements((FEATURES / "all.xlsx").read_bytes(), "a.xlsx") if each.type in
             (ElementType.CHART, ElementType.IMAGE)]  # fmt: skip
    assert len(found) == 2
    assert all(each.sheet for each in found)
    assert found[0].cells.startswith("E2:")


@pytest.mark.parametrize("broken", ["", "<cx:chartData/>"])
def test_chart_without_data_is_an_element_with_a_note(broken: str):
    part = f'<cx:chartSpace xmlns:cx="{CX}">{broken}</cx:chartSpace>'
    found = elements(word("chartEx", f'<cx:chart xmlns:cx="{CX}" r:id="new"/>', part), "a.docx")
    (chart,) = (each for each in found if each.type is ElementType.CHART)
    assert chart.table is None
    assert "could not be read" in chart.metadata["note"]
