"""Tables as cells: shared by ruled and unruled tables, and the reading of the cells of ruled ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from docmill.extract.pdf.grid import Grid, find_grids
from docmill.extract.pdf.ink import Ink, Run
from docmill.extract.pdf.lines import around, join_lines, join_row, rows_of
from docmill.extract.pdf.places import Box, Word
from docmill.extract.pdf.rtl import with_brackets
from docmill.models import BBox, Cell, Table


@dataclass(slots=True)
class FoundCell:
    """A cell with the words that stand in it."""

    row: int
    column: int
    row_span: int
    column_span: int
    box: Box
    runs: list[Run] = field(default_factory=list)

    def text(self) -> str:
        """The cell's text, its lines joined."""
        text = join_lines([join_row(row).text for row in rows_of(self.runs)]) if self.runs else ""
        return with_brackets(text) if any(run.rtl for run in self.runs) else text

    def bold(self) -> bool:
        """True if the cell has text and all of it is bold."""
        return bool(self.runs) and all(run.bold for run in self.runs)


@dataclass(slots=True)
class FoundTable:
    """A table on a page: its cells and the runs that they took up."""

    box: Box
    cells: list[FoundCell]
    header_rows: int = 0
    ruled: bool = False

    def model(self, place: Placer) -> Table:
        """The table without empty lines of the grid, boxes as displayed."""
        cells, rows, columns, header = _compact(self.cells, self.header_rows)
        header = header or _guess_header(cells, rows)
        return Table(
            rows=rows,
            columns=columns,
            header_rows=header,
            cells=tuple(
                Cell(
                    row=cell.row,
                    column=cell.column,
                    row_span=cell.row_span,
                    column_span=cell.column_span,
                    text=cell.text(),
                    header=cell.row < header,
                    bbox=place(cell.box),
                )
                for cell in sorted(cells, key=lambda cell: (cell.row, cell.column))
            ),
        )


class Placer:
    """Turns boxes of the readable page into boxes of the page as displayed, to a hundredth of a point."""

    def __init__(self, ink: Ink) -> None:
        self.turn = ink.turn

    def __call__(self, box: Box) -> BBox:
        """The box as displayed."""
        shown = self.turn.displayed(box) if self.turn else box
        return BBox(x0=round(shown.x0, 2), y0=round(shown.y0, 2), x1=round(shown.x1, 2), y1=round(shown.y1, 2))


def _compact(cells: Sequence[FoundCell], header_rows: int) -> tuple[list[FoundCell], int, int, int]:
    """The cells without rows and columns that hold no text at all; with the counts of rows, columns, header rows."""
    used_rows, used_columns = set(), set()
    for cell in cells:
        if cell.runs:
            used_rows.add(cell.row)
            used_columns.add(cell.column)
    rows = {old: new for new, old in enumerate(sorted(used_rows))}
    columns = {old: new for new, old in enumerate(sorted(used_columns))}
    kept = []
    for cell in cells:
        in_rows = [r for r in range(cell.row, cell.row + cell.row_span) if r in rows]
        in_columns = [c for c in range(cell.column, cell.column + cell.column_span) if c in columns]
        if in_rows and in_columns:
            kept.append(
                FoundCell(rows[in_rows[0]], columns[in_columns[0]], len(in_rows), len(in_columns), cell.box, cell.runs)
            )
    return kept, len(rows), len(columns), sum(old < header_rows for old in rows)


def _guess_header(cells: Sequence[FoundCell], rows: int) -> int:
    """How many rows at the top are all bold while the next row is not; at most 3."""
    count = 0
    while count < min(3, rows - 1):
        row = [cell for cell in cells if cell.row == count and cell.runs]
        if not row or not all(cell.bold() for cell in row):
            break
        count += 1
    below = [cell for cell in cells if cell.row == count and cell.runs]
    return 0 if below and all(cell.bold() for cell in below) else count


def ruled_tables(ink: Ink) -> tuple[list[FoundTable], list[Run]]:
    """The tables drawn with crossing rules, and the runs that stand in none."""
    runs = ink.runs
    tables = []
    for grid in find_grids(ink):
        inside = [run for run in runs if _in_box(run, grid.box)]
        if len(inside) < 2:
            continue
        cells, outside = _fill(grid, inside)
        if not _is_table(grid, cells):
            continue
        tables.append(FoundTable(grid.box, cells, ruled=True))
        taken = {id(run) for run in inside}
        runs = [run for run in runs if id(run) not in taken] + outside
    return tables, runs


def _in_box(run: Run, box: Box) -> bool:
    """True if the middle of the run's line lies in the box and the run reaches into it."""
    y = (run.y0 + run.y1) / 2
    return box.y0 <= y <= box.y1 and run.x1 > box.x0 and run.x0 < box.x1


def _fill(grid: Grid, runs: Sequence[Run]) -> tuple[list[FoundCell], list[Run]]:
    """The grid's cells with their words, and runs of words that stand beside the grid."""
    cells = [FoundCell(c.row, c.column, c.row_span, c.column_span, c.box) for c in grid.cells]
    outside: list[Run] = []
    for run in runs:
        for cell, words in _by_cell(run, cells):
            if cell is None:
                outside.append(part_of(run, words))
            else:
                cell.runs.append(part_of(run, words))
    return cells, outside


def _by_cell(run: Run, cells: Sequence[FoundCell]) -> list[tuple[FoundCell | None, list[Word]]]:
    """The run's words by the cell that holds their middle, neighbours together."""
    parts: list[tuple[FoundCell | None, list[Word]]] = []
    y = (run.y0 + run.y1) / 2
    row = [cell for cell in cells if cell.box.y0 <= y < cell.box.y1]
    for word in run.words:
        x = (word.x0 + word.x1) / 2
        cell = next((cell for cell in row if cell.box.x0 <= x < cell.box.x1), None)
        if parts and parts[-1][0] is cell:
            parts[-1][1].append(word)
        else:
            parts.append((cell, [word]))
    return parts


def part_of(run: Run, words: list[Word]) -> Run:
    """The run cut to some of its words."""
    if len(words) == len(run.words):
        return run
    box = around([Box(*word[:4]) for word in words])
    text = " ".join(word.text for word in words)
    return Run(*box, text, run.size, run.bold, run.italic, run.mono, run.rtl, words, run.confidence)


def _is_table(grid: Grid, cells: Sequence[FoundCell]) -> bool:
    """True if text stands in at least two columns and a good part of the cells: no chart, no frame around text."""
    filled = [cell for cell in cells if cell.runs]
    if len({cell.column for cell in filled}) < 2 and len({cell.row for cell in filled}) < 2:
        return False
    if len(grid.xs) < 3:
        return False
    return len(filled) >= 0.25 * len(cells)
