"""A document's tables as CSV and as an XLSX workbook: what stands in a cell arrives as it was read.

A number becomes a number in XLSX only where it can be written back letter by letter (`12.50` keeps its last zero by the
cell's format); `007`, `1,234` or a date stay text. No text becomes a formula: a cell is typed as text in XLSX, and in
CSV `guard` puts an apostrophe before what a spreadsheet program would run.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docmill.errors import LimitExceededError
from docmill.extract.untyped import OfficeObject
from docmill.models import Element, Extraction, Table

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.(\d+))?")
_DIGITS = 15
"""Digits that a spreadsheet program keeps."""
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_SIGNED_NUMBER = re.compile(r"[+-]?[\d.,\s]+%?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHEET_NAME, _WIDEST = 31, 60
_XLSX_ROWS, _XLSX_COLUMNS = 1_048_576, 16_384


@dataclass(frozen=True)
class NamedTable:
    """A table of a document with a name that says where it stands, such as `page-0003-table-2`."""

    name: str
    element: Element
    table: Table


def tables_of(extraction: Extraction) -> tuple[NamedTable, ...]:
    """The document's tables in reading order, numbered within their page (or the document, where it has none)."""
    counts: dict[int | None, int] = {}
    found = []
    for element in extraction.elements:
        if element.table is None:
            continue
        counts[element.page] = number = counts.get(element.page, 0) + 1
        place = f"page-{element.page:04d}-" if element.page else ""
        found.append(NamedTable(f"{place}table-{number}", element, element.table))
    return tuple(found)


def table_csv(table: Table, *, guard: bool = False) -> str:
    """The table's grid as CSV (RFC 4180); `guard` keeps spreadsheet programs from running cells as formulas."""
    out = io.StringIO()
    rows = ([_guarded(text) for text in row] for row in table.shown()) if guard else table.shown()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _guarded(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet program would run it; signed numbers are left alone."""
    return f"'{text}" if text.startswith(_RISKY) and not _SIGNED_NUMBER.fullmatch(text) else text


def tables_xlsx(tables: Sequence[NamedTable]) -> bytes:
    """A workbook with a sheet a table: spans merged, header rows bold and frozen. The same tables give the same bytes.

    Rows that only repeat the head on a following page are left out, as in CSV. A workbook needs a sheet: without tables
    it has an empty one named `no tables`. Raises LimitExceededError for a table larger than a sheet may be.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, each in zip(_sheet_names(tables), tables, strict=True):
        _fill(book.create_sheet(name), each.table)
    if not tables:
        book.create_sheet("no tables")
    out = io.BytesIO()
    book.save(out)
    return _timeless(out.getvalue())


def _sheet_names(tables: Sequence[NamedTable]) -> Iterator[str]:
    """A name for each sheet: short, without the characters that Excel forbids, each once."""
    used: set[str] = set()
    for each in tables:
        name = each.name[:_SHEET_NAME]
        number = 2
        while name in used:
            name, number = f"{each.name[: _SHEET_NAME - 4]} {number}", number + 1
        used.add(name)
        yield name


def _fill(sheet: OfficeObject, table: Table) -> None:
    """The sheet holds the table. Raises LimitExceededError where it is too small for it."""
    from openpyxl.styles import Alignment, Font

    if table.rows > _XLSX_ROWS or table.columns > _XLSX_COLUMNS:
        raise LimitExceededError(
            f"A table of {table.rows} rows and {table.columns} columns is too large for a sheet of a workbook.",
            hint="Ask for CSV.",
        )
    widths: dict[int, int] = {}
    places = {row: place for place, row in enumerate(table.shown_rows(), start=1)}
    shown = [cell for cell in table.cells if cell.row in places]
    for cell in shown:
        target = sheet.cell(places[cell.row], cell.column + 1)
        _set(target, cell.text)
        target.alignment = Alignment(vertical="top", wrap_text=True)
        if cell.header:
            target.font = Font(bold=True)
        if cell.column_span == 1:
            longest = max((len(line) for line in cell.text.splitlines()), default=0)
            widths[cell.column] = max(widths.get(cell.column, 0), longest)
    for cell in shown:
        if cell.row_span > 1 or cell.column_span > 1:
            sheet.merge_cells(
                start_row=places[cell.row],
                start_column=cell.column + 1,
                end_row=max(places.get(row, 0) for row in range(cell.row, cell.row + cell.row_span)),
                end_column=cell.column + cell.column_span,
            )
    for column, width in widths.items():
        letter = sheet.cell(1, column + 1).coordinate.rstrip("0123456789")
        sheet.column_dimensions[letter].width = min(max(width + 2, 8), _WIDEST)
    if table.header_rows:
        sheet.freeze_panes = f"A{table.header_rows + 1}"


def _set(target: OfficeObject, text: str) -> None:
    """The cell holds the text, as a number where that loses nothing."""
    match = _NUMBER.fullmatch(text)
    if match and sum(each.isdigit() for each in text) <= _DIGITS and text not in ("-0",):
        decimals = match.group(1)
        target.value = float(text) if decimals else int(text)
        target.number_format = f"0.{'0' * len(decimals)}" if decimals else "0"
        return
    target.value = _ILLEGAL.sub("", text)
    if text:
        target.data_type = "s"  # never a formula


def _timeless(data: bytes) -> bytes:
    """The workbook without the time at which it was written."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == "docProps/core.xml":
                content = _STAMP.sub(b"1980-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return out.getvalue()
