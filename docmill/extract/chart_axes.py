"""Finds the value axis of a chart among its labels: numbers in a column whose values grow evenly with their places.

That is evidence enough to call a picture a chart, and where it was drawn with vectors, to read values off it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_NUMBER = re.compile(r"[-−–+]?[€$£¥]?\s?(\d{1,3}(?:[, ’']\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)\s?([%kKMmB€$£¥]|bn|Mio)?")
_SCALES = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "Mio": 1e6, "B": 1e9, "bn": 1e9}
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d")
_ALIGNED = 2.5
_OFF = 0.02
"""Of the axis's range: how far a label's value may be off the line through all of them."""
_LEAST = 3
_MOST = 200


class Label(NamedTuple):
    """A text with its box, y down."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def x(self) -> float:
        """The middle from left to right."""
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        """The middle from top to bottom."""
        return (self.y0 + self.y1) / 2


@dataclass(frozen=True)
class Axis:
    """A linear scale: `value = slope * y + offset`; `off` is a label's largest deviation as a share of the range."""

    slope: float
    offset: float
    off: float
    labels: tuple[Label, ...]

    @property
    def span(self) -> float:
        """The difference between the greatest and least labelled value."""
        values = [self.value(label.y) for label in self.labels]
        return max(values) - min(values)

    def value(self, y: float) -> float:
        """The value at a height."""
        return self.slope * y + self.offset


def number_of(text: str) -> float | None:
    """The number that the whole text is, such as `1,000`, `-12.5 %`, `$40` or `3k`; None for any other text."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    digits, unit = match.groups()
    grouped = re.fullmatch(r"\d{1,3}([, ’']\d{3})+(\.\d+)?", digits)
    plain = re.sub(r"[, ’']", "", digits) if grouped else digits.replace(",", ".")
    return (-1 if text.strip()[0] in "-−–" else 1) * float(plain) * _SCALES.get(unit or "", 1.0)


def value_axis(labels: Sequence[Label]) -> Axis | None:
    """The axis that most of the labels make: at least three numbers, aligned at one side, evenly spaced by value."""
    numbers = [(label, value) for label in labels if (value := number_of(label.text)) is not None][:_MOST]
    best: Axis | None = None
    for side in range(3):
        for anchor, _ in numbers:
            column = [each for each in numbers if abs(_edge(each[0], side) - _edge(anchor, side)) <= _ALIGNED]
            axis = _fitted(column)
            if axis is not None and (best is None or len(axis.labels) > len(best.labels)):
                best = axis
    return best


def shows_chart(labels: Sequence[Label]) -> bool:
    """Whether the text in a picture says that it is a chart: it has a value axis, and words or numbers besides.

    The axis stands upright, or lies below all but a line; years that lie there are categories.
    """
    axis = value_axis(labels)
    if axis is not None and len(labels) > len(axis.labels):
        return True
    lowest = sorted((each.y0 for each in labels), reverse=True)
    lying = value_axis([Label(each.text, each.y0, -each.x1, each.y1, -each.x0) for each in labels])
    if lying is None or len(labels) <= len(lying.labels):
        return False
    top = min(each.x0 for each in lying.labels)
    below = sum(y > top + 2 * _ALIGNED for y in lowest)
    return below <= 1 and not all(_YEAR.fullmatch(each.text.strip()) for each in lying.labels)


def _edge(label: Label, side: int) -> float:
    return (label.x0, label.x, label.x1)[side]


def _fitted(column: Sequence[tuple[Label, float]]) -> Axis | None:
    """The line of least squares through (y, value); None where the labels are too few, alike or off it."""
    if len(column) < _LEAST or len({value for _, value in column}) < len(column):
        return None
    ys, values = [label.y for label, _ in column], [value for _, value in column]
    mean_y, mean_value = sum(ys) / len(ys), sum(values) / len(values)
    spread = sum((y - mean_y) ** 2 for y in ys)
    span = max(values) - min(values)
    if max(ys) - min(ys) < 5 * len(column):
        return None
    slope = sum((y - mean_y) * (value - mean_value) for y, value in zip(ys, values, strict=True)) / spread
    offset = mean_value - slope * mean_y
    off = max(abs(slope * y + offset - value) for y, value in zip(ys, values, strict=True)) / span
    return Axis(slope, offset, off, tuple(label for label, _ in column)) if off <= _OFF else None
