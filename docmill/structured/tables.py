"""Tables by geometry: header rows found by what the items of an array are called, columns by the gaps below them.

No lines need be drawn: columns come from the places of the header's words and of the values, rows from which cells are
filled. A table goes on over pages, with its header repeated or without.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from rapidfuzz import fuzz

from docmill.structured.dates import DATE
from docmill.structured.heads import Head, heads
from docmill.structured.numbers import numbers
from docmill.structured.reading import text_of
from docmill.structured.targets import Target
from docmill.structured.values import Style, plain
from docmill.structured.vocabulary import TOTALS
from docmill.structured.words import Layout, Row, Segment, Word

_PITCHES = 3.2
"""A gap of more than this many row pitches ends a table on a page, unless a full row follows."""


@dataclass
class Item:
    """One item: the words of each column, and the rows that it was read from."""

    page: int
    top: float
    bottom: float
    cells: dict[int, list[Word]]
    rows: list[int] = field(default_factory=list)
    notes: list[Segment] = field(default_factory=list)


@dataclass
class Found:
    """The items below one header and its repetitions.

    `seen` counts the rows that look like items by their columns alone.
    """

    head: Head
    items: list[Item] = field(default_factory=list)
    seen: int = 0
    doubtful: list[int] = field(default_factory=list)


def tables(layout: Layout, targets: Sequence[Target], style: Style, *, joined: bool = True) -> list[Found]:
    """The tables that hold the targets; where they are `joined`, a header that is repeated on a later page goes on with
    the table before."""
    starts = heads(layout, targets)
    found: list[Found] = []
    for number, head in enumerate(starts):
        stop = _page_top(layout, starts[number + 1].rows[0], head) if number + 1 < len(starts) else len(layout.rows)
        table = _Body(layout, head, targets, style).read(stop)
        same = joined and found and found[-1].head.targets == head.targets
        if (
            same
            and _starts_page(layout, head)
            and layout.rows[head.rows[0]].page != layout.rows[found[-1].head.rows[0]].page
        ):
            found[-1].items += table.items
            found[-1].seen += table.seen
            found[-1].doubtful += table.doubtful
        else:
            found.append(table)
    return [table for table in found if table.items]


def _page_top(layout: Layout, row: int, head: Head) -> int:
    """The row, or the first of its page if the table before it begins on an earlier page."""
    while row > 0 and layout.rows[row - 1].page == layout.rows[row].page != layout.rows[head.rows[0]].page:
        row -= 1
    return row


def _starts_page(layout: Layout, head: Head) -> bool:
    """Whether nothing but a few lines of page furniture stands above the header on its page."""
    row = layout.rows[head.rows[0]]
    above = [each for each in layout.rows[max(0, row.index - 12) : row.index] if each.page == row.page]
    return len(above) < 10


class _Body:
    def __init__(self, layout: Layout, head: Head, targets: Sequence[Target], style: Style) -> None:
        self._layout = layout
        self._head = head
        self._targets = targets
        self._style = style
        self._numeric = [t >= 0 and targets[t].kind in ("money", "number", "integer", "percent") for t in head.targets]
        self._bounds: list[float] = []

    def read(self, stop: int) -> Found:
        """The items between the header and row `stop`."""
        rows = list(self._layout.rows[self._head.rows[-1] + 1 : stop])
        rows = self._until_other(rows)
        self._bounds = self._edges(rows)
        found = Found(self._head)
        pitch = self._pitch(rows)
        usual = self._usual(rows)
        last: Row = self._layout.rows[self._head.rows[-1]]
        for row in rows:
            if self._is_head(row):
                last = row
                continue
            cells = self._cells(row)
            full = self._is_item(row, cells, usual)
            gap = row.y0 - last.y1 if row.page == last.page else 0.0
            if gap > _PITCHES * pitch and not (full and len(cells) >= usual):
                if row.page == rows[-1].page or not self._goes_on(rows, row.page, usual):
                    break
                continue
            if full:
                found.items.append(Item(row.page, row.y0, row.y1, cells, [row.index]))
                last = row
            elif found.items and gap <= 1.1 * row.height and row.page == last.page and not self._is_total(row):
                self._append(found.items[-1], row, cells)
                last = row
            found.seen += self._looks_like_item(cells, usual) and not self._is_total(row)
        return found

    def _goes_on(self, rows: Sequence[Row], page: int, usual: int) -> bool:
        """Whether a page after this one begins with rows of the table."""
        later = [row for row in rows if row.page == page + 1][:12]
        return sum(self._is_item(row, self._cells(row), usual) for row in later) >= 2

    def _until_other(self, rows: list[Row]) -> list[Row]:
        """The rows before the header of another table: words only, in as many columns, behind a gap."""
        for number, row in enumerate(rows):
            if number < 2 or len(row.segments) < 3 or self._is_head(row):
                continue
            above = rows[number - 1]
            worded = not any(char.isdigit() for char in row.text)
            gap = row.page != above.page or row.y0 - above.y1 > 1.2 * row.height
            followed = any(char.isdigit() for later in rows[number + 1 : number + 2] for char in later.text)
            short = all(len(each.text.split()) <= 4 for each in row.segments)
            if worded and gap and followed and short and not self._is_total(row):
                return rows[:number]
        return rows

    def _edges(self, rows: Sequence[Row]) -> list[float]:
        """The borders between neighbouring columns: the widest gap that the rows leave between the two labels."""
        labels = self._head.labels
        sample = [row for row in rows[:400] if len(row.segments) >= max(2, len(labels) // 2)]
        spans = [(segment.x0, segment.x1) for row in sample for segment in _pieces(row)]
        borders = []
        for left, right in itertools.pairwise(labels):
            a = (left[0].x0 + max(word.x1 for word in left)) / 2
            b = (right[0].x0 + max(word.x1 for word in right)) / 2
            borders.append(_gap(a, b, max(word.x1 for word in left), right[0].x0, spans))
        return borders

    def _cells(self, row: Row) -> dict[int, list[Word]]:
        """The words of each column; a run without a gap stays whole, where it begins (text) or centres (numbers)."""
        cells: dict[int, list[Word]] = {}
        for piece in _pieces(row):
            middle = (piece.x0 + piece.x1) / 2
            place = middle if _numeric(piece.text) else min(piece.x0 + 6, middle)
            column = sum(place > border for border in self._bounds)
            cells.setdefault(column, []).extend(piece.words)
        return cells

    def _pitch(self, rows: Sequence[Row]) -> float:
        steps = [b.y0 - a.y0 for a, b in itertools.pairwise(rows) if a.page == b.page and b.y0 > a.y0]
        height = median(row.height for row in rows) if rows else 14.0
        usual = median(sorted(steps)[: max(1, len(steps) * 3 // 4)]) if steps else height
        return min(max(usual, 8.0), 3 * height)

    def _usual(self, rows: Sequence[Row]) -> int:
        """How many columns most items fill."""
        counts = [len(cells) for row in rows[:60] if self._fits(cells := self._cells(row)) and len(cells) > 1]
        often = [each for each in set(counts) if sum(count >= each for count in counts) >= 0.25 * len(counts)]
        return max(often, default=len(self._head.labels))

    def _fits(self, cells: dict[int, list[Word]]) -> bool:
        """Whether every filled column of numbers holds one, and some asked-for column is filled."""
        asked = [column for column in cells if self._head.targets[column] >= 0]
        return bool(asked) and all(self._number(cells[c]) for c in asked if self._numeric[c])

    def _number(self, words: Sequence[Word]) -> bool:
        text = text_of(words)
        return bool(numbers(text, self._style)) or text.strip() in ("-", "–", "—", "n/a", "N/A", "")

    def _looks_like_item(self, cells: dict[int, list[Word]], usual: int) -> bool:
        return len(cells) >= max(2, usual - 1) and self._fits(cells)

    def _is_item(self, row: Row, cells: dict[int, list[Word]], usual: int) -> bool:
        if not self._fits(cells) or self._is_total(row):
            return False
        labels = len(self._head.labels)
        if labels == 1:
            return True
        least = max(2, (usual + 1) // 2)
        texts = [c for c in range(labels) if not self._numeric[c]]
        if texts and texts[0] not in cells and len(cells) < max(least, usual - 1):
            return False
        asked_numeric = [c for c in range(labels) if self._numeric[c]]
        if asked_numeric and not any(c in cells for c in asked_numeric) and len(cells) < max(least, usual - 1):
            return False
        return len(cells) >= least

    def _is_total(self, row: Row) -> bool:
        first = plain(row.segments[0].text).split()
        return bool(first) and (
            first[0] in TOTALS or " ".join(first[:2]) in ("te betalen", "amount due", "balance due")
        )

    def _is_head(self, row: Row) -> bool:
        """Whether the row repeats the header."""
        said = plain(row.text)
        return any(fuzz.ratio(said, plain(self._layout.rows[each].text)) > 92 for each in self._head.rows)

    def _append(self, item: Item, row: Row, cells: dict[int, list[Word]]) -> None:
        """A row that goes on with an item: a wrapped text, a value on a second line, or a note under it."""
        texts = [c for c in cells if not self._numeric[c]]
        wraps = all(c in item.cells for c in texts) and len(cells) <= 2 and not any(_numeric(w.text) for w in row.words)
        fills = [c for c in cells if c not in item.cells and self._head.targets[c] >= 0]
        if fills:
            for column in fills:
                item.cells[column] = cells[column]
        elif wraps and len(texts) == len(cells) and not _is_note(row):
            for column in cells:
                item.cells[column] = [*item.cells[column], *cells[column]]
        else:
            item.notes += row.segments
        item.bottom = row.y1
        item.rows.append(row.index)


def _is_note(row: Row) -> bool:
    """Whether the row says something about the item rather than going on with its text."""
    first = row.words[0].text
    return any(word.text.endswith(":") for word in row.words[:3]) or first.startswith(("-", "*", "•", "("))


def _pieces(row: Row) -> Iterator[Segment]:
    """The row's segments, cut where a number begins or ends: columns may stand closer than words do."""
    for segment in row.segments:
        start = 0
        for number in range(1, len(segment.words)):
            before, after = segment.words[number - 1], segment.words[number]
            gap = after.x0 - before.x1
            if (gap > 0.35 * (after.y1 - after.y0) and _numeric(before.text) != _numeric(after.text)) or (
                gap > 0.3 * (after.y1 - after.y0) and _numeric(before.text) and _numeric(after.text)
            ):
                yield Segment(segment.words[start:number], segment.row)
                start = number
        yield Segment(segment.words[start:], segment.row)


def _numeric(text: str) -> bool:
    return (any(char.isdigit() for char in text) and not any(char.isalpha() for char in text)) or bool(
        DATE.fullmatch(text)
    )


def _gap(a: float, b: float, left: float, right: float, spans: Sequence[tuple[float, float]]) -> float:
    """The middle of the emptiest stretch between the centres `a` and `b` of two labels (edges `left`, `right`)."""
    edges = sorted({a, b, *(x for span in spans for x in span if a < x < b)})
    best, border = (float("inf"), 0.0), (left + right) / 2
    near = [span for span in spans if span[1] > a and span[0] < b]
    for x0, x1 in itertools.pairwise(edges):
        if x1 - x0 < 0.5:
            continue
        middle = (x0 + x1) / 2
        covered = sum(span[0] < middle < span[1] for span in near)
        outside = max(0.0, left - x1, x0 - right)
        key = (covered + (0.5 if outside else 0.0), -(x1 - x0))
        if key < best:
            best, border = key, middle
    return border
