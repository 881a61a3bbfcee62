"""Tells charts that have no bars: plots by their value axis, pies by shares that make a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

from docmill.extract.chart_axes import Axis, Label, number_of, value_axis
from docmill.extract.pdf.ink import Ink, Run
from docmill.extract.pdf.places import Box
from docmill.models import Cell, Table

_FAR = 45.0
"""Points between a plot and its labels at most."""
_WHOLE = 2.0
_LEAST = 60.0
_MANY = 50


def find_plots(ink: Ink, runs: Sequence[Run], taken: Sequence[Box]) -> list[Box]:
    """The boxes of single curves with a value axis beside them, outside `taken`: a curve alone is no figure."""
    large = [box for box in ink.drawings if min(box.x1 - box.x0, box.y1 - box.y0) >= _LEAST]
    found: list[Box] = []
    for box in sorted(large, key=lambda each: (each.x1 - each.x0) * (each.y1 - each.y0), reverse=True)[:_MANY]:
        apart = all(box.x1 < o.x0 or o.x1 < box.x0 or box.y1 < o.y0 or o.y1 < box.y0 for o in [*taken, *found])
        if apart and plot_labels(box, runs):
            found.append(box)
    return found


def plot_labels(box: Box, runs: Sequence[Run]) -> list[Run]:
    """The runs of the value axis beside the figure and of the row below it; none where it has no value axis."""
    beside = [run for run in runs if box.x0 - _FAR < run.x1 <= box.x0 + 2 and box.y0 - _FAR < run.y0 < box.y1 + _FAR]
    axis = value_axis([Label(run.text, *run.box) for run in beside])
    if axis is None or not _covers(axis, box):
        return []
    names = set(axis.labels)
    below = [run for run in runs if 0 <= run.y0 - box.y1 + 2 < _FAR and box.x0 - _FAR < run.x0 < box.x1 + _FAR]
    first = min((run.y0 for run in below), default=0.0)
    row = [run for run in below if run.y0 - first < 4]
    return [run for run in beside if Label(run.text, *run.box) in names] + row


def _covers(axis: Axis, box: Box) -> bool:
    """Whether the axis is about as high as the figure: numbers beside any picture are no axis."""
    heights = [label.y for label in axis.labels]
    return max(heights) - min(heights) > 0.5 * (box.y1 - box.y0)


def pie_shares(box: Box, runs: Sequence[Run]) -> tuple[Table, list[Run]] | None:
    """The names and percentages of a pie and the runs that they are; None where the numbers do not make 100 %."""
    near = [run for run in runs if box.x0 - _FAR < _x(run) < box.x1 + _FAR and box.y0 - 10 < _y(run) < box.y1 + 10]
    shares = [run for run in near if run.text.endswith("%") and number_of(run.text) is not None]
    names = [run for run in near if number_of(run.text) is None]
    if len(shares) < 2 or len(shares) != len(names):
        return None
    if abs(sum(number_of(run.text) or 0.0 for run in shares) - 100) > _WHOLE:
        return None
    pairs = [(min(names, key=lambda name, share=share: _apart(box, name, share)), share) for share in shares]  # type: ignore[misc]
    if len({id(name) for name, _ in pairs}) < len(pairs):
        return None
    rows = [("", "share"), *((name.text, share.text) for name, share in pairs)]
    cells = [
        Cell(row=row, column=column, text=text, header=row == 0)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]
    return Table(rows=len(rows), columns=2, cells=tuple(cells), header_rows=1), [*names, *shares]


def _apart(box: Box, one: Run, other: Run) -> float:
    """The angle between two runs seen from the middle of the pie."""
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    angles = [math.atan2(_y(run) - middle[1], _x(run) - middle[0]) for run in (one, other)]
    turn = abs(angles[0] - angles[1])
    return min(turn, 2 * math.pi - turn)


def _x(run: Run) -> float:
    return (run.x0 + run.x1) / 2


def _y(run: Run) -> float:
    return (run.y0 + run.y1) / 2
