"""Tables where the layout model sees them: its regions and lines, filled with the page's own words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from docmill.extract.pdf.aligned import build_table, text_rows
from docmill.extract.pdf.drafts import Draft
from docmill.extract.pdf.faults import faults
from docmill.extract.pdf.figures import area, inside, overlap
from docmill.extract.pdf.ink import Ink, Rule, Run
from docmill.extract.pdf.places import Box, Word
from docmill.extract.pdf.regions import Kind, Region
from docmill.extract.pdf.tables import FoundCell, FoundTable, part_of
from docmill.models import ElementType

_SAME = 0.7  # of the larger box: a table and a region that share this much are one
_GRID_IS_BETTER, _OWN_IS_BETTER, _ALIGNED_IS_WORSE = 0.4, 0.05, 0.1
"""By how many faults a cell: a drawn grid is believed, and the model's lines part rows better than words alone."""
_MARGIN = 2.0  # points around a region that still count as in it


def settle_tables(
    ink: Ink, tables: Sequence[FoundTable], runs: Sequence[Run], regions: Sequence[Region]
) -> tuple[list[FoundTable], list[Run]]:
    """The tables with those replaced that the model sees better, and the runs that stand in none."""
    wanted = [region for region in regions if region.kind is Kind.TABLE]
    shown = [region.box for region in regions if region.kind is Kind.PICTURE]
    kept: list[FoundTable] = []
    rivals: list[FoundTable] = []
    free = list(runs)
    for table in tables:
        if any(overlap(region.box, table.box) > 0.1 * area(table.box) for region in wanted):
            rivals.append(table)
        elif any(overlap(box, table.box) > 0.8 * area(table.box) for box in shown):
            free += runs_of(table)
        else:
            kept.append(table)
    for region in wanted:
        own = [table for table in rivals if overlap(region.box, table.box) > 0.3 * area(table.box)]
        rivals = [table for table in rivals if not any(table is each for each in own)]
        if len(own) > 1 and _are_grids(own, region):
            kept += own
            continue
        pool = [*free, *(run for table in own for run in runs_of(table))]
        best = _best(ink, region, own, [run for run in pool if inside(run, _wider(region.box))])
        if best is None or not _has_columns(best):
            kept += own
            continue
        kept.append(best)
        taken = _words(runs_of(best))
        free = [run for run in pool if not taken.issuperset(_words([run]))]
    return [*kept, *rivals], free


def _are_grids(tables: Sequence[FoundTable], region: Region) -> bool:
    """True if the few tables are all drawn as grids and fill most of the region: it holds several tables."""
    covered = sum(overlap(region.box, table.box) for table in tables)
    return len(tables) < 4 and all(table.ruled for table in tables) and covered > 0.5 * area(region.box)


def runs_of(table: FoundTable) -> list[Run]:
    """The runs of all cells."""
    return [run for cell in table.cells for run in cell.runs]


def _words(runs: Sequence[Run]) -> set[Word]:
    return {word for run in runs for word in run.words}


def _best(ink: Ink, region: Region, own: Sequence[FoundTable], runs: Sequence[Run]) -> FoundTable | None:
    """The table with the fewest faults: the one found without the model, by the words in the region, by its lines."""
    candidates: list[tuple[float, FoundTable]] = []
    if len(own) == 1 and _agrees(own[0], region):
        candidates.append((faults(own[0]) - (_GRID_IS_BETTER if own[0].ruled else _OWN_IS_BETTER), own[0]))
    if runs:
        rules = [rule.at for rule in ink.h_rules if _crosses(rule, region.box)]
        aligned = build_table(text_rows(runs), rules, rules[1] if len(rules) > 2 else None)
        lined = table_by_lines(region, runs)
        candidates.append((faults(lined), lined))
        if aligned:
            candidates.append((faults(aligned) + _ALIGNED_IS_WORSE, aligned))
    return min(candidates, key=lambda each: each[0], default=(0, None))[1]


def _crosses(rule: Rule, box: Box) -> bool:
    return box.y0 - 3 <= rule.at <= box.y1 + 3 and rule.start < box.x1 and rule.end > box.x0


def _has_columns(table: FoundTable) -> bool:
    """True if text stands in two columns at least; what the model takes for a table of one is a list or a figure."""
    return len({cell.column for cell in table.cells if cell.runs}) > 1


_NO_TITLE = {
    Kind.LIST_ITEM: ElementType.LIST_ITEM,
    Kind.FOOTNOTE: ElementType.FOOTNOTE,
    Kind.CAPTION: ElementType.CAPTION,
    Kind.HEADER: ElementType.HEADER,
    Kind.FOOTER: ElementType.FOOTER,
    Kind.PICTURE: ElementType.TEXT,
    Kind.FORMULA: ElementType.FORMULA,
}
_NO_TEXT = {Kind.SECTION: ElementType.TITLE, Kind.FORMULA: ElementType.FORMULA}
_SHORT_TITLE = 4  # lines


def settle_types(drafts: Sequence[Draft], regions: Sequence[Region]) -> None:
    """Titles that the model sees as something else are that; text that it sees as a heading or formula is that.

    Where the model sees running text a title keeps its type: the model misses more titles than it invents.
    """
    for draft in drafts:
        if draft.type not in (ElementType.TEXT, ElementType.TITLE) or not regions:
            continue
        region = max(regions, key=lambda each: overlap(each.box, draft.box))
        if overlap(region.box, draft.box) < 0.6 * area(draft.box):
            continue
        if draft.type is ElementType.TITLE:
            draft.type = _NO_TITLE.get(region.kind, draft.type)
        elif len(draft.lines) <= _SHORT_TITLE:
            draft.type = _NO_TEXT.get(region.kind, draft.type)


def _agrees(table: FoundTable, region: Region) -> bool:
    """True if the region is nearly the table's box."""
    return overlap(region.box, table.box) > _SAME * max(area(region.box), area(table.box))


def _wider(box: Box) -> Box:
    return Box(box.x0 - _MARGIN, box.y0 - _MARGIN, box.x1 + _MARGIN, box.y1 + _MARGIN)


def table_by_lines(region: Region, runs: Sequence[Run]) -> FoundTable:
    """The table whose rows and columns the region's lines part."""
    ys = _edges(region.box.y0, region.rows, region.box.y1)
    xs = _edges(region.box.x0, region.columns, region.box.x1)
    found: dict[tuple[int, int], FoundCell] = {}
    for run in runs:
        row = _slot((run.y0 + run.y1) / 2, ys)
        for words in _pieces(run, xs):
            part = part_of(run, words)
            first, last = _reach(part, xs)
            cell = found.setdefault((row, first), FoundCell(row, first, 1, 1, region.box))
            cell.runs.append(part)
            cell.column_span = max(cell.column_span, last - first + 1)
    cells: list[FoundCell] = []
    for row in range(len(ys) - 1):
        own = sorted((cell for key, cell in found.items() if key[0] == row), key=lambda cell: cell.column)
        for cell, following in pairwise(own):
            cell.column_span = min(cell.column_span, following.column - cell.column)
        taken = {column for cell in own for column in range(cell.column, cell.column + cell.column_span)}
        cells += own
        cells += [FoundCell(row, column, 1, 1, region.box) for column in range(len(xs) - 1) if column not in taken]
    for cell in cells:
        cell.box = Box(xs[cell.column], ys[cell.row], xs[cell.column + cell.column_span], ys[cell.row + 1])
    return FoundTable(region.box, cells)


def _edges(start: float, inner: Sequence[float], end: float) -> list[float]:
    """The outer and inner lines in order."""
    return [start, *(line for line in inner if start < line < end), end]


def _slot(at: float, edges: Sequence[float]) -> int:
    """Between which two edges the position lies."""
    return next((index for index in range(len(edges) - 2) if at < edges[index + 1]), len(edges) - 2)


def _pieces(run: Run, xs: Sequence[float]) -> list[list[Word]]:
    """The run's words in groups: parted where a gap wider than a space lies over a line between columns."""
    pieces: list[list[Word]] = []
    last = -1
    for word in run.words:
        column = _slot((word.x0 + word.x1) / 2, xs)
        if pieces and (column == last or word.x0 - pieces[-1][-1].x1 < 0.5 * run.size):
            pieces[-1].append(word)
        else:
            pieces.append([word])
        last = column
    return pieces


def _reach(part: Run, xs: Sequence[float]) -> tuple[int, int]:
    """The first and last column that the run reaches into by more than a little."""
    width = part.x1 - part.x0
    touched = [
        index
        for index, (x0, x1) in enumerate(pairwise(xs))
        if min(x1, part.x1) - max(x0, part.x0) > 0.15 * min(x1 - x0, width)
    ]
    return (touched[0], touched[-1]) if touched else (at := _slot((part.x0 + part.x1) / 2, xs), at)
