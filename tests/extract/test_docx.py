import io

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.docx import read_docx
from docmill.models import ElementType

CONFIG = ExtractConfig()


def saved(document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def elements(document):
    return read_docx(saved(document), CONFIG).extraction.elements


def test_headings_have_levels_and_open_sections():
    document = docx.Document()
    document.add_heading("One", 1)
    document.add_heading("Two", 2)
    document.add_paragraph("text")
    one, two, text = elements(document)
    assert [(one.level, one.parent), (two.level, two.parent), text.parent] == [(1, None), (2, 0), 1]


def test_list_styles_give_list_items():
    document = docx.Document()
    document.add_paragraph("first", style="List Bullet")
    document.add_paragraph("inner", style="List Bullet 2")
    assert [each.type for each in elements(document)] == [ElementType.LIST_ITEM, ElementType.LIST_ITEM]


def test_numbered_items_keep_their_printed_labels():
    document = docx.Document()
    for text in ("a", "b"):
        document.add_paragraph(text, style="List Number")
    assert [each.metadata["label"] for each in elements(document)] == ["1.", "2."]


def test_merged_cells_stand_once_with_spans():
    document = docx.Document()
    table = document.add_table(3, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "high"
    found = elements(document)[0].table
    spans = {cell.text: (cell.row, cell.column, cell.row_span, cell.column_span) for cell in found.cells if cell.text}
    assert spans == {"wide": (0, 0, 1, 2), "high": (1, 2, 2, 1)}
    assert (found.rows, found.columns) == (3, 3)


def test_header_rows_are_marked():
    document = docx.Document()
    table = document.add_table(2, 2)
    for number, text in enumerate("abcd"):
        table.cell(number // 2, number % 2).text = text
    table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    found = elements(document)[0]
    assert found.table.header_rows == 1
    assert [cell.header for cell in found.table.cells] == [True, True, False, False]
    assert found.text == "a | b\nc | d"


def test_pictures_become_crops():
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    document = docx.Document()
    document.add_picture(picture)
    reading = read_docx(saved(document), CONFIG)
    crop = reading.extraction.elements[0].crop
    assert (crop.width, crop.height, crop.media_type) == (40, 30, "image/png")
    assert reading.crops[crop.sha256] == picture.getvalue()


def test_headers_and_footers_are_outside_of_sections():
    document = docx.Document()
    document.add_heading("Title", 1)
    document.sections[0].header.paragraphs[0].text = "top"
    document.sections[0].footer.paragraphs[0].text = "bottom"
    found = {each.type: each for each in elements(document)}
    assert found[ElementType.HEADER].text == "top"
    assert found[ElementType.FOOTER].parent is None


def test_deleted_text_is_left_out_and_inserted_text_kept():
    document = docx.Document()
    paragraph = document.add_paragraph("kept ")
    for tag, inner in (("ins", "<w:t>new</w:t>"), ("del", "<w:delText>old</w:delText>")):
        paragraph._p.append(parse_xml(f"<w:{tag} {nsdecls('w')}><w:r>{inner}</w:r></w:{tag}>"))
    assert elements(document)[0].text == "kept new"


def test_links_name_their_target():
    document = docx.Document()
    paragraph = document.add_paragraph("see ")
    identifier = document.part.relate_to("https://example.org", docx.opc.constants.RELATIONSHIP_TYPE.HYPERLINK, True)
    link = f'<w:hyperlink {nsdecls("w", "r")} r:id="{identifier}"><w:r><w:t>here</w:t></w:r></w:hyperlink>'
    paragraph._p.append(parse_xml(link))
    assert [(each.uri, each.text) for each in elements(document)[0].links] == [("https://example.org", "here")]


def test_formulas_are_read():
    document = docx.Document()
    space = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    fraction = "<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f>"
    document.add_paragraph()._p.append(parse_xml(f"<m:oMathPara {space}><m:oMath>{fraction}</m:oMath></m:oMathPara>"))
    found = elements(document)[0]
    assert (found.type, found.text) == (ElementType.FORMULA, "\\frac{a}{b}")


def test_a_damaged_package_is_corrupt():
    with pytest.raises(CorruptDocumentError):
        read_docx(saved(docx.Document())[:2000], CONFIG)


def test_a_first_row_that_the_look_sets_off_is_a_header():
    document = docx.Document()
    table = document.add_table(2, 2)
    for number, text in enumerate(("name", "sum", "a", "1")):
        table.cell(number // 2, number % 2).text = text
    assert elements(document)[0].table.header_rows == 1


def test_fields_and_the_base_of_ruby_are_read():
    document = docx.Document()
    ruby = "<w:rt><w:r><w:t>ru</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>base</w:t></w:r></w:rubyBase>"
    field = '<w:fldSimple w:instr="PAGE"><w:r><w:t>7</w:t></w:r></w:fldSimple>'
    for inner in (f"<w:r><w:ruby>{ruby}</w:ruby></w:r>", field):
        document.add_paragraph()._p.append(parse_xml(inner.replace(">", f" {nsdecls('w')}>", 1)))
    assert [each.text for each in elements(document)] == ["base", "7"]
