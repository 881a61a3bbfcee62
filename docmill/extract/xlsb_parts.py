"""What calamine does not tell of an xlsb workbook: which rows and columns are hidden ([MS-XLSB] 2.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from docmill.extract.archive import Archive
from docmill.extract.ooxml import main_part, relations

_ROW, _COLUMNS, _SHEET = 0, 60, 156
_ROW_HIDDEN, _COLUMN_HIDDEN = 0x10, 0x01


def records(part: bytes) -> Iterator[tuple[int, int, int]]:
    """The records of a binary part: type, where its data begins, and its length."""
    at = 0
    while at < len(part):
        kind, at = _number(part, at, 2)
        size, at = _number(part, at, 4)
        yield kind, at, min(size, len(part) - at)
        at += size


def _number(part: bytes, at: int, most: int) -> tuple[int, int]:
    """A number of seven bits a byte, the low ones first, and where it ends."""
    value = 0
    for place in range(most):
        byte = part[at + place] if at + place < len(part) else 0
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    return value, at + most


def sheet_parts(archive: Archive) -> dict[str, str]:
    """The name of each sheet with that of its part."""
    workbook = main_part(archive, "xl/workbook.bin")
    related, data = relations(archive, workbook), archive.read(workbook)
    found = {}
    for kind, at, size in records(data):
        if kind == _SHEET and size > 16:
            key, end = _text(data, at + 8)
            name, _ = _text(data, end)
            if key in related and archive.has(related[key].target):
                found[name] = related[key].target
    return found


def _text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, at)
    end = at + 4 + 2 * length
    return data[at + 4 : end].decode("utf-16-le", "replace"), end


def hidden_parts(part: bytes) -> tuple[set[int], set[int]]:
    """The hidden rows and columns of a sheet, from 0."""
    rows: set[int] = set()
    columns: set[int] = set()
    for kind, at, size in records(part):
        if kind == _ROW and size >= 12 and part[at + 11] & _ROW_HIDDEN:
            rows.add(struct.unpack_from("<I", part, at)[0])
        elif kind == _COLUMNS and size >= 18 and part[at + 16] & _COLUMN_HIDDEN:
            first, last = struct.unpack_from("<II", part, at)
            columns.update(range(first, min(last, 16_383) + 1))
    return rows, columns
