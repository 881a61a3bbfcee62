"""Where tables without a grid are: between rules of equal extent, or where lines of cells follow each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from docmill.extract.pdf.above import rows_above
from docmill.extract.pdf.aligned import TextRow, build_table, column_spans, is_number, text_rows
from docmill.extract.pdf.ink import Rule, Run
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.tables import FoundTable

_MARKER = re.compile(r"[•◦▪‣·*○●■□–—-]|\(?\w{1,3}[.)]")
_FAR = 2.0  # of the type size: lines with so much white space between them are not one table's
_LEADERS = re.compile(r"(\. ?){4,}|…{2,}")


def stacked_tables(
    runs: list[Run], h_rules: Sequence[Rule], fills: Sequence[Box], width: float
) -> tuple[list[FoundTable], list[Run]]:
    """Tables between horizontal rules of equal extent (head and foot rules), and the runs that stand in none.

    `fills` are the shaded boxes of the page, on which a head may stand.
    """
    tables: list[FoundTable] = []
    for stack in _stacks(h_rules, 0.12 * width):
        for first, last in _tabular_stretches(stack, runs):
            top, bottom = stack[first], stack[last]
            inside = _between(runs, top, bottom)
            rows = text_rows(inside)
            ys = [rule.at for rule in stack[first : last + 1]]
            below = _rows_below(runs, stack, last) if len(rows) <= 4 else []
            header_end = ys[1] if len(ys) > 2 or below else None
            if below:
                rows += below
                inside += [run for row in below for run in row.runs]
                bottom = Rule(below[-1].y1, bottom.start, bottom.end)
            above = rows_above(runs, top, stack[first - 1].at if first else 0.0, rows, fills)
            if above:
                rows = [*above.rows, *rows]
                inside += [run for row in above.rows for run in row.runs]
                header_end = above.header_end
                ys = [*above.parts, *ys]
                top = Rule(above.top, top.start, top.end)
            table = build_table(rows, ys, header_end)
            if table is None or not _plausible(rows, ruled=True):
                continue
            table.box = Box(min(top.start, table.box.x0), top.at, max(top.end, table.box.x1), bottom.at)
            tables.append(table)
            taken = {id(run) for run in inside}
            runs = [run for run in runs if id(run) not in taken]
    return tables, runs


def _rows_below(runs: Sequence[Run], stack: Sequence[Rule], last: int) -> list[TextRow]:
    """Lines of several runs that follow closely under the last rule of a stretch, down to the stack's next rule."""
    rule = stack[last]
    limit = stack[last + 1].at if last + 1 < len(stack) else float("inf")
    under = [
        run
        for run in runs
        if rule.at < (run.y0 + run.y1) / 2 < limit and run.x1 > rule.start - 3 and run.x0 < rule.end + 3
    ]
    rows = text_rows(under)
    if not rows or rows[0].y0 - rule.at > 2.5 * rows[0].runs[0].size:
        return []
    first = next((index for index, row in enumerate(rows[:3]) if len(row.runs) >= 2), None)
    if first is None:
        return []
    end = _stretch(rows, first)
    multi = [row for row in rows[:end] if len(row.runs) >= 2]
    if any(run.x0 < rule.start - 12 or run.x1 > rule.end + 12 for row in multi for run in row.runs):
        return []
    return rows[:end] if len(multi) >= 2 and _plausible(multi, ruled=False) else []


def _stacks(h_rules: Sequence[Rule], shortest: float) -> list[list[Rule]]:
    """Rules that begin and end at the same x (within 6 points), from top to bottom; stacks of two or more."""
    stacks: list[list[Rule]] = []
    for rule in h_rules:
        if rule.end - rule.start < shortest:
            continue
        for stack in stacks:
            if abs(stack[0].start - rule.start) <= 6 and abs(stack[0].end - rule.end) <= 6:
                stack.append(rule)
                break
        else:
            stacks.append([rule])
    return [sorted(stack) for stack in stacks if len(stack) >= 2]


def _between(runs: Sequence[Run], top: Rule, bottom: Rule) -> list[Run]:
    """The runs between two rules."""
    return [
        run
        for run in runs
        if top.at - 1 <= (run.y0 + run.y1) / 2 <= bottom.at + 1 and run.x1 > top.start - 3 and run.x0 < top.end + 3
    ]


def _tabular_stretches(stack: Sequence[Rule], runs: Sequence[Run]) -> list[tuple[int, int]]:
    """Index ranges of rules between which there are rows of several runs and no prose."""
    between = [text_rows(_between(runs, top, bottom)) for top, bottom in pairwise(stack)]
    good: list[bool] = []
    for index, rows in enumerate(between):
        multi = sum(len(row.runs) >= 2 and not _is_list_item(row) for row in rows)
        tabular = bool(rows) and multi >= 0.4 * len(rows) and not _is_prose(rows)
        if not rows:
            tabular = stack[index + 1].at - stack[index].at < 6
        elif not tabular and index and good[-1]:
            tabular = _under_header(between[index - 1], rows)
        elif tabular and not (index and good[-1]):
            tabular = not _begins_with_text(rows)
        good.append(tabular)
    stretches, at = [], 0
    while at < len(good):
        end = at
        while end < len(good) and good[end]:
            end += 1
        if end > at:
            stretches.append((at, end))
        at = end + 1
    return stretches


def _begins_with_text(rows: Sequence[TextRow]) -> bool:
    """True if the first lines are no cells and stand far above the others: the rule over them is not the table's."""
    first = next((index for index, row in enumerate(rows) if len(row.runs) >= 2 and not _is_list_item(row)), 0)
    return first > 0 and rows[first].y0 - rows[first - 1].y1 > _FAR * rows[first].runs[0].size


def _is_list_item(row: TextRow) -> bool:
    """True for a bullet or number that stands apart from its text."""
    return len(row.runs) == 2 and bool(_MARKER.fullmatch(row.runs[0].text))


def _under_header(header: Sequence[TextRow], rows: Sequence[TextRow]) -> bool:
    """True if the rows above are a head of several cells and few of these runs reach over two of its columns."""
    if not header or len(header) > 4 or max(len(row.runs) for row in header) < 2:
        return False
    spans = column_spans(header)
    runs = [run for row in rows for run in row.runs]
    wide = sum(sum(min(run.x1, x1) - max(run.x0, x0) > 2 for x0, x1 in spans) >= 2 for run in runs)
    return wide <= 0.2 * len(runs) and len(column_spans([*header, *rows])) >= 2


def _is_prose(rows: Sequence[TextRow]) -> bool:
    """True if the lines are text set in columns: two columns, or more than half of them, hold running text."""
    if len(rows) < 4:
        return False
    spans = column_spans(rows)
    prose = sum(
        _is_prose_column([run for row in rows for run in row.runs if run.x0 < x1 and x0 < run.x1]) for x0, x1 in spans
    )
    return prose >= 2 or 2 * prose > len(spans)


def _is_prose_column(runs: Sequence[Run]) -> bool:
    """True for four or more lines, most of them long, as wide as the column and close under each other."""
    if len(runs) < 4 or median(len(run.text) for run in runs) <= 15:
        return False
    width = max(run.x1 for run in runs) - min(run.x0 for run in runs)
    dense = sum(
        run.y1 - before.y1 < 1.6 * run.size and before.x1 - before.x0 > 0.75 * width for before, run in pairwise(runs)
    )
    return dense > 0.55 * (len(runs) - 1)


def _plausible(rows: Sequence[TextRow], ruled: bool) -> bool:
    """True if the lines are cells: not a list, a table of contents, or text in columns."""
    firsts = [row.runs[0].text for row in rows]
    if max(len(row.runs) for row in rows) == 2:
        if sum(bool(_MARKER.fullmatch(text)) for text in firsts) > 0.6 * len(rows):
            return False
        if not ruled and any(_LEADERS.search(run.text) for row in rows for run in row.runs):
            return False
        if not ruled and _page_numbers([row.runs[-1].text for row in rows if len(row.runs) == 2]):
            return False
    return ruled or not _is_prose(rows)


def _page_numbers(texts: Sequence[str]) -> bool:
    """True if the texts are whole numbers that never fall, as in a table of contents."""
    if not texts or not all(text.isdecimal() for text in texts):
        return False
    values = [int(text) for text in texts]
    return all(a <= b for a, b in pairwise(values))


def free_tables(rows: Sequence[TextRow]) -> list[tuple[int, int]]:
    """Index ranges of neighbouring lines that look like a table without any rule: three or more rows of cells."""
    found, at = [], 0
    while at < len(rows):
        if len(rows[at].runs) < 2:
            at += 1
            continue
        end = _stretch(rows, at)
        part = rows[at:end]
        if _is_free_table(part):
            found.append((at, end))
        at = max(end, at + 1)
    return found


def _stretch(rows: Sequence[TextRow], at: int) -> int:
    """The end of the stretch of lines from `at` in which lines of several runs follow each other closely."""
    size = rows[at].runs[0].size
    end, last = at + 1, at + 1
    gaps = [1.7 * size]
    while end < len(rows) and (gap := rows[end].y1 - rows[end - 1].y1) < 1.6 * max(gaps[-5:]):
        gaps.append(max(gap, 1.7 * size))
        if len(rows[end].runs) >= 2:
            last = end + 1
        elif end - last >= 2:
            break
        end += 1
    return last


def _is_free_table(rows: Sequence[TextRow]) -> bool:
    """True for at least three lines of cells in two or more columns, most of them short or numbers."""
    multi = [row for row in rows if len(row.runs) >= 2]
    if len(multi) < 3 or len(multi) < 0.5 * len(rows) or not _plausible(multi, ruled=False):
        return False
    spans = column_spans(rows)
    if len(spans) < 2:
        return False
    runs = [run for row in multi for run in row.runs[1:]]
    if len(multi) < 5 and any(b[0] - a[1] < 0.9 * runs[0].size for a, b in pairwise(spans)):
        return False
    numbers = sum(is_number(run.text) for run in runs) / len(runs)
    words = sum(len(run.words) for run in runs) / len(runs)
    if len(spans) == 2:
        return numbers > 0.6 or (words < 4 and len(multi) >= 4 and _starts_align(multi, spans))
    return numbers > 0.3 or words < 3.5 or _starts_align(multi, spans)


def _starts_align(rows: Sequence[TextRow], spans: Sequence[tuple[float, float]]) -> bool:
    """True if in every column most runs begin at its left edge."""
    for x0, x1 in spans:
        runs = [run for row in rows for run in row.runs if run.x0 < x1 and x0 < run.x1]
        if not runs or sum(abs(run.x0 - x0) < 2.5 for run in runs) < 0.7 * len(runs):
            return False
    return True


def looks_tabular(runs: Sequence[Run]) -> bool:
    """True if nearly all lines have several runs in line with those of other lines, and no column is prose."""
    rows = text_rows(runs)
    multi = [row for row in rows if len(row.runs) >= 2]
    return len(multi) >= 3 and len(multi) >= 0.5 * len(rows) and _is_free_table(rows)
