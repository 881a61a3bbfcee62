"""Puts lines found on a page into reading order: rows from the top, columns of prose one after the other.

A page is cut at a gutter only where both sides look like running text (long lines, closely set), so that the cells of a
table are read row by row. Lines that cross the gutter, such as titles, part the columns above and below. The page's
slant is taken out first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

MIN_COLUMN_LINES = 3
MIN_LETTERS = 14
MAX_PITCH = 2.3
"""Line pitch over line height up to which lines are running text; ruled tables are set wider."""


@dataclass(frozen=True)
class _Box:
    """A line with the slant taken out."""

    index: int
    x0: float
    y0: float
    x1: float
    y1: float
    letters: int

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2


def in_reading_order(corners: Sequence[tuple[tuple[float, float], ...]], texts: Sequence[str]) -> list[int]:
    """The indices of the lines in reading order. Corners are clockwise from the top left; y grows downwards."""
    if not corners:
        return []
    slant = _slant(corners)
    sine, cosine = math.sin(-slant), math.cos(-slant)
    boxes = []
    for index, (points, text) in enumerate(zip(corners, texts, strict=True)):
        xs = [x * cosine - y * sine for x, y in points]
        ys = [x * sine + y * cosine for x, y in points]
        boxes.append(_Box(index, min(xs), min(ys), max(xs), max(ys), sum(each.isalnum() for each in text)))
    return [box.index for box in _ordered(boxes)]


def _slant(corners: Sequence[tuple[tuple[float, float], ...]]) -> float:
    """The angle of the lines in radians: the median of the wider half, 0 beyond 10 degrees."""
    wide = sorted(corners, key=lambda points: points[0][0] - points[1][0])[: max(len(corners) // 2, 1)]
    angle = median(math.atan2(points[1][1] - points[0][1], points[1][0] - points[0][0]) for points in wide)
    return angle if abs(angle) < math.radians(10) else 0.0


def _ordered(boxes: list[_Box]) -> list[_Box]:
    """The boxes in reading order, cut at the best gutter while there is one."""
    gutter = _gutter(boxes)
    if gutter is None:
        return _by_rows(boxes)
    out: list[_Box] = []
    band: list[_Box] = []
    for box in sorted(boxes, key=lambda each: (each.middle, each.x0)):
        if box.x0 < gutter < box.x1:
            out.extend(_columns(band, gutter))
            out.append(box)
            band = []
        else:
            band.append(box)
    return out + _columns(band, gutter)


def _columns(band: list[_Box], gutter: float) -> list[_Box]:
    """A band between crossing lines: left column, then right, where one of them is more than a few short pieces."""
    left = [box for box in band if box.x1 <= gutter]
    right = [box for box in band if box.x1 > gutter]
    if not (left and right) or not (_is_prose(left, 2) or _is_prose(right, 2)):
        return _by_rows(band)
    return _ordered(left) + _ordered(right)


def _gutter(boxes: list[_Box]) -> float | None:
    """The x of the gutter that the fewest lines cross, with prose on both sides; None without one."""
    if len(boxes) < 2 * MIN_COLUMN_LINES:
        return None
    height = median(box.height for box in boxes)
    edges = sorted({round(box.x1 + height / 4) for box in boxes} | {round(box.x0 - height / 4) for box in boxes})
    best: tuple[int, float] | None = None
    for x in edges:
        crossing = sum(box.x0 < x < box.x1 for box in boxes)
        if crossing * 2 > len(boxes) or (best is not None and crossing >= best[0]):
            continue
        left = [box for box in boxes if box.x1 <= x]
        right = [box for box in boxes if box.x0 >= x]
        if _is_prose(left, MIN_COLUMN_LINES) and _is_prose(right, MIN_COLUMN_LINES) and _beside(left, right):
            best = (crossing, float(x))
    return best[1] if best else None


def _is_prose(side: list[_Box], least: int) -> bool:
    """Whether the lines are running text: enough of them, long and closely set."""
    if len(side) < least or median(box.letters for box in side) < MIN_LETTERS:
        return False
    tops = sorted(box.middle for box in side)
    height = median(box.height for box in side)
    steps = [low - high for high, low in pairwise(tops) if low - high > height / 2]
    return not steps or median(steps) <= MAX_PITCH * height


def _beside(left: list[_Box], right: list[_Box]) -> bool:
    """Whether the two sides stand next to each other for at least half of the shorter one."""
    top = max(min(box.y0 for box in left), min(box.y0 for box in right))
    bottom = min(max(box.y1 for box in left), max(box.y1 for box in right))
    spans = [max(box.y1 for box in side) - min(box.y0 for box in side) for side in (left, right)]
    return bottom - top > min(spans) / 2


def _by_rows(boxes: list[_Box]) -> list[_Box]:
    """The boxes row by row: a row is what overlaps its first box's middle by height."""
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda each: (each.middle, each.x0)):
        if rows and abs(box.middle - rows[-1][0].middle) < 0.5 * min(box.height, rows[-1][0].height):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda each: each.x0)]
