"""Reads bar charts that are drawn with vectors: by the scale of the value axis, or by the numbers on the bars.

A chart needs strong evidence, for shaded tables look alike: three bars or more of one width on one base line, of
different lengths, beside three numbers or more that make a linear scale. Stacked bars and groups of several colours are
told apart, and named by the legend. Horizontal bars are vertical ones of a page laid on its side.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from docmill.extract.chart_axes import Axis, Label, number_of, value_axis
from docmill.extract.pdf.ink import Ink, Run, is_in, marks_outside
from docmill.extract.pdf.lines import around
from docmill.extract.pdf.places import Box
from docmill.models import Cell, Table

_SAME = 1.0
"""Points that edges of bars on one line may differ."""
_THIN = 2.0
_FAR = 45.0
"""Points between the bars and their labels at most."""
_SWATCH = 16.0
_NEAR = 14.0
_LEAST = 3
_DESCENT, _TIGHT = 0.22, 0.97
"""Of the type size: how far a run's box reaches below the base line, and its height (see `ink`)."""
_ZERO = 0.015
_MOST = 1_000
"""Fills of a page beyond which it is a map or a mosaic."""

Side = Callable[[Box], Box]


@dataclass(frozen=True)
class FoundChart:
    """A chart with its data and the runs that are its labels; `confidence` is 0 to 1."""

    box: Box
    table: Table
    kind: str
    confidence: float
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class _Bar:
    box: Box
    colour: int
    stacked: bool = False
    hangs: bool = False


def _label(run: Run, side: Side) -> Label:
    """The run as a label; its height is that of digits, which is what a tick is level with."""
    size = (run.y1 - run.y0) / _TIGHT
    return Label(run.text, *side(Box(run.x0, run.y0, run.x1, run.y1 - _DESCENT * size)))


def _upright(box: Box) -> Box:
    return box


def _turned(box: Box) -> Box:
    """A box of the page laid on its side, so that what grows to the right grows upwards."""
    return Box(box.y0, -box.x1, box.y1, -box.x0)


def read_charts(ink: Ink, runs: Sequence[Run]) -> list[FoundChart]:
    """The page's bar charts, none within another one."""
    found: list[FoundChart] = []
    if len(ink.fills) > _MOST:
        return found
    for kind, side in (("bar", _upright), ("horizontal bar", _turned)):
        for bars in _sets_of_bars(ink, side):
            chart = _chart(ink, runs, bars, side, kind)
            if chart is not None and not any(_meet(chart.box, other.box) for other in found):
                found.append(chart)
    return found


def outside_charts(ink: Ink, charts: Sequence[FoundChart]) -> Ink:
    """The page's marks outside its charts."""
    if not charts:
        return ink
    boxes = [chart.box for chart in charts]
    return replace(marks_outside(ink, boxes), runs=[run for run in ink.runs if not is_in(run.box, boxes)])


def chart_text(chart: FoundChart, runs: Sequence[Run]) -> str:
    """What a reader reads: the data a line a row, and the other words in the chart."""
    told = {id(run) for run in chart.runs}
    rows = [" | ".join(row).strip() for row in chart.table.grid()]
    others = [run.text for run in runs if id(run) not in told and is_in(run.box, [chart.box])]
    return "\n".join([*others, *filter(None, rows)])


def _sets_of_bars(ink: Ink, side: Side) -> Iterator[list[_Bar]]:
    """Bars of one width on one base line, those stacked on them among them, from left to right and upwards."""
    shapes = [(box, ink.colours.get(each, 0)) for each in ink.fills if (box := side(each)).x1 - box.x0 > _THIN]
    by_width: dict[int, list[tuple[Box, int]]] = defaultdict(list)
    for box, colour in shapes:
        by_width[round((box.x1 - box.x0) / _SAME)].append((box, colour))
    for width in sorted(by_width):
        alike = [each for near in (width, width + 1) for each in by_width.get(near, [])]
        bases = sorted({round(box.y1 / _SAME) for box, _ in alike})
        for base in bases:
            standing = [_Bar(box, colour) for box, colour in alike if abs(box.y1 - base * _SAME) <= _SAME]
            hanging = [_Bar(box, colour, hangs=True) for box, colour in alike if abs(box.y0 - base * _SAME) <= _SAME]
            bars = standing + [bar for bar in hanging if not any(_meet(bar.box, other.box) for other in standing)]
            if len({round(bar.box.x0) for bar in bars}) < _LEAST:
                continue
            bars += _stacked(standing, alike)
            if len({round(bar.box.y1 - bar.box.y0) for bar in bars}) >= 2:
                yield sorted(bars, key=lambda bar: (bar.box.x0, -bar.box.y1))


def _stacked(standing: Sequence[_Bar], shapes: Sequence[tuple[Box, int]]) -> list[_Bar]:
    """The bars that stand on others of the same place, one on the other."""
    found: list[_Bar] = []
    tops = [bar.box for bar in standing]
    while tops:
        top = tops.pop()
        for box, colour in shapes:
            beside = abs(box.x0 - top.x0) <= _SAME and abs(box.x1 - top.x1) <= _SAME
            if beside and abs(box.y1 - top.y0) <= _SAME and box.y1 - box.y0 > 0.1:
                found.append(_Bar(box, colour, stacked=True))
                tops.append(box)
    return found[: len(shapes)]


def _chart(ink: Ink, runs: Sequence[Run], bars: Sequence[_Bar], side: Side, kind: str) -> FoundChart | None:
    """The chart that the bars make with the labels around them, None without a value axis or numbers on the bars."""
    labels = [(_label(run, side), run) for run in runs]
    plot = around([bar.box for bar in bars])
    axis = _axis_beside(plot, [label for label, _ in labels])
    if axis is None:
        return None
    axis = _from_zero(axis, bars)
    names = _nearest(bars, _names_below(plot, axis, [label for label, _ in labels]))
    series, legend = _legend(ink, runs, bars, side)
    values, on_bars = _values(bars, axis, [label for label, _ in labels])
    table = _table(bars, values, names, series)
    told = {id(run) for label, run in labels if label in (*axis.labels, *names, *on_bars)}
    used = [run for run in runs if id(run) in told or any(run is each for each, _ in legend)]
    shapes = [each for each in ink.fills if any(side(each) == bar.box for bar in bars)]
    unread = _unread(bars, [label for label, run in labels if run not in used])
    sure = round(max(0.1, 1.0 - axis.off * 5 - (0.0 if names else 0.2) - 0.5 * unread), 4)
    box = around([*shapes, *(patch for _, patch in legend), *(run.box for run in used)])
    return FoundChart(box, table, f"stacked {kind}" if any(bar.stacked for bar in bars) else kind, sure, tuple(used))


def _axis_beside(plot: Box, labels: Sequence[Label]) -> Axis | None:
    """The value axis to the left of the bars, else to the right, with labels over most of their height."""
    height = plot.y1 - plot.y0
    level = [each for each in labels if plot.y0 - height - _FAR < each.y < plot.y1 + height + _FAR]
    left = [each for each in level if each.x1 <= plot.x0 + _SAME and plot.x0 - each.x1 < 3 * _FAR]
    right = [each for each in level if each.x0 >= plot.x1 - _SAME and each.x0 - plot.x1 < 3 * _FAR]
    for side in (left, right):
        axis = value_axis(side)
        if axis is not None and min(each.y for each in axis.labels) <= plot.y0 + 0.5 * height:
            return axis
    return None


def _from_zero(axis: Axis, bars: Sequence[_Bar]) -> Axis:
    """The axis moved by less than a hair so that bars which begin about at zero begin there."""
    standing = [bar.box.y1 for bar in bars if not bar.stacked and not bar.hangs]
    base = axis.value(sum(standing) / len(standing)) if standing else math.inf
    return replace(axis, offset=axis.offset - base) if abs(base) <= _ZERO * axis.span else axis


def _names_below(plot: Box, axis: Axis, labels: Sequence[Label]) -> list[Label]:
    """The categories' names: the first row of labels below the bars, one each place."""
    taken = set(axis.labels)
    below = [
        each
        for each in labels
        if each not in taken and 0 <= each.y0 - plot.y1 + _SAME < _FAR and plot.x0 - _NEAR <= each.x <= plot.x1 + _NEAR
    ]
    first = min((each.y0 for each in below), default=0.0)
    return sorted((each for each in below if each.y0 - first < 4 * _SAME), key=lambda each: each.x)


def _nearest(bars: Sequence[_Bar], names: Sequence[Label]) -> list[Label]:
    """The names that are nearest to a bar: others stand below nothing that is drawn."""
    middles = [(bar.box.x0 + bar.box.x1) / 2 for bar in bars]
    taken = {min(names, key=lambda each, x=x: abs(each.x - x)) for x in middles} if names else set()  # type: ignore[misc]
    return [each for each in names if each in taken]


def _unread(bars: Sequence[_Bar], labels: Sequence[Label]) -> bool:
    """Whether many numbers among the bars were not taken for theirs: then parts of the chart may not have been seen."""
    plot = around([bar.box for bar in bars])
    among = [each for each in labels if plot.x0 <= each.x <= plot.x1 and plot.y0 - _NEAR <= each.y <= plot.y1]
    return 2 * sum(number_of(each.text) is not None for each in among) > len(bars)


def _legend(
    ink: Ink, runs: Sequence[Run], bars: Sequence[_Bar], side: Side
) -> tuple[dict[int, str], list[tuple[Run, Box]]]:
    """Colour → the text right of a small patch of that colour, and these texts with their patches."""
    colours, drawn = {bar.colour for bar in bars}, {bar.box for bar in bars}
    names: dict[int, str] = {}
    found: list[tuple[Run, Box]] = []
    for box in ink.fills:
        colour = ink.colours.get(box, 0)
        is_patch = box.x1 - box.x0 <= 2 * _SWATCH and box.y1 - box.y0 <= _SWATCH
        if colour not in colours or side(box) in drawn or not is_patch:
            continue
        middle = (box.y0 + box.y1) / 2
        beside = [run for run in runs if 0 <= run.x0 - box.x1 < _SWATCH and run.y0 <= middle <= run.y1]
        if beside and colour not in names:
            names[colour] = beside[0].text
            found.append((beside[0], box))
    return names, found


def _values(bars: Sequence[_Bar], axis: Axis, labels: Sequence[Label]) -> tuple[list[str], list[Label]]:
    """Each bar's value: the number at its end where there is one, else what the axis says there."""
    texts: list[str] = []
    used: list[Label] = []
    for bar in bars:
        tip = bar.box.y1 if bar.hangs else bar.box.y0
        read = axis.value(tip) - (axis.value(bar.box.y1) if bar.stacked else 0.0)
        near = [each for each in labels if each not in axis.labels and _is_on(each, bar.box, tip)]
        written = [each for each in near if (number := number_of(each.text)) is not None and _agree(number, read, axis)]
        used += written[:1]
        texts.append(written[0].text if written else _rounded(read, axis.span))
    return texts, used


def _is_on(label: Label, bar: Box, tip: float) -> bool:
    """Whether the label stands at the end of the bar or in it."""
    return bar.x0 - _NEAR < label.x < bar.x1 + _NEAR and (
        abs(label.y - tip) < _NEAR or (bar.y0 <= label.y <= bar.y1 and bar.x0 <= label.x <= bar.x1)
    )


def _agree(written: float, read: float, axis: Axis) -> bool:
    return abs(written - read) <= 0.03 * axis.span


def _rounded(value: float, span: float) -> str:
    """The value to a thousandth of the axis, which is finer than a bar can be drawn."""
    digits = max(0, 3 - math.ceil(math.log10(span))) if span > 0 else 0
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _table(bars: Sequence[_Bar], values: Sequence[str], names: Sequence[Label], series: dict[int, str]) -> Table:
    """Categories by series: a row a name (or a place where there are none), a column a colour."""
    colours = list(dict.fromkeys(bar.colour for bar in bars))
    middles = [(bar.box.x0 + bar.box.x1) / 2 for bar in bars]
    if names:
        rows = [min(range(len(names)), key=lambda at, x=x: abs(names[at].x - x)) for x in middles]  # type: ignore[misc]
    else:
        places = sorted({round(x) for x in middles})
        rows = [places.index(round(x)) for x in middles]
    several = len({(row, bar.colour) for row, bar in zip(rows, bars, strict=True)}) == len(bars) and len(colours) > 1
    single = len(set(rows)) == len(bars)
    columns = {colour: index + 1 if several and not single else 1 for index, colour in enumerate(colours)}
    heads = [series.get(colour, f"series {index + 1}") for index, colour in enumerate(colours)]
    head = heads if several and not single else [series.get(colours[0], "value") if len(colours) == 1 else "value"]
    cells = {(0, 0): "", **{(0, index + 1): name for index, name in enumerate(head)}}
    for row, bar, value in zip(rows, bars, values, strict=True):
        cells[row + 1, 0] = names[row].text if names else str(row + 1)
        cells[row + 1, columns[bar.colour]] = value
    for row in range(len(names)):
        cells.setdefault((row + 1, 0), names[row].text)
    made = [Cell(row=at[0], column=at[1], text=text, header=at[0] == 0) for at, text in sorted(cells.items())]
    return Table(rows=max(at[0] for at in cells) + 1, columns=len(head) + 1, cells=tuple(made), header_rows=1)


def _meet(a: Box, b: Box) -> bool:
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
