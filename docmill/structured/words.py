"""A document as words with places: what the engines read. Rows are lines of a page, segments their parts between gaps.

A document without pages (office, mail, text) gets places that keep its order and its tables' columns, so that the same
rules read it; `Layout.placed` says whether the places are real, and only real ones are cited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from docmill.models import BBox, Element, Extraction

_GAP = 0.55
"""A gap wider than this share of a line's height begins a new segment; a space is about a fifth of it."""

_PITCH, _WIDTH, _COLUMN = 14.0, 5.0, 400.0


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its box in page points; `element` is the ordinal of the element that it stands in."""

    text: str
    page: int
    x0: float
    y0: float
    x1: float
    y1: float
    element: int | None = None


@dataclass(frozen=True)
class Segment:
    """Neighbouring words of one row."""

    words: tuple[Word, ...]
    row: int

    @cached_property
    def text(self) -> str:
        """The words apart by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        """The left edge."""
        return self.words[0].x0

    @property
    def x1(self) -> float:
        """The right edge."""
        return max(word.x1 for word in self.words)

    @property
    def page(self) -> int:
        """The page, from 1."""
        return self.words[0].page


@dataclass(frozen=True)
class Row:
    """A line of text on a page."""

    index: int
    page: int
    y0: float
    y1: float
    segments: tuple[Segment, ...]

    @property
    def height(self) -> float:
        """The height of the line."""
        return self.y1 - self.y0

    @property
    def words(self) -> list[Word]:
        """All words from left to right."""
        return [word for segment in self.segments for word in segment.words]

    @property
    def text(self) -> str:
        """All words apart by spaces."""
        return " ".join(segment.text for segment in self.segments)


@dataclass(frozen=True)
class Layout:
    """The words of a document in rows. `unread` are pages on which no text could be found."""

    rows: tuple[Row, ...]
    sizes: dict[int, tuple[float, float]] = field(default_factory=dict)
    placed: bool = True
    unread: tuple[int, ...] = ()

    @property
    def pages(self) -> list[int]:
        """The pages that have words."""
        return sorted({row.page for row in self.rows})

    @cached_property
    def text(self) -> str:
        """All rows, one a line."""
        return "\n".join(row.text for row in self.rows)

    def only(self, pages: Iterable[int]) -> Layout:
        """The layout of some pages; rows keep their order and are numbered anew."""
        wanted = set(pages)
        words = [word for row in self.rows if row.page in wanted for word in row.words]
        return layout(words, self.sizes, placed=self.placed, unread=self.unread)


def layout(
    words: Sequence[Word],
    sizes: dict[int, tuple[float, float]],
    *,
    placed: bool = True,
    unread: tuple[int, ...] = (),
) -> Layout:
    """The words in rows, top to bottom."""
    by_page: dict[int, list[Word]] = {}
    for word in words:
        by_page.setdefault(word.page, []).extend(_parted(word))
    rows: list[Row] = []
    for page in sorted(by_page):
        for line in _lines(by_page[page]):
            index = len(rows)
            top, bottom = min(word.y0 for word in line), max(word.y1 for word in line)
            rows.append(Row(index, page, top, bottom, _segments(line, index)))
    return Layout(tuple(rows), sizes, placed, unread)


def _parted(word: Word) -> tuple[Word, ...]:
    """The word, a colon at its beginning apart: it belongs to the label before it."""
    if len(word.text) < 2 or word.text[0] != ":" or not word.text[1].isalnum():
        return (word,)
    cut = word.x0 + (word.x1 - word.x0) / len(word.text)
    return (replace(word, text=":", x1=cut), replace(word, text=word.text[1:], x0=cut))


def _lines(words: list[Word]) -> list[list[Word]]:
    """Words whose vertical centres are close, as lines from top to bottom."""
    lines: list[list[Word]] = []
    centre = 0.0
    for word in sorted(words, key=lambda each: ((each.y0 + each.y1) / 2, each.x0)):
        middle = (word.y0 + word.y1) / 2
        if lines and middle - centre < 0.35 * min(word.y1 - word.y0, lines[-1][0].y1 - lines[-1][0].y0):
            lines[-1].append(word)
        else:
            lines.append([word])
            centre = middle
    return [sorted(line, key=lambda each: each.x0) for line in lines]


def _segments(line: Sequence[Word], row: int) -> tuple[Segment, ...]:
    parts: list[list[Word]] = []
    for word in line:
        if parts and word.x0 - parts[-1][-1].x1 <= _GAP * (word.y1 - word.y0):
            parts[-1].append(word)
        else:
            parts.append([word])
    return tuple(Segment(tuple(part), row) for part in parts)


def of_extraction(extraction: Extraction) -> Layout:
    """The words of what the parse stage read: lines where they are known, else text and cells in their order."""
    placed = any(element.bbox is not None for element in extraction.elements)
    sizes = {page.number: (page.width, page.height) for page in extraction.pages}
    words: list[Word] = []
    top = 0.0
    for element in extraction.elements:
        if element.lines and placed:
            for line in element.lines:
                words += _spread(line.text, line.bbox, element)
            continue
        if element.table is not None and not (placed and all(cell.bbox for cell in element.table.cells)):
            top = _of_table(element, words, top)
        elif element.table is not None:
            for cell in element.table.cells:
                if cell.bbox is not None and cell.text:
                    words += _wrapped(cell.text, cell.bbox, element)
        elif element.bbox is not None and placed:
            words += _wrapped(element.text, element.bbox, element)
        else:
            top = _of_text(element, words, top)
    unread = tuple(page.number for page in extraction.pages if page.status != "ok")
    return layout(words, sizes, placed=placed, unread=unread)


def _spread(text: str, box: BBox, element: Element) -> list[Word]:
    """The words of one line, each with its share of the line's box by characters."""
    unit = (box.x1 - box.x0) / max(1, len(text))
    words, position = [], 0
    for part in text.split():
        start = text.index(part, position)
        position = start + len(part)
        x0, x1 = box.x0 + unit * start, box.x0 + unit * position
        words.append(Word(part, element.page or 1, x0, box.y0, x1, box.y1, element.ordinal))
    return words


def _wrapped(text: str, box: BBox, element: Element) -> list[Word]:
    lines = [line for line in text.split("\n") if line.strip()] or [text]
    height = (box.y1 - box.y0) / len(lines)
    words: list[Word] = []
    for number, line in enumerate(lines):
        top = box.y0 + number * height
        words += _spread(line, BBox(x0=box.x0, y0=top, x1=box.x1, y1=top + height), element)
    return words


def _of_text(element: Element, words: list[Word], top: float) -> float:
    for line in element.text.split("\n"):
        if line.strip():
            box = BBox(x0=0, y0=top, x1=_WIDTH * len(line), y1=top + 10)
            words += _spread(line.expandtabs(8), box, _on(element))
            top += _PITCH
    return top + _PITCH


def _of_table(element: Element, words: list[Word], top: float) -> float:
    """Cells in columns that no text can leave; the place where the next element begins."""
    table = element.table
    assert table is not None
    for row in range(table.rows):
        for cell in (each for each in table.cells if each.row == row and each.text.strip()):
            text = " ".join(cell.text.split())
            unit = min(_WIDTH, (_COLUMN - 40) / max(1, len(text)))
            left = cell.column * _COLUMN
            box = BBox(x0=left, y0=top, x1=left + unit * len(text), y1=top + 10)
            words += _spread(text, box, _on(element))
        top += _PITCH
    return top + _PITCH


def _on(element: Element) -> Element:
    return element if element.page else element.model_copy(update={"page": 1})
