"""How a picture of a page must be turned to be read, and boxes of the turned page in the page as it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from docmill.models import BBox

Point = tuple[float, float]
Corners = tuple[Point, ...]
"""Of a line of text, clockwise from its top left as it is read, in pixels."""

_SIDEWAYS = 0.6
"""Share of the lines' length from which lines higher than wide make a page that lies on its side."""
_WIDE = 3.0
"""Width over height from which a line's slope is worth measuring."""
_LEVEL = math.radians(0.1)
"""Slopes below this are no slant but noise of the measurement."""


@dataclass(frozen=True)
class Upright:
    """The shown page of `width` x `height` is read after `quarter` quarter turns counter-clockwise.

    After those its lines still fall by `slant` radians (clockwise); the readable page has that taken out, too.
    """

    width: float
    height: float
    quarter: int = 0
    slant: float = 0.0

    @property
    def is_turned(self) -> bool:
        """Whether the page must be turned at all."""
        return bool(self.quarter or self.slant)

    @property
    def note(self) -> str:
        """What was turned, for people; "" where nothing was."""
        turns = f"turned by {90 * self.quarter} degrees" if self.quarter else ""
        slant = f"a slant of {abs(math.degrees(self.slant)):.1f} degrees taken out" if self.slant else ""
        return ", ".join(filter(None, (turns, slant)))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the readable page."""
        return (self.height, self.width) if self.quarter % 2 else (self.width, self.height)

    def scaled(self, factor: float) -> Upright:
        """The same turn of a page that is `factor` times as large."""
        return Upright(self.width * factor, self.height * factor, self.quarter, self.slant)

    def read(self, x: float, y: float) -> Point:
        """A point of the shown page in the readable page."""
        width, height = self.width, self.height
        for _ in range(self.quarter):
            x, y, width, height = y, width - x, height, width
        return _turned(x, y, width / 2, height / 2, -self.slant)

    def shown(self, x: float, y: float) -> Point:
        """A point of the readable page in the shown page."""
        width, height = self.size
        x, y = _turned(x, y, width / 2, height / 2, self.slant)
        for _ in range(self.quarter):
            x, y, width, height = height - y, x, height, width
        return x, y

    def shown_box(self, box: BBox) -> BBox:
        """The smallest upright box of the shown page around a box of the readable page, cut to the page."""
        points = [self.shown(x, y) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return BBox(
            x0=round(min(max(min(xs), 0.0), self.width), 2),
            y0=round(min(max(min(ys), 0.0), self.height), 2),
            x1=round(max(min(max(xs), self.width), 0.0), 2),
            y1=round(max(min(max(ys), self.height), 0.0), 2),
        )


def _turned(x: float, y: float, middle_x: float, middle_y: float, angle: float) -> Point:
    """The point turned clockwise (y grows downwards) about the middle."""
    if not angle:
        return x, y
    sine, cosine = math.sin(angle), math.cos(angle)
    dx, dy = x - middle_x, y - middle_y
    return middle_x + dx * cosine - dy * sine, middle_y + dx * sine + dy * cosine


def lies_sideways(lines: Sequence[Corners]) -> bool:
    """Whether most of the text runs up or down: the lines' boxes are higher than wide."""
    upright = sum(w for w, h in map(_sides, lines) if w >= h)
    sideways = sum(h for w, h in map(_sides, lines) if h > 1.5 * w)
    return sideways > _SIDEWAYS * (upright + sideways)


def slant_of(lines: Sequence[Corners]) -> float:
    """The slope of the lines in radians, positive where they fall to the right; 0.0 where too few can tell."""
    sides = [(line, *_sides(line)) for line in lines]
    wide = sorted(((w, line) for line, w, h in sides if w > _WIDE * h), key=lambda each: -each[0])
    kept = wide[: max(3, len(wide) // 2)]
    if not kept:
        return 0.0
    angle = median(math.atan2(line[1][1] - line[0][1], line[1][0] - line[0][0]) for _, line in kept)
    return angle if abs(angle) > _LEVEL else 0.0


def _sides(line: Corners) -> tuple[float, float]:
    """Width and height of a line."""
    return math.dist(line[0], line[1]), math.dist(line[0], line[3])
