"""Reads Excel 97-2003 workbooks (xls) with xlrd: values, dates, hidden sheets, merged cells."""

from __future__ import annotations

import struct

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.builder import Builder
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.sheets import Sheet, SheetCell, add_sheet
from docmill.extract.untyped import OfficeObject
from docmill.extract.xlsx import cell_text


def read_xls(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a workbook, sheet by sheet. Raises EncryptedDocumentError, CorruptDocumentError."""
    import io

    import xlrd

    builder = Builder(MEDIA_TYPES["xls"], config)
    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True)
        sheets = [_sheet(sheet, book.datemode) for sheet in book.sheets()]
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, AssertionError, struct.error, IndexError, KeyError, ValueError,
            TypeError, AttributeError, NotImplementedError, OverflowError) as error:  # fmt: skip
        if "encrypted" in str(error).lower():
            raise EncryptedDocumentError(
                "The workbook is protected by a password.", hint="Save a copy without a password."
            ) from error
        raise CorruptDocumentError(
            f"The workbook cannot be read: {type(error).__name__}: {error}.",
            hint="Open it in Excel and save it as xlsx.",
        ) from error
    for sheet in sheets:
        add_sheet(sheet, builder)
    builder.metadata["sheets"] = len(sheets)
    hidden = sum(sheet.hidden for sheet in sheets)
    if hidden:
        builder.metadata["hidden_sheets"] = hidden
    return builder.reading()


def _sheet(sheet: OfficeObject, datemode: int) -> Sheet:
    """The filled cells of a sheet."""
    found = Sheet(sheet.name, hidden=sheet.visibility != 0)
    found.hidden_rows = {number for number, row in sheet.rowinfo_map.items() if row.hidden}
    found.hidden_columns = {number for number, column in sheet.colinfo_map.items() if column.hidden}
    spans = {(top, left): (bottom - top, right - left) for top, bottom, left, right in sheet.merged_cells}
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            text, number = _value(sheet.cell(row, column), datemode)
            if text.strip():
                rows, columns = spans.get((row, column), (1, 1))
                found.cells[row, column] = SheetCell(text, number, rows, columns)
    return found


def _value(cell: OfficeObject, datemode: int) -> tuple[str, bool]:
    """A cell's text, and whether it is a number, date, truth value or error."""
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return cell_text(xlrd.xldate_as_datetime(cell.value, datemode)), True
        except (ValueError, OverflowError, xlrd.xldate.XLDateError):
            return cell_text(cell.value), True
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return cell_text(bool(cell.value)), True
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR")), True
    return cell_text(cell.value), cell.ctype == xlrd.XL_CELL_NUMBER
