"""Tables as CSV and XLSX: nothing is lost, nothing is run."""

import csv
import io

import pytest
from openpyxl import load_workbook

from docmill.errors import LimitExceededError
from docmill.extract.spreadsheet import table_csv, tables_of, tables_xlsx
from docmill.models import Cell, Element, ElementType, Extraction, Table


def extraction(*rows: list[str], **extra) -> Extraction:
    cells = tuple(
        Cell(row=r, column=c, text=text, header=r == 0) for r, row in enumerate(rows) for c, text in enumerate(row)
    )
    table = Table(rows=len(rows), columns=len(rows[0]), cells=cells, header_rows=1)
    element = Element(ordinal=0, type=ElementType.TABLE, text="x", table=table.model_copy(update=extra), page=3)
    return Extraction(media_type="application/pdf", elements=(element,))


def sheet_of(data: bytes):
    return load_workbook(io.BytesIO(data)).worksheets[0]


def test_tables_are_named_by_page_and_number():
    assert [each.name for each in tables_of(extraction(["a"]))] == ["page-0003-table-1"]


def test_csv_keeps_every_character_unless_it_is_guarded():
    found = extraction(["=1+1", "-3.5", "@x", "+49 30 1"])
    (table,) = tables_of(found)
    assert next(csv.reader([table_csv(table.table)])) == ["=1+1", "-3.5", "@x", "+49 30 1"]
    assert next(csv.reader([table_csv(table.table, guard=True)])) == ["'=1+1", "-3.5", "'@x", "+49 30 1"]


@pytest.mark.parametrize("text", ["12.50", "0", "-3", "18650", "0.10"])
def test_a_number_is_a_number_that_reads_as_before(text: str):
    cell = sheet_of(tables_xlsx(tables_of(extraction(["h"], [text]))))["A2"]
    assert cell.data_type == "n"
    decimals = len(text.partition(".")[2])
    assert cell.number_format == (f"0.{'0' * decimals}" if decimals else "0")
    assert f"{cell.value:.{decimals}f}" == text


@pytest.mark.parametrize("text", ["007", "1,234", "=SUM(A1)", "12345678901234567", "-0", "1e5", "2024-03-02", "5 %"])
def test_all_else_stays_text(text: str):
    cell = sheet_of(tables_xlsx(tables_of(extraction(["h"], [text]))))["A2"]
    assert (cell.data_type, cell.value) == ("s", text)


def test_spans_are_merged_and_headers_frozen():
    cells = (Cell(row=0, column=0, text="both", column_span=2, header=True), Cell(row=1, column=1, text="x"))
    sheet = sheet_of(tables_xlsx(tables_of(extraction(["a", "b"], ["c", "d"], cells=cells))))
    assert [str(each) for each in sheet.merged_cells.ranges] == ["A1:B1"]
    assert sheet.freeze_panes == "A2"


def test_a_head_that_a_following_page_repeats_is_left_out():
    found = tables_of(extraction(["part"], ["pump"], ["part"], ["valve"], repeated_rows=(2,)))
    rows = [["part"], ["pump"], ["valve"]]
    assert [[cell.value for cell in row] for row in sheet_of(tables_xlsx(found)).iter_rows()] == rows
    assert list(csv.reader(table_csv(found[0].table).splitlines())) == rows


def test_cells_that_reach_over_rows_move_up_with_them():
    cells = (
        Cell(row=0, column=0, text="part"),
        Cell(row=1, column=0, text="part"),
        Cell(row=2, column=0, text="pump", row_span=2),
    )
    found = tables_of(extraction(["a"], ["b"], ["c"], ["d"], cells=cells, repeated_rows=(1,)))
    assert [str(each) for each in sheet_of(tables_xlsx(found)).merged_cells.ranges] == ["A2:A3"]


def test_the_same_tables_give_the_same_bytes_and_none_an_empty_workbook():
    tables = tables_of(extraction(["a"]))
    assert tables_xlsx(tables) == tables_xlsx(tables)
    assert sheet_of(tables_xlsx(())).title == "no tables"


def test_a_table_larger_than_a_sheet_is_refused():
    with pytest.raises(LimitExceededError, match="too large"):
        tables_xlsx(tables_of(extraction(["a"], columns=20_000)))
