"""Heads of several lines in tables without a grid: which cells reach over columns, and which over lines."""

from __future__ import annotations

from collections.abc import Sequence

from docmill.extract.pdf.aligned import is_number
from docmill.extract.pdf.ink import Box, Rule
from docmill.extract.pdf.lines import around
from docmill.extract.pdf.tables import FoundCell, FoundTable

_MOST = 4  # lines of a head


def span_head(table: FoundTable, rules: Sequence[Rule]) -> None:
    """Cells of the head reach over the columns that they stand above, and over the empty lines above and below them.

    A text reaches over the columns that a rule under it covers.
    """
    rows = _head_rows(table)
    if rows < 2:
        return
    grid = {(cell.row, cell.column): cell for cell in table.cells if cell.row < rows}
    for row in range(rows - 1):
        for cell in sorted((each for each in grid.values() if each.row == row), key=lambda each: each.column):
            if cell.runs and cell.column_span == 1:
                _reach(cell, grid, rules)
    table.cells = [cell for cell in table.cells if cell.row >= rows or grid.get((cell.row, cell.column)) is cell]
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


def _reach(cell: FoundCell, grid: dict[tuple[int, int], FoundCell], rules: Sequence[Rule]) -> None:
    """Widens the cell over the empty ones beside it."""
    text = around(cell.runs)
    wide = _under_rule(cell, text, grid, rules)
    if wide is None or wide == (cell.column, cell.column):
        return
    first, last = wide
    box = around([grid[cell.row, column].box for column in range(first, last + 1)])
    for column in range(first, last + 1):
        del grid[cell.row, column]
    cell.column, cell.column_span, cell.box = first, last - first + 1, box
    grid[cell.row, first] = cell


def _free(cell: FoundCell, first: int, last: int, grid: dict[tuple[int, int], FoundCell]) -> bool:
    """True if the line has empty cells only from `first` to `last`, but for the cell, and the line below has texts."""
    for column in range(first, last + 1):
        own, below = grid.get((cell.row, column)), grid.get((cell.row + 1, column))
        if own is None or own.column_span > 1 or (own is not cell and own.runs) or below is None or not below.runs:
            return False
    return True


def _under_rule(
    cell: FoundCell, text: Box, grid: dict[tuple[int, int], FoundCell], rules: Sequence[Rule]
) -> tuple[int, int] | None:
    """The columns over the rule right under the text."""
    below = grid.get((cell.row + 1, cell.column))
    foot = below.box.y1 if below is not None else cell.box.y1
    middle = (text.x0 + text.x1) / 2
    for rule in rules:
        if text.y1 - 2 <= rule.at <= foot and rule.start <= middle <= rule.end:
            columns = [
                each.column
                for each in grid.values()
                if each.row == cell.row and rule.start - 2 <= (each.box.x0 + each.box.x1) / 2 <= rule.end + 2
            ]
            if columns and cell.column in columns and _free(cell, min(columns), max(columns), grid):
                return min(columns), max(columns)
    return None


def _over_lines(table: FoundTable, grid: dict[tuple[int, int], FoundCell], rows: int) -> None:
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
