"""Grids whose rules do not part all rows or columns: the text in them shows the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from docmill.extract.pdf.aligned import Line, TextRow, build_table, conflict, group_lines, text_rows
from docmill.extract.pdf.ink import Box, Run
from docmill.extract.pdf.tables import FoundCell, FoundTable


def split_columns(table: FoundTable) -> FoundTable:
    """The table built anew from its words if cells of a column mostly hold several runs side by side."""
    columns: dict[int, list[bool]] = {}
    for cell in table.cells:
        if cell.runs:
            rows = text_rows(cell.runs)
            columns.setdefault(cell.column, []).extend(len(row.runs) >= 2 for row in rows)
    if not any(len(several) >= 3 and sum(several) >= 0.6 * len(several) for several in columns.values()):
        return table
    ys = sorted({y for cell in table.cells for y in (cell.box.y0, cell.box.y1)})
    built = build_table(
        text_rows([run for cell in table.cells for run in cell.runs]), ys, ys[1] if len(ys) > 2 else None
    )
    if built is None:
        return table
    return FoundTable(table.box, built.cells, built.header_rows, ruled=True)


def split_rows(table: FoundTable) -> None:
    """Splits each row of the grid in which numbers stand under each other in one cell."""
    count = max((cell.row for cell in table.cells), default=-1) + 1
    for row in range(count - 1, -1, -1):
        own = [cell for cell in table.cells if cell.row == row and cell.row_span == 1]
        parts = _parts(own)
        if len(parts) > 1:
            table.cells = _split(table.cells, row, own, parts)
            if row < table.header_rows:
                table.header_rows += len(parts) - 1


def _parts(cells: Sequence[FoundCell]) -> list[list[TextRow]]:
    """The lines of a grid row in groups that are rows of their own; one group if it is a single row."""
    filled = [cell for cell in cells if cell.runs]
    if len(filled) < 2:
        return []
    owner = {id(run): cell.column for cell in filled for run in cell.runs}
    rows = text_rows([run for cell in filled for run in cell.runs])
    if len(rows) < 2:
        return []
    lines: list[Line] = []
    for text_row in rows:
        line: Line = {}
        for run in text_row.runs:
            column = owner[id(run)]
            line[column] = (1, [*line[column][1], run] if column in line else [run])
        lines.append(line)
    conflicts = sum(conflict(a, b) for a, b in pairwise(lines))
    if conflicts < max(1, 0.3 * (len(lines) - 1)):
        return []
    return [[rows[index] for index in group] for group in group_lines(rows, lines, [], None)]


def _split(
    cells: Sequence[FoundCell], row: int, own: Sequence[FoundCell], parts: Sequence[Sequence[TextRow]]
) -> list[FoundCell]:
    """The table's cells with one row made into as many as there are parts."""
    extra = len(parts) - 1
    kept = []
    for cell in cells:
        if any(cell is other for other in own):
            continue
        if cell.row > row:
            cell.row += extra
        elif cell.row + cell.row_span > row:
            cell.row_span += extra
        kept.append(cell)
    for cell in own:
        mine = {id(run) for run in cell.runs}
        top = cell.box.y0
        for number, part in enumerate(parts):
            foot = cell.box.y1 if number == extra else (part[-1].y1 + parts[number + 1][0].y0) / 2
            runs: list[Run] = [run for text_row in part for run in text_row.runs if id(run) in mine]
            box = Box(cell.box.x0, top, cell.box.x1, foot)
            kept.append(FoundCell(row + number, cell.column, 1, cell.column_span, box, runs))
            top = foot
    return kept
