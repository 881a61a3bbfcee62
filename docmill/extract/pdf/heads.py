"""Heads of several lines in tables without a grid: which cells reach over columns, and which over lines."""

from __future__ import annotations

from collections.abc import Sequence

from docmill.extract.pdf.aligned import is_number
from docmill.extract.pdf.ink import Rule
from docmill.extract.pdf.lines import around
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.tables import FoundCell, FoundTable

_MOST = 4  # lines of a head
_OFF = 0.6  # of the type size: how far the middle of a text may lie from that of the columns it is centred over


def span_head(table: FoundTable, rules: Sequence[Rule]) -> None:
    """Cells of the head reach over the columns that they stand above, and over the empty lines above and below them.

    A text reaches over the columns that a rule under it covers, or that it is centred over.
    """
    rows = _head_rows(table)
    if not rows:
        return
    numbers_below = rows == 1
    rows = max(rows, 2)
    grid = {(cell.row, cell.column): cell for cell in table.cells if cell.row < rows}
    texts = _column_texts(table, rows)
    for row in range(rows - 1):
        for cell in sorted((each for each in grid.values() if each.row == row), key=lambda each: each.column):
            if cell.runs:
                _reach(cell, _under_rule(cell, grid, rules) or _centred(cell, grid, texts), grid)
    table.cells = [cell for cell in table.cells if cell.row >= rows or grid.get((cell.row, cell.column)) is cell]
    if not numbers_below:
        _over_lines(table, grid, rows)


def _head_rows(table: FoundTable) -> int:
    """The lines above the first one with a number in half of its cells; the head that a rule shows if there is one."""
    if table.header_rows:
        return _without_labels(table, min(table.header_rows, _MOST))
    for row in range(_MOST + 1):
        texts = [cell.text() for cell in table.cells if cell.row == row and cell.runs and cell.column]
        if texts and sum(map(is_number, texts)) >= 0.5 * len(texts) and not all(map(_is_year, texts)):
            return _without_labels(table, row)
    return 0


def _without_labels(table: FoundTable, rows: int) -> int:
    """The rows of the head without those at its foot that hold a text in the first column only: labels of the body."""
    while rows and not any(cell.runs for cell in table.cells if cell.row == rows - 1 and cell.column):
        rows -= 1
    return rows


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdecimal() and text[:2] in ("18", "19", "20")


def _column_texts(table: FoundTable, rows: int) -> dict[int, Box]:
    """The box around the texts of each column, but for those over several columns and the head's first lines."""
    boxes: dict[int, list[Box]] = {}
    for cell in table.cells:
        if cell.runs and cell.column_span == 1 and cell.row >= rows - 1:
            boxes.setdefault(cell.column, []).append(around(cell.runs))
    return {column: around(found) for column, found in boxes.items()}


Grid = dict[tuple[int, int], FoundCell]


def _reach(cell: FoundCell, columns: tuple[int, int] | None, grid: Grid) -> None:
    """Widens the cell over the empty ones beside it, from the first to the last of the columns."""
    if columns is None or columns == (cell.column, cell.column + cell.column_span - 1):
        return
    first, last = columns
    own = [grid.pop((cell.row, column)) for column in range(first, last + 1) if (cell.row, column) in grid]
    cell.column, cell.column_span, cell.box = first, last - first + 1, around([each.box for each in own])
    grid[cell.row, first] = cell


def _free(cell: FoundCell, first: int, last: int, grid: Grid) -> bool:
    """True if the line has empty cells only from `first` to `last`, but for the cell, and the line below has texts."""
    inner = range(cell.column, cell.column + cell.column_span)
    if not first <= inner[0] <= inner[-1] <= last:
        return False
    for column in range(first, last + 1):
        own, below = grid.get((cell.row, column)), grid.get((cell.row + 1, column))
        if column not in inner and (own is None or own.column_span > 1 or own.runs):
            return False
        if below is None or below.column_span > 1 or not below.runs:
            return False
    return True


def _under_rule(cell: FoundCell, grid: Grid, rules: Sequence[Rule]) -> tuple[int, int] | None:
    """The columns over the rule right under the text."""
    text = around(cell.runs)
    below = grid.get((cell.row + 1, cell.column))
    foot = below.box.y1 if below is not None else cell.box.y1
    middle = (text.x0 + text.x1) / 2
    for rule in rules:
        if text.y1 - 2 <= rule.at <= foot and rule.start <= middle <= rule.end:
            columns = [
                each.column
                for each in grid.values()
                if each.row == cell.row + 1 and rule.start - 2 <= (each.box.x0 + each.box.x1) / 2 <= rule.end + 2
            ]
            if columns and _free(cell, min(columns), max(columns), grid):
                return min(columns), max(columns)
    return None


def _centred(cell: FoundCell, grid: Grid, texts: dict[int, Box]) -> tuple[int, int] | None:
    """The most columns, two at least, that the text is centred over; never the first, which holds labels."""
    text = around(cell.runs)
    middle, off = (text.x0 + text.x1) / 2, _OFF * max(run.size for run in cell.runs)
    ranges = [
        (first, last)
        for first in range(1, cell.column + 1)
        for last in range(max(first + 1, cell.column + cell.column_span - 1), max(texts, default=0) + 1)
        if first in texts and last in texts and abs((texts[first].x0 + texts[last].x1) / 2 - middle) <= off
    ]
    for first, last in sorted(ranges, key=lambda each: each[0] - each[1]):
        if _free(cell, first, last, grid):
            return first, last
    return None


def _over_lines(table: FoundTable, grid: Grid, rows: int) -> None:
    """Each column's only text in the head takes up the empty cells above and below it."""
    gone: set[int] = set()
    for cell in list(grid.values()):
        if not cell.runs or cell.column_span > 1:
            continue
        column = [grid.get((row, cell.column)) for row in range(rows)]
        parts = [each for each in column if each is not None and each.column_span == 1]
        if len(parts) != rows or sum(bool(each.runs) for each in parts) != 1:
            continue
        gone |= {id(each) for each in parts if each is not cell}
        cell.row, cell.row_span = 0, rows
        cell.box = around([each.box for each in parts])
    table.cells = [cell for cell in table.cells if id(cell) not in gone]
