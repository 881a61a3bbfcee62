"""A line's text from a recogniser's probabilities, with the spaces that it saw and swallowed.

The recogniser gives for each column of the line how likely each character is (connectionist temporal classification:
repeated characters count once, "blank" stands between). Taking the likeliest of each column loses spaces between words
set closely ("thenorth"): the space comes second to the blank. Within words it hardly ever comes at all: of 9,800 pairs
of neighbouring characters of our test scans, all pairs of letters stayed below 0.02 but one that lacked its space. So a
space is put in where it is likely, or where it is possible and the ink has a gap as wide as between this line's words.
Digits are never parted by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from docmill.extract.untyped import Pixels

_LIKELY, _POSSIBLE = 0.2, 0.004
"""Likelihood of a space between two characters from which it is one, by a gap of 0.6 and 0.8 of the line's usual."""
_LIKELY_GAP, _POSSIBLE_GAP = 0.6, 0.8
_USUAL_GAP = 0.24
"""Of the line's height: the gap between words in lines that show none."""
_CLOSING = ".,;:!?)]}»”"


@dataclass(frozen=True)
class Decoded:
    """A line's text, the mean likelihood of its characters, and where its words begin and end as shares of it."""

    text: str
    score: float
    words: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Mark:
    """A character and its column."""

    text: str
    column: int
    chance: float


def decode(chances: Pixels, characters: Sequence[str], crop: Pixels, ratio: float) -> Decoded:
    """The text of a line; `chances` are columns x characters, `ratio` is the width over height that they span."""
    best = chances.argmax(axis=1)
    marks = [
        _Mark(characters[index], column, float(chances[column, index]))
        for column, index in enumerate(best)
        if index != 0 and (column == 0 or index != best[column - 1])
    ]
    if not any(mark.text.strip() for mark in marks):
        return Decoded("", 0.0, ())
    height, width = crop.shape[:2]
    scale = ratio * height / len(best)  # pixels of the crop a column
    gaps = _Gaps(crop, scale)
    marks = _spaced(marks, chances[:, len(characters) - 1], gaps, height)
    score = sum(mark.chance for mark in marks) / len(marks)
    return Decoded("".join(mark.text for mark in marks), score, _words(marks, scale / width))


class _Gaps:
    """Where a line has no ink."""

    def __init__(self, crop: Pixels, scale: float) -> None:
        import cv2

        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        dark = grey < threshold
        if dark.mean() > 0.5:
            dark = ~dark
        margin = max(1, crop.shape[0] // 16)  # the lines above and below reach in
        self._empty = (dark[margin:-margin] if crop.shape[0] > 3 * margin else dark).sum(axis=0) == 0
        self._scale = scale

    def widest(self, first: int, last: int) -> int:
        """The widest gap in pixels between two columns."""
        best = run = 0
        for empty in self._empty[int(first * self._scale) : int((last + 1) * self._scale)]:
            run = run + 1 if empty else 0
            best = max(best, run)
        return best


def _spaced(marks: Sequence[_Mark], space: Pixels, gaps: _Gaps, height: int) -> list[_Mark]:
    """The marks with the spaces between them that were swallowed; `space` is how likely one is at each column."""
    seen = [
        gaps.widest(before.column, after.column)
        for before, mark, after in zip(marks, marks[1:], marks[2:], strict=False)
        if mark.text == " "
    ]
    usual = median(seen) if len(seen) >= 2 else _USUAL_GAP * height
    found = [marks[0]]
    for mark in marks[1:]:
        before = found[-1]
        chance = float(space[before.column + 1 : mark.column].max()) if mark.column > before.column + 1 else 0.0
        if _may_part(before.text, mark.text) and chance >= _POSSIBLE:
            gap = gaps.widest(before.column, mark.column)
            if gap >= (_LIKELY_GAP if chance >= _LIKELY else _POSSIBLE_GAP) * usual:
                found.append(_Mark(" ", (before.column + mark.column) // 2, chance))
        found.append(mark)
    return found


def _may_part(before: str, after: str) -> bool:
    """Whether a space may be missing between two characters: never within a number."""
    if before == " " or after == " " or (before.isdigit() and after.isdigit()):
        return False
    return (before.isalnum() or before in _CLOSING) and after.isalnum() and not (before in _CLOSING and after.isdigit())


def _words(marks: Sequence[_Mark], share: float) -> tuple[tuple[float, float], ...]:
    """Where words begin and end; `share` is a column's part of the line."""
    words: list[tuple[float, float]] = []
    start: int | None = None
    end = 0
    for mark in (*marks, _Mark(" ", 0, 0.0)):
        if mark.text.strip():
            start, end = mark.column if start is None else start, mark.column
        elif start is not None:
            words.append((min(start * share, 1.0), min((end + 1) * share, 1.0)))
            start = None
    return tuple(words)
