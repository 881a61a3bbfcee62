"""Grids whose rules do not part all rows or columns: the text in them shows the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from docmill.extract.pdf.aligned import Line, TextRow, build_table, conflict, group_lines, text_rows
from docmill.extract.pdf.drafts import CAPTION
from docmill.extract.pdf.ink import Run
from docmill.extract.pdf.lines import around
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.tables import FoundCell, FoundTable

_SOURCE = re.compile(r"(sources?|notes?|quelle|anmerkung(en)?)\s*[:.]", re.IGNORECASE)
_LIST_OF_LABELS = 5
"""Rows from which a text with a line beside each of them is a list of labels; a label in several lines has fewer."""
_CLOSE, _BLANK = 1.6, 1.6
"""Of the type size: lines of a paragraph are closer. Of their distance: paragraphs are farther apart."""


def cut_titles(table: FoundTable) -> list[Run]:
    """The runs of a caption in the grid's first row and of notes in its last ones, which are taken out of the table.

    They are what stands alone in a cell over all columns.
    """
    cut: list[Run] = []
    width = max((cell.column + cell.column_span for cell in table.cells), default=0)
    while (rows := sorted({cell.row for cell in table.cells})) and len(rows) > 2:
        first, last = (_whole_row(table, row, width) for row in (rows[0], rows[-1]))
        if first is not None and CAPTION.match(first.text()):
            gone = first
        elif last is not None and _SOURCE.match(last.text()):
            gone = last
        else:
            break
        cut += gone.runs
        table.cells = [cell for cell in table.cells if cell is not gone]
        table.header_rows -= gone is first and table.header_rows > 0
        table.box = around([cell.box for cell in table.cells])
    return cut


def _whole_row(table: FoundTable, row: int, width: int) -> FoundCell | None:
    """The row's only cell."""
    own = [cell for cell in table.cells if cell.row <= row < cell.row + cell.row_span]
    return own[0] if len(own) == 1 and own[0].column_span == width > 1 and own[0].row_span == 1 else None


def spread_labels(table: FoundTable) -> None:
    """A cell over many rows whose lines stand beside one of them each becomes a cell in each row."""
    heights: dict[int, Box] = {}
    for cell in table.cells:
        if cell.row_span == 1:
            heights.setdefault(cell.row, cell.box)
    kept: list[FoundCell] = []
    for cell in table.cells:
        lines = text_rows(cell.runs) if cell.runs and cell.row_span >= _LIST_OF_LABELS else []
        beside = [
            row
            for line in lines
            for row in range(cell.row, cell.row + cell.row_span)
            if row in heights and heights[row].y0 <= (line.y0 + line.y1) / 2 < heights[row].y1
        ]
        if len(lines) != cell.row_span or len(set(beside)) != len(lines):
            kept.append(cell)
            continue
        for row, line in zip(beside, lines, strict=True):
            box = Box(cell.box.x0, heights[row].y0, cell.box.x1, heights[row].y1)
            kept.append(FoundCell(row, cell.column, 1, cell.column_span, box, list(line.runs)))
    table.cells = kept


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
    """Splits each row of the grid in which numbers, or paragraphs of all cells, stand under each other."""
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
        return _paragraphs(rows, lines, len({cell.column for cell in filled}))
    return [[rows[index] for index in group] for group in group_lines(rows, lines, [], None)]


def _paragraphs(rows: Sequence[TextRow], lines: Sequence[Line], columns: int) -> list[list[TextRow]]:
    """The lines parted where, after white space, text begins anew in all columns at once."""
    size = median(run.size for row in rows for run in row.runs)
    gaps = [after.y1 - before.y1 for before, after in pairwise(rows)]
    close = [gap for gap in gaps if gap < _CLOSE * size]
    if not close:
        return []
    parts = [[rows[0]]]
    for gap, row, line in zip(gaps, rows[1:], lines[1:], strict=True):
        if gap > _BLANK * median(close) and len(line) == columns:
            parts.append([row])
        else:
            parts[-1].append(row)
    return parts


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
