"""Reading order: pages are cut into bands and columns until only single columns of lines are left.

Bands are what white space from edge to edge separates. Neighbouring bands that share a gutter are read as columns: all
of the left one, then the next. A band that crosses the gutter (a full-width title, a table) ends the columns above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Generic, TypeVar

from docmill.extract.pdf.ink import Run
from docmill.extract.pdf.lines import around
from docmill.extract.pdf.places import Box

T = TypeVar("T")
Tabular = Callable[[Sequence[Run]], bool]

_SHRINK = 0.12  # of its height, cut off a run at top and bottom: lines of real pages overlap a little
_MIN_GUTTER = 0.75  # of the type size
_OVERFLOW = 2.5  # of the type size: how far a line may reach into the next column
_EDGE = 0.12  # of the width: no gutter lies this near to the edge
_SHORT = 9  # characters: a column whose runs are mostly shorter is a row of labels or numbers
_CAPTION = re.compile(r"(figure|fig\.|table|chart|exhibit|box)\s+\w", re.IGNORECASE)


@dataclass(slots=True)
class Item(Generic[T]):
    """Something with a place in the reading order: a run, or a table or figure as a whole (`run` is None)."""

    box: Box
    run: Run | None = None
    content: T | None = None


@dataclass(slots=True)
class _Band(Generic[T]):
    """Items that no horizontal white line separates."""

    items: list[Item[T]]
    y0: float
    y1: float
    corridors: list[tuple[float, float]] = field(default_factory=list)


def columns_in_order(items: Sequence[Item[T]], tabular: Tabular) -> list[list[Item[T]]]:
    """The items in groups that are each read line by line, the groups in reading order.

    `tabular` tells whether runs are the cells of a table: these are never read column by column.
    """
    return _ordered(_trimmed(items), tabular, 0)


def _trimmed(items: Sequence[Item[T]]) -> list[Item[T]]:
    """The items with lines cut that reach a little into the next column, so that they do not hide the gutter.

    A column begins where many long runs begin.
    """
    runs = [item.run for item in items if item.run and len(item.run.text) >= 12]
    starts: list[list[float]] = []
    for x in sorted(run.x0 for run in runs):
        if starts and x - starts[-1][0] <= 3:
            starts[-1].append(x)
        else:
            starts.append([x])
    least = max(5.0, 0.08 * len(runs))
    columns = [group[0] for group in starts if len(group) >= least and group[0] > starts[0][0] + 72]
    if not columns:
        return list(items)
    gutter_width = _minimum(items) + 0.5
    out: list[Item[T]] = []
    for item in items:
        own, box = item.run, item.box
        if own is not None:
            for x in columns:
                gutter = x - gutter_width
                if own.x0 < x - 5 * own.size and gutter < own.x1 < x + _OVERFLOW * own.size:
                    box = Box(box.x0, box.y0, gutter, box.y1)
        out.append(Item(box, own, item.content))
    return out


def _minimum(items: Sequence[Item[T]]) -> float:
    """How wide white space must be to be a gutter, in points."""
    sizes = [item.run.size for item in items if item.run]
    return max(5.0, _MIN_GUTTER * (median(sizes) if sizes else 10.0))


def _ordered(items: Sequence[Item[T]], tabular: Tabular, depth: int) -> list[list[Item[T]]]:
    """The items in groups, bands first, then the columns of each."""
    if len(items) <= 1 or depth > 12:
        return [list(items)] if items else []
    minimum = _minimum(items)
    left, right = min(item.box.x0 for item in items), max(item.box.x1 for item in items)
    bands = _bands(items)
    for band in bands:
        band.corridors = _corridors(band.items, left, right, minimum)
    cuts: list[tuple[list[_Band[T]], float | None]] = []
    for group, corridors in _grow(bands, minimum):
        cut = _best_cut(_inner(corridors, group), group)
        if cut is None:
            cuts += [([band], None) for band in group]
            continue
        if tabular([item.run for band in group for item in band.items if item.run]):
            cuts.append((group, None))
            continue
        while cuts and _right_only(cuts[-1], cut):
            group = [*cuts.pop()[0], *group]
        cuts.append((group, cut))
    ordered: list[list[Item[T]]] = []
    for group, cut in cuts:
        if cut is None:
            ordered.append([item for band in group for item in band.items])
        else:
            ordered += _split(group, cut, tabular, depth)
    return _joined(ordered)


def _right_only(before: tuple[list[_Band[T]], float | None], cut: float) -> bool:
    """True if the group has no columns and stands right of the cut: it is the head of the right column."""
    group, own = before
    return own is None and all(item.run and item.box.x0 >= cut - 1 for band in group for item in band.items)


def _split(group: Sequence[_Band[T]], cut: float, tabular: Tabular, depth: int) -> list[list[Item[T]]]:
    """Both sides of the cut in order; captions at the foot of the left side alone are read after the right side."""
    tail: list[list[Item[T]]] = []
    bands = list(group)
    while len(bands) > 1 and _is_loose_caption(bands[-1], cut):
        tail.insert(0, bands.pop().items)
    items = [item for band in bands for item in band.items]
    first = [item for item in items if (item.box.x0 + item.box.x1) / 2 < cut]
    second = [item for item in items if (item.box.x0 + item.box.x1) / 2 >= cut]
    if _right_to_left(items):
        first, second = second, first
    return _ordered(first, tabular, depth + 1) + _ordered(second, tabular, depth + 1) + tail


def _right_to_left(items: Sequence[Item[T]]) -> bool:
    """True if most runs are right-to-left text."""
    runs = [item.run for item in items if item.run]
    return sum(run.rtl for run in runs) * 2 > len(runs)


def _is_loose_caption(band: _Band[T], cut: float) -> bool:
    """True for a caption that stands left of the cut only."""
    runs = [item.run for item in band.items]
    if any(run is None or run.x1 > cut for run in runs):
        return False
    return bool(runs and runs[0] and _CAPTION.match(runs[0].text))


def _bands(items: Sequence[Item[T]]) -> list[_Band[T]]:
    """The items grouped by white space across the whole width, from top to bottom."""
    bands: list[_Band[T]] = []
    for item in sorted(items, key=lambda item: (item.box.y0, item.box.x0)):
        trim = _SHRINK * (item.box.y1 - item.box.y0) if item.run else 1.0
        y0, y1 = item.box.y0 + trim, item.box.y1 - trim
        if bands and y0 < bands[-1].y1:
            bands[-1].items.append(item)
            bands[-1].y1 = max(bands[-1].y1, y1)
        else:
            bands.append(_Band([item], y0, y1))
    return bands


def _corridors(items: Sequence[Item[T]], left: float, right: float, minimum: float) -> list[tuple[float, float]]:
    """The stretches of x between `left` and `right` that no item covers, at least `minimum` wide."""
    gaps: list[tuple[float, float]] = []
    at = left
    for x0, x1 in sorted((item.box.x0, item.box.x1) for item in items):
        if x0 - at >= minimum:
            gaps.append((at, x0))
        at = max(at, x1)
    if right - at >= minimum:
        gaps.append((at, right))
    return gaps


def _intersect(a: list[tuple[float, float]], b: list[tuple[float, float]], minimum: float) -> list[tuple[float, float]]:
    """The stretches common to both, at least `minimum` wide."""
    common = []
    for a0, a1 in a:
        for b0, b1 in b:
            start, end = max(a0, b0), min(a1, b1)
            if end - start >= minimum:
                common.append((start, end))
    return common


def _grow(bands: Sequence[_Band[T]], minimum: float) -> list[tuple[list[_Band[T]], list[tuple[float, float]]]]:
    """Runs of neighbouring bands that share a gutter, with the gutters they share."""
    groups: list[tuple[list[_Band[T]], list[tuple[float, float]]]] = []
    for band in bands:
        if groups:
            group, corridors = groups[-1]
            common = _intersect(corridors, band.corridors, minimum)
            if _inner(common, [*group, band]):
                groups[-1] = ([*group, band], common)
                continue
        groups.append(([band], band.corridors))
    return groups


def _inner(corridors: list[tuple[float, float]], group: Sequence[_Band[T]]) -> list[tuple[float, float]]:
    """The corridors in the middle three quarters of the group's width: gutters, not the space after a bullet."""
    if not corridors:
        return []
    left = min(item.box.x0 for band in group for item in band.items)
    right = max(item.box.x1 for band in group for item in band.items)
    edge = _EDGE * (right - left)
    return [(a, b) for a, b in corridors if a > left + 1 and b < right - 1 and left + edge < (a + b) / 2 < right - edge]


def _best_cut(corridors: list[tuple[float, float]], group: Sequence[_Band[T]]) -> float | None:
    """The x of the widest gutter between two columns of prose; None if what lies there is read line by line."""
    items = [item for band in group for item in band.items]
    for start, end in sorted(corridors, key=lambda corridor: corridor[0] - corridor[1]):
        cut = (start + end) / 2
        first = [item for item in items if item.box.x1 <= cut + 1]
        second = [item for item in items if item.box.x0 >= cut - 1]
        if len(group) > 1 and (_single_row(first) and _single_row(second)):
            continue
        if all(_is_column(a) or _is_heading(a, b) for a, b in ((first, second), (second, first))):
            return cut
    return None


def _single_row(items: Sequence[Item[T]]) -> bool:
    """True if the items stand on one line."""
    return all(item.run for item in items) and (
        max(item.box.y1 for item in items) - min(item.box.y0 for item in items)
        < 1.2 * max(item.box.y1 - item.box.y0 for item in items)
    )


def _is_column(items: Sequence[Item[T]]) -> bool:
    """True if the items look like a column of prose or hold a table or figure."""
    if any(item.run is None for item in items):
        return True
    lengths = [len(item.run.text) for item in items if item.run]
    return bool(lengths) and median(lengths) > _SHORT and sum(lengths) > 60


def _is_heading(items: Sequence[Item[T]], others: Sequence[Item[T]]) -> bool:
    """True for a few runs clearly larger than the column beside them."""
    sizes = [item.run.size for item in others if item.run]
    return bool(sizes) and len(items) <= 4 and all(i.run and i.run.size > 1.25 * median(sizes) for i in items)


def _joined(groups: list[list[Item[T]]]) -> list[list[Item[T]]]:
    """Neighbouring groups of lines joined when the second continues the first below it in the same column."""
    joined: list[list[Item[T]]] = []
    last = Box(0, 0, 0, 0)
    for group in groups:
        own = around(item.box for item in group)
        if joined and _continues(last, own):
            joined[-1] += group
            last = around((last, own))
        else:
            joined.append(list(group))
            last = own
    return joined


def _continues(before: Box, after: Box) -> bool:
    """True if the second box lies below the first and overlaps it in x by most of the narrower one."""
    if after.y0 < before.y1 - 3:
        return False
    shared = min(before.x1, after.x1) - max(before.x0, after.x0)
    return shared > 0.5 * min(before.x1 - before.x0, after.x1 - after.x0)
