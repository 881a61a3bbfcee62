"""How a document that is too long for a model is cut: between pages or sections, with the pages around as context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from docmill.structured.words import Layout, Row

CONTEXT = "[context"
"""How the marks of pages begin from which no values are to be taken."""
_TALLER = 1.15
"""A line is a heading whose height is this many times the usual one."""
_HEADING = 120
"""Characters of a heading at most."""


class Cut(StrEnum):
    """Where a document may be cut."""

    PAGE = "page"
    SECTION = "section"


@dataclass(frozen=True)
class Parts:
    """Where a document is cut, and how many pages before and after a part are shown with it."""

    cut: Cut = Cut.PAGE
    context: int = 0


WHOLE_PAGES = Parts()


def parts_of(layout: Layout, limit: int, parts: Parts) -> list[str]:
    """The document's text in pieces of at most `limit` characters, context not counted; all of it where it fits.

    A page or section that is longer is cut at its lines.
    """
    if sum(len(row.text) + 1 for row in layout.rows) <= limit:
        return [_shown(layout.rows)]
    made: list[list[Row]] = [[]]
    length = 0
    for unit in _units(layout, parts.cut):
        for piece in _pieces(unit, limit):
            size = _size(piece)
            if made[-1] and length + size > limit:
                made.append([])
                length = 0
            made[-1] += piece
            length += size
    return [_around(layout, rows, parts.context) for rows in made]


def _size(rows: Sequence[Row]) -> int:
    return sum(len(row.text) + 1 for row in rows)


def _units(layout: Layout, cut: Cut) -> Iterator[list[Row]]:
    """The rows between which the document is cut rather than within."""
    usual = median(row.height for row in layout.rows)
    unit: list[Row] = []
    for row in layout.rows:
        heading = row.height > _TALLER * usual and len(row.text) <= _HEADING
        begins = heading if cut is Cut.SECTION else bool(unit) and row.page != unit[-1].page
        if unit and begins:
            yield unit
            unit = []
        unit.append(row)
    if unit:
        yield unit


def _pieces(unit: Sequence[Row], limit: int) -> Iterator[list[Row]]:
    """The rows, cut where they are more than the limit."""
    piece: list[Row] = []
    length = 0
    for row in unit:
        size = len(row.text) + 1
        if piece and length + size > limit:
            yield piece
            piece, length = [], 0
        piece.append(row)
        length += size
    if piece:
        yield piece


def _around(layout: Layout, rows: Sequence[Row], context: int) -> str:
    """The rows with the pages before and after them, which are marked as context."""
    first, last = rows[0].page, rows[-1].page
    before = [row for row in layout.rows if first - context <= row.page < first]
    after = [row for row in layout.rows if last < row.page <= last + context]
    shown = [_shown(before, "context, page"), _shown(rows), _shown(after, "context, page")]
    return "\n".join(text for text in shown if text)


def _shown(rows: Sequence[Row], mark: str = "page") -> str:
    """The rows, one a line, each page with its number above."""
    lines: list[str] = []
    page = 0
    for row in rows:
        if row.page != page:
            lines.append(f"\n[{mark} {row.page}]")
        lines.append("   ".join(segment.text for segment in row.segments))
        page = row.page
    return "\n".join(lines).strip()
