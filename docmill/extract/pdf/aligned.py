"""Tables without a grid: cells found from the columns that words line up in, with or without horizontal rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from docmill.extract.pdf.ink import Run
from docmill.extract.pdf.lines import around, rows_of
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.tables import FoundCell, FoundTable, part_of

_NUMBER = re.compile(r"[(\[<>~≈±+\-−–—$€£¥]*\s*[\d.,]+\s*[%)\]*†‡a-z]{0,3}|[-–—.*]+|n/?a", re.IGNORECASE)
_TYPED_RULE = re.compile(r"[-_=–—]{5,}")
_MIN_CORRIDOR = 0.35  # of the type size


@dataclass(slots=True)
class TextRow:
    """A line of a table candidate: its runs from left to right."""

    runs: list[Run]
    y0: float
    y1: float

    @property
    def base(self) -> float:
        """The lower edge of its lowest run."""
        return self.y1


def text_rows(runs: Sequence[Run]) -> list[TextRow]:
    """The runs as lines from top to bottom."""
    return [TextRow(row, min(run.y0 for run in row), max(run.y1 for run in row)) for row in rows_of(runs)]


def column_spans(rows: Sequence[TextRow]) -> list[tuple[float, float]]:
    """The x ranges of the columns that the rows' runs line up in.

    Narrow runs come first. A run over two columns that are known from two runs each is a cell that spans them.
    """
    runs = sorted((run for row in rows for run in row.runs), key=lambda run: (run.x1 - run.x0, run.x0, run.y0))
    gap = _MIN_CORRIDOR * median(run.size for run in runs)
    spans: list[tuple[float, float, int]] = []
    for run in runs:
        hit = [span for span in spans if run.x0 < span[1] + gap and span[0] - gap < run.x1]
        firm = [span for span in hit if span[2] >= 2 and min(run.x1, span[1]) - max(run.x0, span[0]) > 0]
        if len(firm) >= 2:
            continue
        if len(hit) >= 2 and len(firm) == 1 and any(span[2] >= 2 for span in hit):
            hit = firm
        x0, x1 = min([run.x0, *(span[0] for span in hit)]), max([run.x1, *(span[1] for span in hit)])
        spans = [span for span in spans if span not in hit]
        spans.append((x0, x1, 1 + sum(span[2] for span in hit)))
    return _apart([(x0, x1) for x0, x1, _ in sorted(spans)])


def _apart(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans from left to right, those that overlap joined."""
    out: list[tuple[float, float]] = []
    for x0, x1 in spans:
        if out and x0 < out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], x1))
        else:
            out.append((x0, x1))
    return out


def build_table(rows: Sequence[TextRow], rules: Sequence[float], header_end: float | None) -> FoundTable | None:
    """The table that the lines form, None if they line up in fewer than two columns.

    `rules` are the y of horizontal rules between the lines, `header_end` the y of the rule under the head.
    """
    drawn = [row.y1 for row in rows if _is_drawn_rule(row)]
    rows, rules = [row for row in rows if not _is_drawn_rule(row)], [*rules, *drawn]
    spans = column_spans(rows) if rows else []
    if len(spans) < 2:
        return None
    lines = [_cells_of(row, spans) for row in rows]
    groups = group_lines(rows, lines, rules, header_end)
    cells: list[FoundCell] = []
    for number, group in enumerate(groups):
        cells += _merge_lines(number, [lines[index] for index in group], len(spans))
    header = 0
    if header_end is not None:
        header = sum(rows[group[-1]].y1 <= header_end + 1 for group in groups)
    box = around([run.box for row in rows for run in row.runs])
    _give_boxes(cells, groups, rows, spans, box)
    return FoundTable(box, cells, header if header < len(groups) else 0)


def _is_drawn_rule(row: TextRow) -> bool:
    """True for a line of hyphens, underscores or equals signs: a rule typed as text."""
    return all(_TYPED_RULE.fullmatch(run.text) for run in row.runs)


Line = dict[int, tuple[int, list[Run]]]  # first column -> (columns it reaches over, runs)


def _cells_of(row: TextRow, spans: Sequence[tuple[float, float]]) -> Line:
    """The runs of a line by first column, with the number of columns they reach over; runs are cut at corridors."""
    line: Line = {}
    for run in row.runs:
        for part in _cut_at_corridors(run, spans):
            touched = [
                index
                for index, (x0, x1) in enumerate(spans)
                if min(x1, part.x1) - max(x0, part.x0) > 0.15 * min(x1 - x0, part.x1 - part.x0)
            ]
            if not touched:
                middle = (part.x0 + part.x1) / 2
                touched = [min(range(len(spans)), key=lambda i: abs((spans[i][0] + spans[i][1]) / 2 - middle))]
            first, count = touched[0], touched[-1] - touched[0] + 1
            if first in line:
                line[first] = (max(line[first][0], count), [*line[first][1], part])
            else:
                line[first] = (count, [part])
    return line


def _cut_at_corridors(run: Run, spans: Sequence[tuple[float, float]]) -> list[Run]:
    """The run in pieces where a gap between its words lies over a corridor and is wider than a plain space."""
    corridors = [(a[1], b[0]) for a, b in pairwise(spans) if a[1] > run.x0 and b[0] < run.x1]
    if not corridors or len(run.words) < 2:
        return [run]
    parts: list[Run] = []
    start = 0
    for index in range(1, len(run.words)):
        before, after = run.words[index - 1], run.words[index]
        gap = after.x0 - before.x1
        if gap > 0.5 * run.size and any(before.x1 - 1 <= c1 and c0 <= after.x0 + 1 for c0, c1 in corridors):
            parts.append(part_of(run, run.words[start:index]))
            start = index
    parts.append(part_of(run, run.words[start:]))
    return parts


def group_lines(
    rows: Sequence[TextRow], lines: Sequence[Line], rules: Sequence[float], header_end: float | None
) -> list[list[int]]:
    """Which lines form a row of the table."""
    blocks: list[list[int]] = []
    for index, row in enumerate(rows):
        if index and not any(rows[index - 1].y1 - 2 <= y <= row.y0 + 3 for y in rules):
            blocks[-1].append(index)
        else:
            blocks.append([index])
    body = [block for block in blocks if header_end is None or rows[block[0]].y0 >= header_end - 1]
    by_rules = len(body) >= 3 and sum(len(block) for block in body) <= 3 * len(body)
    groups: list[list[int]] = []
    for block in blocks:
        if header_end is not None and rows[block[-1]].y1 <= header_end + 1:
            groups += _group_header(block, lines)
        elif by_rules and not any(conflict(lines[x], lines[y]) for x, y in pairwise(block)):
            groups.append(block)
        else:
            groups += _group_block(block, rows, lines)
    return groups


def _group_header(block: list[int], lines: Sequence[Line]) -> list[list[int]]:
    """Header lines in one row, except that a line with a cell over several columns is a row of its own."""
    groups: list[list[int]] = []
    open_group = False
    for index in block:
        spanning = any(count > 1 for count, _ in lines[index].values())
        if spanning or not open_group:
            groups.append([index])
        else:
            groups[-1].append(index)
        open_group = not spanning
    return groups


def _group_block(block: Sequence[int], rows: Sequence[TextRow], lines: Sequence[Line]) -> list[list[int]]:
    """Rows of the lines between two rules: parted by wide gaps if there are narrow and wide ones, else line by line."""
    if not block:
        return []
    gaps = _gaps([rows[index] for index in block])
    size = median(run.size for index in block for run in rows[index].runs)
    limit = _gap_limit([gap for gap in gaps if gap > 0.85 * size])
    if limit is not None:
        narrow = [(a, b) for gap, (a, b) in zip(gaps, pairwise(block), strict=True) if gap < limit]
        if sum(conflict(lines[a], lines[b]) for a, b in narrow) > 0.15 * len(narrow):
            limit = None
    groups = [[block[0]]]
    taken = _number_columns(lines[block[0]])  # by numbers of the group's lines
    for gap, (before, index) in zip(gaps, pairwise(block), strict=True):
        near = gap < 1.45 * size and _continues(lines[before], lines[index])
        same = gap < 0.7 * size or (gap < limit if limit is not None else near)
        own = _number_columns(lines[index])
        if same and not taken & own:
            groups[-1].append(index)
            taken |= own
        else:
            groups.append([index])
            taken = own
    return groups


def _number_columns(line: Line) -> set[int]:
    """The columns in which the line has numbers only."""
    return {column for column, (_, runs) in line.items() if all(is_number(run.text) for run in runs)}


def _gaps(rows: Sequence[TextRow]) -> list[float]:
    """The distance of each row from all above it, in points; for lines on one grid that of their baselines."""
    gaps, foot = [], 0.0
    for before, row in pairwise(rows):
        foot = max(foot, before.y1)
        gaps.append(row.y0 - foot + (row.y1 - row.y0))
    return gaps


def conflict(before: Line, line: Line) -> bool:
    """True if a column has a number on both lines: they cannot be one row."""
    return bool(_number_columns(before) & _number_columns(line))


def _gap_limit(gaps: Sequence[float]) -> float | None:
    """The distance of baselines that parts rows, where the gaps fall into a narrow and a clearly wider kind."""
    ordered = sorted(gaps)
    for index in range(1, len(ordered)):
        before, after = ordered[index - 1], ordered[index]
        if before > 0 and after / before > 1.25 and index >= 0.2 * len(ordered):
            return (before + after) / 2
    return None


def _continues(before: Line, line: Line) -> bool:
    """True if a line only carries on cells of the line before: nothing in the first column, no numbers."""
    if 0 in line or not line or len(line) >= max(len(before), 2):
        return False
    return all(column in before and not all(is_number(run.text) for run in runs) for column, (_, runs) in line.items())


def _merge_lines(number: int, lines: Sequence[Line], columns: int) -> list[FoundCell]:
    """The cells of a table row that stands on these lines; missing ones are empty."""
    cells: dict[int, FoundCell] = {}
    for line in lines:
        for column, (count, runs) in line.items():
            if column in cells:
                cells[column].runs += runs
                cells[column].column_span = max(cells[column].column_span, count)
            else:
                cells[column] = FoundCell(number, column, 1, count, Box(0, 0, 0, 0), list(runs))
    taken: set[int] = set()
    for column in sorted(cells):
        cell = cells[column]
        following = [other for other in cells if other > column]
        if following:
            cell.column_span = min(cell.column_span, min(following) - column)
        taken |= set(range(column, column + cell.column_span))
    for column in range(columns):
        if column not in taken:
            cells[column] = FoundCell(number, column, 1, 1, Box(0, 0, 0, 0))
    return [cells[column] for column in sorted(cells)]


def _give_boxes(
    cells: Sequence[FoundCell],
    groups: Sequence[Sequence[int]],
    rows: Sequence[TextRow],
    spans: Sequence[tuple[float, float]],
    box: Box,
) -> None:
    """Sets each cell's box: from the middle of one corridor to the next, and from the row's top to its foot."""
    edges = [box.x0, *((a[1] + b[0]) / 2 for a, b in pairwise(spans)), box.x1]
    for cell in cells:
        own = [rows[index] for index in groups[cell.row]]
        y0, y1 = min(row.y0 for row in own), max(row.y1 for row in own)
        cell.box = Box(edges[cell.column], y0, edges[min(cell.column + cell.column_span, len(spans))], y1)


def is_number(text: str) -> bool:
    """True for a number with its sign, currency, percent or footnote mark, and for signs that stand for no value."""
    return bool(_NUMBER.fullmatch(text.strip()))
