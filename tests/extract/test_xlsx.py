import datetime
import io

import openpyxl
from openpyxl.comments import Comment

from docmill.config import ExtractConfig
from docmill.extract.xlsx import cell_text, read_xlsx
from docmill.models import ElementType


def read(book):
    out = io.BytesIO()
    book.save(out)
    return read_xlsx(out.getvalue(), ExtractConfig()).extraction


def tables(extraction):
    return [each for each in extraction.elements if each.type is ElementType.TABLE]


def test_a_sheet_is_a_table_under_its_name():
    book = openpyxl.Workbook()
    for row in (["name", "count"], ["a", 1], ["b", 2]):
        book.active.append(row)
    extraction = read(book)
    table = tables(extraction)[0]
    assert (table.sheet, table.cells, table.parent, table.table.header_rows) == ("Sheet", "A1:B3", 0, 1)
    assert table.text == "name | count\na | 1\nb | 2"


def test_regions_apart_are_tables_of_their_own():
    book = openpyxl.Workbook()
    for place in ("A1", "B1", "A2", "B2", "E5", "F5", "E6", "F6"):
        book.active[place] = place
    assert [each.cells for each in tables(read(book))] == ["A1:B2", "E5:F6"]


def test_a_block_without_header_goes_on_with_the_one_above():
    book = openpyxl.Workbook()
    for row in (["item", "sum"], ["a", 1], [], ["b", 2]):
        book.active.append(row)
    assert [each.cells for each in tables(read(book))] == ["A1:B4"]


def test_a_single_cell_of_text_is_text():
    book = openpyxl.Workbook()
    book.active["C3"] = "Remark"
    found = read(book).elements[1]
    assert (found.type, found.text, found.cells) == (ElementType.TEXT, "Remark", "C3")


def test_hidden_sheets_are_read_and_marked():
    book = openpyxl.Workbook()
    book.active["A1"] = "x"
    hidden = book.create_sheet("Secret")
    hidden["A1"] = "y"
    hidden.sheet_state = "hidden"
    extraction = read(book)
    assert extraction.metadata["hidden_sheets"] == 1
    assert [each.metadata.get("hidden") for each in extraction.elements if each.sheet == "Secret"] == [True, True]


def test_merged_cells_have_spans():
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"], book.active["B2"] = "both", 1, 2
    book.active.merge_cells("A1:B1")
    assert tables(read(book))[0].table.cells[0].column_span == 2


def test_values_are_written_in_full():
    assert cell_text(123456789012345.0) == "123456789012345"
    assert cell_text(0.1 + 0.2) == "0.3"
    assert cell_text(datetime.datetime(2024, 3, 1)) == "2024-03-01"
    assert cell_text(True) == "TRUE"


def test_formulas_without_values_are_warned_of():
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"] = 1, "=A1+1"
    assert "1 formulas hold no computed value" in read(book).warnings[0]


def test_comments_are_kept():
    book = openpyxl.Workbook()
    book.active["A1"] = "x"
    book.active["A1"].comment = Comment("check this", "Ann")
    found = read(book).elements[-1]
    assert (found.text, found.cells, found.metadata["author"]) == ("check this", "A1", "Ann")
