"""Reads CSV and TSV with the standard library, the delimiter told by which one gives rows of equal width.

Used directly rather than through unstructured, whose reader goes through pandas and refuses ragged rows.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.builder import Builder, table_of
from docmill.extract.decoding import decode
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.models import Cell

DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"^[\s$€£¥(+-]*\d[\d.,:/\s-]*[%)]?$")
_SAMPLE_ROWS = 200


def read_csv(data: bytes, config: ExtractConfig) -> Reading:
    """One table. Raises CorruptDocumentError where the rows cannot be told apart."""
    return _read(data, config, "csv")


def read_tsv(data: bytes, config: ExtractConfig) -> Reading:
    """One table of tab-separated values."""
    return _read(data, config, "tsv")


def _read(data: bytes, config: ExtractConfig, label: str) -> Reading:
    builder = Builder(MEDIA_TYPES[label], config)
    text, charset = decode(data)
    separator = re.match(r"sep=(.)\r?\n", text)
    text = text[separator.end() :] if separator else text
    delimiter = separator.group(1) if separator else _delimiter(text, "\t" if label == "tsv" else ",")
    rows = _rows(text, delimiter)
    widths = Counter(len(row) for row in rows)
    if len(widths) > 1:
        usual = widths.most_common(1)[0][0]
        odd = sum(count for width, count in widths.items() if width != usual)
        builder.warn(f"{odd} of {len(rows)} rows do not have {usual} columns as most do; they were kept as they are.")
    cells = [Cell(row=number, column=column, text=value)
             for number, row in enumerate(rows) for column, value in enumerate(row) if value.strip()]  # fmt: skip
    builder.metadata.update({"charset": charset, "delimiter": delimiter})
    builder.table(table_of(cells, header_rows=int(has_header(rows))))
    return builder.reading()


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The rows that hold anything."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise CorruptDocumentError(
            f"The rows cannot be told apart: {error}.", hint="Check the quotes and save the file again."
        ) from error
    return [row for row in rows if any(value.strip() for value in row)]


def _delimiter(text: str, usual: str) -> str:
    """The delimiter that cuts most rows into the same number of columns, the usual one when none stands out."""
    head = "\n".join(text[:200_000].splitlines()[:_SAMPLE_ROWS])
    best, best_score = usual, 0.0
    for delimiter in sorted(DELIMITERS, key=lambda each: each != usual):
        try:
            rows = [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows)
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        score = count / len(rows) + min(width, 50) / 1000 if rows and width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names columns: all filled, distinct, without numbers, and rows follow."""
    if len(rows) < 2:
        return False
    first = [value.strip() for value in rows[0]]
    return all(first) and len(set(first)) == len(first) and not any(_NUMBER.match(value) for value in first)
