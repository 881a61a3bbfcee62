"""Reads binary Excel workbooks (xlsb) with calamine: values, dates, hidden sheets.

calamine knows no merged cells and no comments of this format.
"""

from __future__ import annotations

import datetime
import io

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.archive import Archive
from docmill.extract.builder import Builder
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.ooxml import properties
from docmill.extract.reading import Reading
from docmill.extract.sheet_drawings import add_drawings
from docmill.extract.sheets import Sheet, SheetCell, add_sheet
from docmill.extract.untyped import OfficeObject
from docmill.extract.xlsb_parts import hidden_parts, sheet_parts
from docmill.extract.xlsx import cell_text

MAX_GRID = 50_000_000
"""Cells between the first and the last filled one of a sheet: they are held in memory, filled or not."""


def read_xlsb(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a workbook, sheet by sheet. Raises CorruptDocumentError, LimitExceededError."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    archive = Archive(data)
    archive.refuse_doctypes()
    builder = Builder(MEDIA_TYPES["xlsb"], config)
    builder.metadata.update(properties(archive))
    hidden = sheets = 0
    parts = {} if config.office.hidden else sheet_parts(archive)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for number, about in enumerate(book.sheets_metadata):
            if about.typ != SheetTypeEnum.WorkSheet:
                continue
            sheets += 1
            hidden += about.visible != SheetVisibleEnum.Visible
            sheet = book.get_sheet_by_index(number)
            found = _sheet(sheet, about.name, about.visible != SheetVisibleEnum.Visible)
            if about.name in parts:
                found.hidden_rows, found.hidden_columns = hidden_parts(archive.read(parts[about.name]))
            add_sheet(found, builder)
    except CalamineError as error:
        raise CorruptDocumentError(
            f"The workbook cannot be read: {error}.", hint="Open it in Excel and save it as xlsx."
        ) from error
    builder.metadata["sheets"] = sheets
    if hidden:
        builder.metadata["hidden_sheets"] = hidden
    builder.end_sections()
    add_drawings(archive, builder)
    return builder.reading()


def _sheet(sheet: OfficeObject, name: str, hidden: bool) -> Sheet:
    """The filled cells of a sheet. Raises LimitExceededError."""
    if sheet.width * sheet.height > MAX_GRID:
        raise LimitExceededError(
            f"The sheet {name} spans {sheet.width * sheet.height} cells, more than the {MAX_GRID} that are safe.",
            hint="Save the workbook as xlsx.",
        )
    found = Sheet(name, hidden=hidden)
    top, left = sheet.start or (0, 0)
    for row, values in enumerate(sheet.to_python(skip_empty_area=True), start=top):
        for column, value in enumerate(values, start=left):
            text = _text(value)
            if text.strip():
                found.cells[row, column] = SheetCell(text, not isinstance(value, str))
    return found


def _text(value: object) -> str:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    return cell_text(value)
