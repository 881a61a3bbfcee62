"""Boxes and words of a page, in points with the origin top left."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A box in points, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float


class Word(NamedTuple):
    """A word with its tight box."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
