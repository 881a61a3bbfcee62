"""Reads Excel workbooks with openpyxl: computed values, hidden sheets, merged cells, comments, charts, pictures.

Used directly rather than through unstructured, whose reader goes through pandas: it loses cell positions, turns large
whole numbers and dates into other texts, and skips hidden sheets in silence.
"""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Mapping

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.archive import Archive
from docmill.extract.builder import Builder
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.ooxml import properties, transitional
from docmill.extract.reading import Reading
from docmill.extract.sheet_drawings import add_drawings
from docmill.extract.sheets import Sheet, SheetCell, add_sheet, column_name
from docmill.extract.untyped import OfficeObject
from docmill.models import ElementType

_NO_VALUE = re.compile(rb"<f[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>\s*|<v>\s*</v>\s*)?</c>")


def read_xlsx(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a workbook, sheet by sheet. Raises CorruptDocumentError, LimitExceededError."""
    archive = Archive(data)
    archive.refuse_doctypes()
    builder = Builder(MEDIA_TYPES["xlsx"], config)
    builder.metadata.update(properties(archive))
    data = transitional(archive, data)
    workbook = _open(archive, data, builder)
    formulas = _load(data, values=False) if config.office.formulas else None
    sheets = []
    for sheet in workbook.worksheets:
        found = _sheet(sheet, formulas[sheet.title]._cells if formulas is not None else {})
        sheets.append(found)
        add_sheet(found, builder)
        _comments(sheet, found, builder)
    builder.metadata["sheets"] = len(sheets)
    hidden = {sheet.name for sheet in sheets if sheet.hidden}
    if hidden:
        builder.metadata["hidden_sheets"] = len(hidden)
    builder.end_sections()
    if not config.office.formulas:
        _formulas_without_values(archive, builder)
    add_drawings(archive, builder, frozenset() if config.office.hidden else frozenset(hidden))
    return builder.reading()


def _open(archive: Archive, data: bytes, builder: Builder) -> OfficeObject:
    """The workbook; without its styles, with a warning, where those cannot be read."""
    try:
        return _load(data)
    except CorruptDocumentError:
        if not archive.has("xl/styles.xml"):
            raise
        workbook = _load(archive.rewritten(_unstyled))
        builder.warn("The styles of the workbook could not be read: dates stand as numbers of days.")
        return workbook


def _unstyled(name: str, part: bytes) -> bytes:
    """A part of a workbook without its styles and what points to them."""
    if name == "xl/styles.xml":
        return b""
    if "worksheets/" not in name:
        return part
    return re.sub(rb'(<(?:c|row|col)\b[^>]*?) (?:s|style)="\d+"', rb"\1", re.sub(rb' dxfId="\d+"', b"", part))


def _load(data: bytes, *, values: bool = True) -> OfficeObject:
    """The workbook with values in place of formulas, or the other way round. Raises CorruptDocumentError."""
    from lxml import etree
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_workbook(io.BytesIO(data), data_only=values, keep_links=False)
    except (InvalidFileException, etree.LxmlError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError,
            IndexError, OSError, SyntaxError) as error:  # fmt: skip
        raise CorruptDocumentError(
            f"The workbook cannot be read: {type(error).__name__}: {error}.",
            hint="Open it in its own program, let it be repaired, and save it again.",
        ) from error


def _sheet(sheet: OfficeObject, formulas: Mapping[tuple[int, int], OfficeObject]) -> Sheet:
    """The sheet's filled cells, from openpyxl's own dictionary: its ranges walk over millions of gaps.

    A formula without a value stands as its own value.
    """
    spans = {(area.min_row, area.min_col): (area.max_row - area.min_row + 1, area.max_col - area.min_col + 1)
             for area in sheet.merged_cells.ranges}  # fmt: skip
    found = Sheet(sheet.title, hidden=sheet.sheet_state != "visible")
    found.hidden_rows = {number - 1 for number, row in sheet.row_dimensions.items() if row.hidden}
    found.hidden_columns = {
        number - 1
        for column in sheet.column_dimensions.values()
        if column.hidden
        for number in range(column.min or 1, (column.max or 0) + 1)
    }
    for (row, column), cell in sheet._cells.items():
        formula = _formula(formulas.get((row, column)))
        text = cell_text(cell.value, str(cell.number_format)) or formula
        if not text.strip():
            continue
        rows, columns = spans.get((row, column), (1, 1))
        number = not isinstance(cell.value, str)
        rows, columns = (rows, columns) if rows * columns <= 100_000 else (1, 1)
        found.cells[row - 1, column - 1] = SheetCell(text, number, rows, columns, formula)
    return found


def _formula(cell: OfficeObject) -> str:
    """The formula of a cell, as it stands in the sheet; "" without one."""
    value = cell.value if cell is not None and cell.data_type == "f" else ""
    return str(getattr(value, "text", value) or "")


def cell_text(value: object, number_format: str = "General") -> str:
    """A value as text: whole numbers in full, 15 digits as Excel keeps them, dates as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".15g")
    if isinstance(value, datetime.datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight and "h" not in number_format else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.time):
        return value.isoformat("seconds")
    return str(value)


def _comments(sheet: OfficeObject, found: Sheet, builder: Builder) -> None:
    """Adds the comments on cells."""
    for (row, column), cell in sorted(sheet._cells.items()):
        seen = builder.config.office.hidden or found.shows(row - 1, column - 1)
        if seen and cell.comment is not None and cell.comment.text:
            place = f"{column_name(column - 1)}{row}"
            metadata = {"comment": True, "author": cell.comment.author or ""}
            fields = {"sheet": sheet.title, "cells": place, "metadata": metadata}
            builder.add(ElementType.TEXT, cell.comment.text, fields)  # type: ignore[arg-type]


def _formulas_without_values(archive: Archive, builder: Builder) -> None:
    """Warns of formulas whose values the file does not hold, as programs other than spreadsheets write them."""
    sheets = (name for name in archive.names if name.startswith("xl/worksheets/") and name.endswith(".xml"))
    missing = sum(len(_NO_VALUE.findall(archive.read(name))) for name in sheets)
    if missing:
        builder.warn(f"{missing} formulas hold no computed value and were left empty: open and save the file in Excel.")
