"""Bar charts drawn as shaded boxes: found by their bars, before tables are looked for in them.

Bars are at least three boxes that stand on one line (or hang on one side), equally thick, apart from each other and of
at least two lengths, with hardly any words in them: shaded cells of a table fill their row between its rules, or hold
text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from docmill.extract.pdf.figures import inside, overlap
from docmill.extract.pdf.ink import Ink, Rule, Run, marks_outside
from docmill.extract.pdf.lines import around
from docmill.extract.pdf.places import Box

_MARGIN = 3.0  # points around a chart in which marks are still its own
_SAME = 1.5  # points that ends on one line may differ
_THICKNESS = 0.15  # share that bars' thickness may differ
_MIN_BARS, _MAX_BARS = 3, 200
_LABEL_REACH = 1.8  # of the type size: how far from the plot its labels stand


@dataclass(frozen=True)
class Chart:
    """A chart's box, with its labels, and the runs that stand in it."""

    box: Box
    runs: list[Run]


def find_charts(ink: Ink) -> list[Chart]:
    """The page's bar charts, from top to bottom."""
    if len(ink.fills) < _MIN_BARS:
        return []
    plots: list[Box] = []
    for bars in [*_standing(ink.fills), *_hanging(ink.fills)]:
        if _is_bars(bars, ink):
            plot = _with_axes(around(bars), ink)
            if not any(overlap(plot, other) for other in plots):
                plots.append(plot)
    charts = [_with_labels(plot, ink.runs) for plot in plots]
    return sorted(charts, key=lambda chart: (chart.box.y0, chart.box.x0))


def without_charts(ink: Ink, charts: Sequence[Chart]) -> Ink:
    """The marks that are in no chart."""
    if not charts:
        return ink
    taken = {id(run) for chart in charts for run in chart.runs}
    left = marks_outside(ink, [chart.box for chart in charts], _MARGIN)
    return replace(left, runs=[run for run in ink.runs if id(run) not in taken])


def _standing(fills: Sequence[Box]) -> list[list[Box]]:
    """Boxes grouped by the line that they stand on and their width."""
    return _grouped(fills, lambda box: box.y1, lambda box: box.x1 - box.x0)


def _hanging(fills: Sequence[Box]) -> list[list[Box]]:
    """Boxes grouped by their left side and their height."""
    return _grouped(fills, lambda box: box.x0, lambda box: box.y1 - box.y0)


def _grouped(fills: Sequence[Box], base: Callable[[Box], float], thickness: Callable[[Box], float]) -> list[list[Box]]:
    groups: list[list[Box]] = []
    for box in sorted(fills, key=lambda each: (base(each), thickness(each))):
        last = groups[-1][0] if groups else None
        alike = last is not None and abs(base(last) - base(box)) <= _SAME
        if alike and last is not None and abs(thickness(last) - thickness(box)) <= _THICKNESS * thickness(last):
            groups[-1].append(box)
        else:
            groups.append([box])
    return [group for group in groups if _MIN_BARS <= len(group) <= _MAX_BARS]


def _is_bars(bars: Sequence[Box], ink: Ink) -> bool:
    """Whether the boxes are bars: apart, of several lengths, no cells, and without text but for a value each."""
    upright = abs(bars[0].y1 - bars[1].y1) <= _SAME and abs(bars[0].x0 - bars[1].x0) > _SAME
    spans = sorted((box.x0, box.x1) if upright else (box.y0, box.y1) for box in bars)
    lengths = [box.y1 - box.y0 if upright else box.x1 - box.x0 for box in bars]
    thickness = spans[0][1] - spans[0][0]
    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    if min(gaps) < 0.05 * thickness or max(lengths) - min(lengths) < max(0.1 * max(lengths), 3):
        return False
    if sum(_is_cell(box, upright, ink) for box in bars) > 0.5 * len(bars):
        return False
    return all(sum(len(run.words) for run in ink.runs if inside(run, box)) <= 2 for box in bars)


def _is_cell(box: Box, upright: bool, ink: Ink) -> bool:
    """Whether rules that are longer than the box go along both of its long sides."""
    start, end = (box.y0, box.y1) if upright else (box.x0, box.x1)
    rules = ink.v_rules if upright else ink.h_rules
    longer = [rule.at for rule in rules if _covers(rule, start, end) and rule.end - rule.start > 1.2 * (end - start)]
    sides = (box.x0, box.x1) if upright else (box.y0, box.y1)
    return all(any(abs(at - side) <= _SAME for at in longer) for side in sides)


def _with_axes(plot: Box, ink: Ink) -> Box:
    """The plot with the rules that touch it: its axes."""
    near = Box(plot.x0 - 40, plot.y0 - 40, plot.x1 + 40, plot.y1 + 40)
    boxes = [plot]
    for rule in ink.h_rules:
        if plot.y0 - 60 <= rule.at <= plot.y1 + 4 and _covers(rule, plot.x0, plot.x1) and rule.start >= near.x0 - 20:
            boxes.append(Box(rule.start, rule.at, rule.end, rule.at))
    for rule in ink.v_rules:
        if near.x0 <= rule.at <= near.x1 and _covers(rule, plot.y0, plot.y1) and rule.start >= near.y0 - 20:
            boxes.append(Box(rule.at, rule.start, rule.at, rule.end))
    return around(boxes)


def _covers(rule: Rule, start: float, end: float) -> bool:
    """Whether the rule goes along nine tenths of the range."""
    return min(rule.end, end) - max(rule.start, start) > 0.9 * (end - start)


def _with_labels(plot: Box, runs: Sequence[Run]) -> Chart:
    """The plot with the short runs in it and just beside it: values, categories, the names of the axes."""
    own: list[Run] = []
    for run in runs:
        reach = _LABEL_REACH * run.size
        wide = Box(plot.x0 - 3 * reach, plot.y0 - reach, plot.x1 + reach, plot.y1 + reach)
        is_title = run.y1 <= plot.y0 and (len(run.words) > 2 or not any(char.isdigit() for char in run.text))
        if len(run.words) <= 6 and run.x1 <= plot.x1 + 2 * reach and inside(run, wide) and not is_title:
            own.append(run)
    return Chart(around([plot, *(run.box for run in own)]), own)
