"""Rows over the first rule of a table that has no rule at its top: the head on a shaded band, a row under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from docmill.extract.pdf.aligned import TextRow, column_spans, is_number, text_rows
from docmill.extract.pdf.ink import Rule, Run
from docmill.extract.pdf.places import Box

_MOST_ROWS = 4  # lines of a head and the row under it
_FARTHER, _AS_FAR = 1.25, 0.9  # of the widest distance between the table's own lines


@dataclass(frozen=True, slots=True)
class Above:
    """Lines that belong to a table, over its first rule.

    `top` is the y where the table begins, `parts` are those between its rows, `header_end` that of the foot of its
    head, None where nothing shows it.
    """

    rows: list[TextRow]
    top: float
    parts: list[float]
    header_end: float | None


def rows_above(
    runs: Sequence[Run], rule: Rule, ceiling: float, rows: Sequence[TextRow], fills: Sequence[Box]
) -> Above | None:
    """The lines of cells over the rule that stand in the columns of `rows` under it, no farther apart than these.

    None where there are none under the y `ceiling`, or so many that the rule is no row's foot.
    """
    pitch = max((after.y1 - before.y1 for before, after in pairwise(rows[:6])), default=0.0)
    spans = column_spans(rows) if rows else []
    if pitch <= 0 or len(spans) < 2:
        return None
    over = [
        run
        for run in runs
        if ceiling < (run.y0 + run.y1) / 2 < rule.at and run.x1 > rule.start - 3 and run.x0 < rule.end + 3
    ]
    found: list[TextRow] = []
    below = rows[0]
    for row in reversed(text_rows(over)):
        far = below.y1 - row.y1 > _FARTHER * pitch
        if far or _is_other_text(row, below) or not _in_columns(row, spans, rule):
            break
        found.insert(0, row)
        below = row
    if not found or len(found) > _MOST_ROWS:
        return None
    band = _band(found[0], rule, fills)
    if band is not None:
        return Above(found, band.y0, [band.y1], band.y1)
    parts = [(a.y1 + b.y0) / 2 for a, b in pairwise(found) if b.y1 - a.y1 > _AS_FAR * pitch]
    numbers = any(is_number(run.text) for row in found for run in row.runs)
    return Above(found, found[0].y0 - 1, parts, None if numbers or parts else rule.at)


def _is_other_text(row: TextRow, below: TextRow) -> bool:
    """True if the line below is set bold, as a head is, and this one over it is not, or if the type sizes differ."""
    size, own = median(run.size for run in below.runs), median(run.size for run in row.runs)
    bold = all(run.bold for run in below.runs) and not all(run.bold for run in row.runs)
    return bold or abs(size - own) > 0.2 * size


def _in_columns(row: TextRow, spans: Sequence[tuple[float, float]], rule: Rule) -> bool:
    """True for cells of at least half of the columns, each in one column that no other of them stands in."""
    if len(row.runs) < max(2, 0.5 * len(spans)):
        return False
    if row.runs[0].x0 < rule.start - 3 or row.runs[-1].x1 > rule.end + 3:
        return False
    hits = [[index for index, (x0, x1) in enumerate(spans) if run.x0 < x1 and x0 < run.x1] for run in row.runs]
    return all(len(hit) == 1 for hit in hits) and len({hit[0] for hit in hits}) == len(hits)


def _band(row: TextRow, rule: Rule, fills: Sequence[Box]) -> Box | None:
    """The shaded band as wide as the rule that the line stands on."""
    middle = (row.y0 + row.y1) / 2
    for fill in fills:
        wide = abs(fill.x0 - rule.start) <= 6 and abs(fill.x1 - rule.end) <= 6
        if wide and fill.y0 < middle < fill.y1 <= rule.at + 3:
            return fill
    return None
