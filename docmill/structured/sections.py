"""Running text in reading order: lines by columns, headings, and the section below each heading."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from statistics import median

from docmill.structured.reading import in_prose
from docmill.structured.schema import Node
from docmill.structured.targets import OWN, target, words_of
from docmill.structured.values import plain
from docmill.structured.words import Layout, Row, Word
from docmill.structured.words import layout as laid_out

_NUMBERING = re.compile(r"^(?:\d{1,2}(?:\.\d{1,2})*\.?|[IVX]{1,4}\.|[A-Z]\.)\s+")
_LARGER = 1.12
"""A heading's line is higher than the body's by this at least."""
_TURNED = 3.0
"""A word higher than this many body lines is turned text at the margin."""
_CROSSED = 0.2
"""Share of a two-column page's rows that may cross the gap between the columns (titles, figures)."""
_RUNNING = 0.25
_LOOSE = 0.9
"""Lines farther apart than this (in line heights, with the quarter that tells a paragraph) belong to no paragraph."""
_LONGEST = 6


@dataclass(frozen=True)
class Line:
    """A line of a column; `gap` is the white space above it in line heights (10 at a column's top)."""

    words: tuple[Word, ...]
    height: float
    gap: float

    @cached_property
    def text(self) -> str:
        """The words apart by spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Section:
    """A heading and the lines below it, up to the next heading."""

    title: str
    lines: tuple[Line, ...]

    @cached_property
    def paragraphs(self) -> list[tuple[Word, ...]]:
        """The lines joined where no gap wider than usual stands between them."""
        gaps = [line.gap for line in self.lines[1:] if line.gap < 3]
        wide = min(gaps, default=1.0) + 0.25
        wide = wide if wide < _LOOSE else 0.0  # every line stands alone
        found: list[list[Word]] = []
        for line in self.lines:
            if not found or wide < line.gap < 10 or _MARKER.match(line.text):
                found.append([])
            found[-1] += line.words
        return [tuple(each) for each in found]


_RUN_IN = re.compile(r"^([A-Z][A-Za-z ]{2,24}?)\s*[—–:.-]\s*(?=\S)")
_MARKER = re.compile(r"^(?:[•·▪●◦‣*\uf020-\uf0ff–-]|\[\d{1,3}\]|\d{1,3}\.)(?:\s|$)")


def running(layout: Layout) -> bool:
    """Whether the document is mostly running text, in which a word that is a label elsewhere is none."""
    rows = [row for row in layout.rows if len(row.words) >= 2]
    return len(rows) > 60 and sum(in_prose(row.words) for row in rows) > _RUNNING * len(rows)


class Sections:
    """The lines and sections of a document."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @cached_property
    def body(self) -> float:
        """The height of most lines."""
        heights = [row.height for row in self._layout.rows if len(row.words) >= 5]
        return median(heights or [row.height for row in self._layout.rows] or [10.0])

    @cached_property
    def lines(self) -> list[Line]:
        """All lines in reading order."""
        return [line for page in self._layout.pages for line in self._of_page(page)]

    def _of_page(self, page: int) -> Iterator[Line]:
        words = [word for row in self._layout.rows if row.page == page for word in row.words]
        words = [word for word in words if word.y1 - word.y0 < _TURNED * self.body]
        rows = laid_out(words, self._layout.sizes, placed=self._layout.placed).rows
        gutter = _gutter(rows, self._layout.sizes.get(page, (0.0, 0.0))[0])
        if gutter is None:
            yield from _lines_of(rows)
            return
        band: list[Word] = []
        for row in rows:
            if any(word.x0 < gutter - 2 and word.x1 > gutter + 2 for word in row.words) or _joined(row, gutter):
                yield from _columns(band, gutter)
                yield from _lines_of([row])
                band = []
            else:
                band += row.words
        yield from _columns(band, gutter)

    def is_heading(self, line: Line) -> bool:
        """Whether the line is short, begins large, and is set apart by its size, its capitals or what it says."""
        text = _NUMBERING.sub("", line.text).strip(" :")
        words = text.split()
        if not 1 <= len(words) <= 2 * _LONGEST or not text[:1].isupper() or text.endswith((".", ",", ";")):
            return False
        short = plain(re.sub(r"\([^)]*\)", "", text))
        if short in _all_headings():
            return True
        letters = [char for char in short if char.isalpha()]
        capitals = len(letters) >= 4 and re.sub(r"\([^)]*\)", "", text).isupper()
        larger = line.height >= _LARGER * self.body
        numbered = any(char.isdigit() for char in short)
        return len(short.split()) <= _LONGEST and line.gap > 0.3 and not numbered and (capitals or larger)

    @cached_property
    def all(self) -> list[Section]:
        """The sections in reading order; what stands before the first heading has the title ""."""
        found: list[tuple[str, list[Line]]] = [("", [])]
        for line in self.lines:
            if self.is_heading(line):
                found.append((_NUMBERING.sub("", line.text).strip(" :"), []))
            else:
                found[-1][1].append(line)
        return [Section(title, tuple(lines)) for title, lines in found]

    def named(self, node: Node) -> list[Section]:
        """The sections whose headings mean the property."""
        labels = heading_labels(node)
        return [each for each in self.all if each.lines and labels.get(_form(each.title), 0) >= OWN - 0.1]

    def text(self, node: Node) -> tuple[str, tuple[Word, ...], str] | None:
        """(text, words, heading) of the property's section, or of the paragraph that a run-in heading begins."""
        if plain(" ".join(words_of(node.name))) not in _by_name():
            return None
        for section in self.named(node):
            lines = list(itertools.takewhile(lambda line: not _run_in(line), section.lines))
            if lines:
                return unhyphenated(lines), tuple(word for line in lines for word in line.words), section.title
        labels = heading_labels(node)
        for number, line in enumerate(self.lines):
            match = _run_in(line)
            if match is not None and _form(match[1]) in labels and len(line.words) > 4:
                return self._paragraph(number, match)
        return None

    def _paragraph(self, number: int, match: re.Match[str]) -> tuple[str, tuple[Word, ...], str]:
        chosen = [self.lines[number]]
        for line in self.lines[number + 1 :]:
            if line.gap > max(0.5, chosen[-1].gap + 0.25 if len(chosen) > 1 else 0.5) or self.is_heading(line):
                break
            chosen.append(line)
        text = unhyphenated(chosen)[match.end() :]
        return text, tuple(word for line in chosen for word in line.words), match[1]


def _run_in(line: Line) -> re.Match[str] | None:
    """A known heading at the beginning of a line that goes on: `Abstract—We …`, `Keywords: …`."""
    match = _RUN_IN.match(line.text)
    return match if match is not None and _form(match[1]) in _all_headings() else None


def unhyphenated(lines: Sequence[Line]) -> str:
    """The text of lines; a word that a line break parts is whole again."""
    text = ""
    for line in lines:
        parted = re.search(r"[a-z]{2}-$", text) and line.text[:1].islower()
        text = text[:-1] + line.text if parted else f"{text} {line.text}".strip()
    return text


def heading_labels(node: Node) -> Mapping[str, float]:
    """The headings that mean a property, with their trust."""
    found = {_form(phrase): weight for phrase, weight in target(node, {}).phrases.items()}
    for label in _by_name().get(" ".join(words_of(node.name)), ()):
        found[_form(label)] = OWN
    return found


def _form(text: str) -> str:
    return plain(re.sub(r"\([^)]*\)", "", text).replace("&", "and"))


@cache
def _by_name() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    table = files("docmill.structured").joinpath("headings.psv").read_text(encoding="utf-8")
    for line in table.strip().splitlines()[1:]:
        names, labels = line.split("|")
        for name in names.split(","):
            found[name] = tuple(labels.split(","))
    return found


@cache
def _all_headings() -> frozenset[str]:
    return frozenset(_form(label) for labels in _by_name().values() for label in labels)


def _gutter(rows: Sequence[Row], width: float) -> float | None:
    """Where the gap between two columns stands, None if the page has one column."""
    if width <= 0 or len(rows) < 20:
        return None
    places = [width * (0.42 + 0.01 * step) for step in range(17)]
    crossed = [sum(any(w.x0 < x < w.x1 for w in row.words) or _joined(row, x) for row in rows) for x in places]
    best = min(range(len(places)), key=lambda each: (crossed[each], abs(places[each] - width / 2)))
    x = places[best]
    left = sum(any(word.x1 < x for word in row.words) for row in rows)
    right = sum(any(word.x0 > x for word in row.words) for row in rows)
    return x if crossed[best] <= _CROSSED * len(rows) and min(left, right) > 0.4 * len(rows) else None


def _joined(row: Row, x: float) -> bool:
    """Whether a segment of the row goes over the place."""
    return any(each.x0 < x - 2 and each.x1 > x + 2 for each in row.segments)


def _columns(words: Sequence[Word], gutter: float) -> Iterator[Line]:
    for side in (
        [word for word in words if (word.x0 + word.x1) / 2 < gutter],
        [word for word in words if (word.x0 + word.x1) / 2 >= gutter],
    ):
        yield from _lines_of(laid_out(side, {}).rows)


def _lines_of(rows: Sequence[Row]) -> Iterator[Line]:
    bottom: float | None = None
    for row in rows:
        gap = 10.0 if bottom is None else (row.y0 - bottom) / max(1.0, row.height)
        yield Line(tuple(row.words), row.height, gap)
        bottom = row.y1
