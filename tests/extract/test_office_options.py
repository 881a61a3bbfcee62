import io
import struct

import openpyxl
import pytest
from openpyxl.comments import Comment
from PIL import Image

from docmill.config import ExtractConfig, OfficeConfig
from docmill.errors import EmptyDocumentError
from docmill.extract.registry import read
from docmill.extract.xlsb_parts import hidden_parts
from tests.extract.samples import changed_xlsb
from tests.services import ROOT

FEATURES = ROOT / "tests/data/features"
SHOWN = ExtractConfig(office=OfficeConfig(hidden=False))


def text(name: str, config: ExtractConfig) -> str:
    elements = read((FEATURES / name).read_bytes(), name, config).extraction.elements
    return "\n".join(each.text for each in elements)


@pytest.mark.parametrize("label", ["xlsx", "xls", "ods"])
def test_hidden_rows_columns_and_sheets_are_read_unless_left_out(label: str):
    whole, shown = text(f"all.{label}", ExtractConfig()), text(f"all.{label}", SHOWN)
    assert "Part | Price | Cost" in whole
    assert "Secret" in whole
    assert "Cost" not in shown
    assert "Valve | 40 |" not in shown
    assert "Secret" not in shown


def test_hidden_sheets_and_rows_of_xlsb_are_read_unless_left_out():
    hidden_sheets = changed_xlsb({156: (0, 1)})
    sheet = read(hidden_sheets, "a.xlsb", ExtractConfig()).extraction.elements[0]
    assert sheet.metadata["hidden"] is True
    with pytest.raises(EmptyDocumentError, match="hidden sheet was left out"):
        read(hidden_sheets, "a.xlsb", SHOWN)
    hidden_rows = changed_xlsb({0: (11, 0x10)})
    assert "2021-01-01" in str(read(hidden_rows, "a.xlsb", ExtractConfig()).extraction)
    with pytest.raises(EmptyDocumentError, match="Hidden rows"):
        read(hidden_rows, "a.xlsb", SHOWN)


def test_hidden_columns_of_xlsb_are_told():
    assert hidden_parts(b"\x3c\x12" + struct.pack("<4IH", 1, 2, 0, 0, 1)) == (set(), {1, 2})


def test_nothing_of_a_hidden_sheet_comes_by_its_comments_or_pictures():
    book = openpyxl.Workbook()
    book.active["A1"] = "shown"
    hidden = book.create_sheet("Secret")
    hidden["A1"] = "unseen"
    hidden["A1"].comment = Comment("whispered", "Ann")
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    Image.new("RGB", (90, 90), "navy").save(out, "PNG")
    hidden.add_image(openpyxl.drawing.image.Image(io.BytesIO(out.getvalue())))
    out = io.BytesIO()
    book.save(out)
    whole, shown = (read(out.getvalue(), "a.xlsx", config).extraction for config in (ExtractConfig(), SHOWN))
    assert [each.text for each in whole.elements if each.sheet == "Secret"][1:] == ["unseen", "whispered", ""]
    assert [each.text for each in shown.elements] == ["Sheet", "shown"]


@pytest.mark.parametrize("label", ["xlsx", "ods"])
def test_formulas_are_kept_beside_their_values_where_the_settings_say_so(label: str):
    config = ExtractConfig(office=OfficeConfig(formulas=True))
    data = (FEATURES / f"all.{label}").read_bytes()
    table = next(each.table for each in read(data, f"a.{label}", config).extraction.elements if each.table)
    found = {each.formula for each in table.cells}
    assert found == {"", "=SUM(B3:B5)"}
    assert 'data-formula="=SUM(B3:B5)"' in table.html()
    plain = next(each.table for each in read(data, f"a.{label}", ExtractConfig()).extraction.elements if each.table)
    assert {each.formula for each in plain.cells} == {""}


def test_formula_without_a_value_stands_as_it_is_where_formulas_are_kept():
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active["A2"] = 1, "=A1+1"
    book.save(out)
    config = ExtractConfig(office=OfficeConfig(formulas=True))
    extraction = read(out.getvalue(), "a.xlsx", config).extraction
    assert extraction.elements[1].text == "1\n=A1+1"
    assert not extraction.warnings


def test_hidden_slides_are_read_unless_left_out():
    extraction = read((FEATURES / "all.pptx").read_bytes(), "all.pptx", SHOWN).extraction
    assert "Not shown" in text("all.pptx", ExtractConfig())
    assert "hidden" in extraction.pages[2].reason
    assert all(each.page != 3 for each in extraction.elements)


def test_deleted_text_counts_only_where_the_settings_say_so():
    assert "Turn it right" in text("all.docx", ExtractConfig())
    assert "Turn it leftright" in text("all.docx", ExtractConfig(office=OfficeConfig(deleted=True)))
