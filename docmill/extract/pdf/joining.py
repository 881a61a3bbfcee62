"""Tables that go on over pages made one: rows put together, the head that is printed again marked.

A table goes on if it is the last thing on its page (but for footers and footnotes), the next page begins with a table
of as many columns at nearly the same place across, and that one repeats the head, or has none and values of the same
kinds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

from docmill.extract.pdf.aligned import is_number
from docmill.extract.pdf.drafts import Draft
from docmill.extract.pdf.pageread import PageRead
from docmill.models import Cell, ElementType, Region, Table

_AFTER = {ElementType.FOOTER, ElementType.FOOTNOTE, ElementType.HEADER}
_GOES_ON = re.compile(
    r"\b(continued|cont\.?d?|cont'd|continuation|suite|fortsetzung|forts\.|continuaci[oó]n|segue)\b", re.I
)
_LOW, _HIGH = 0.6, 0.4  # of the page height: a table ends below the first, its continuation begins above the second
_ASIDE = 14.0  # points: how far the sides of both parts may lie apart
_MOST_HEAD = 4  # rows


def join_tables(pages: Sequence[PageRead]) -> None:
    """Each table that goes on over pages is one draft afterwards, on its first page."""
    start: tuple[PageRead, Draft] | None = None
    for before, page in pairwise(pages):
        tail = start or _last_table(before)
        start = None
        index = _first_table(page)
        if tail is None or index is None or not _goes_on(tail[1], before, page.drafts[index], page):
            continue
        ends_page = _last_table(page)
        whole = ends_page is not None and ends_page[1] is page.drafts[index]
        box, number = page.boxes[index], page.page.number
        part = page.without(index)
        place = Region(page=number, bbox=box, page_size=(page.page.width, page.page.height))
        _append(tail[1], part, place)
        start = tail if whole else None


def _last_table(page: PageRead) -> tuple[PageRead, Draft] | None:
    """The page's last draft before its footers and footnotes if it is a table that ends low on the page."""
    rest = [draft for draft in page.drafts if draft.type not in _AFTER]
    if rest and rest[-1].type is ElementType.TABLE and rest[-1].box.y1 > _LOW * page.height:
        return page, rest[-1]
    return None


def _first_table(page: PageRead) -> int | None:
    """The index of the page's first draft after its headers, if it is a table high on the page.

    A short line that says that the table goes on may stand before it.
    """
    for index, draft in enumerate(page.drafts):
        if draft.type is ElementType.TABLE:
            return index if draft.box.y0 < _HIGH * page.height else None
        furniture = draft.type in (ElementType.HEADER, ElementType.FOOTER)
        if not furniture and not (len(draft.text) < 250 and _GOES_ON.search(draft.text)):
            return None
    return None


def _goes_on(first: Draft, first_page: PageRead, second: Draft, second_page: PageRead) -> bool:
    """True if the second table continues the first."""
    a, b = first.table, second.table
    if a is None or b is None or a.columns != b.columns or a.columns < 2:
        return False
    if second_page.page.number != first_page.page.number + 1 or first_page.page.width != second_page.page.width:
        return False
    if abs(first.box.x0 - second.box.x0) > _ASIDE or abs(first.box.x1 - second.box.x1) > _ASIDE:
        return False
    return _repeated(a, b) > 0 or (b.header_rows == 0 and _same_kinds(a, b))


def _repeated(a: Table, b: Table) -> int:
    """How many rows at the top of `b` repeat those at the top of `a`; rows of numbers never do."""
    pairs = zip(a.grid()[:_MOST_HEAD], b.grid(), strict=False)
    same = takewhile(lambda pair: _key(pair[0]) == _key(pair[1]) and any(map(str.isalpha, "".join(pair[0]))), pairs)
    return sum(1 for _ in same)


def _key(row: Sequence[str]) -> list[str]:
    return ["".join(text.split()).lower() for text in row]


def _same_kinds(a: Table, b: Table) -> bool:
    """True if the columns that mostly hold numbers in `a` do so in `b`, and there is at least one."""
    kinds = [[_numeric(column) for column in zip(*table.grid(), strict=True)] for table in (a, b)]
    return kinds[0] == kinds[1] and any(kinds[0]) and not all(is_number(text) for text in a.grid()[0] if text)


def _numeric(column: Sequence[str]) -> bool:
    texts = [text for text in column if text]
    return bool(texts) and sum(map(is_number, texts)) > 0.5 * len(texts)


def _append(first: Draft, part: Draft, place: Region) -> None:
    """The rows of `part` stand under those of `first` afterwards."""
    a, b = first.table, part.table
    assert a is not None
    assert b is not None
    repeated = _repeated(a, b)
    header = a.header_rows or repeated
    cells = [cell if cell.row >= header else cell.model_copy(update={"header": True}) for cell in a.cells]
    cells += [_moved(cell, a.rows, repeated, place.page) for cell in b.cells]
    first.table = Table(
        rows=a.rows + b.rows,
        columns=a.columns,
        cells=tuple(cells),
        header_rows=header,
        title=a.title,
        repeated_rows=(*a.repeated_rows, *range(a.rows, a.rows + repeated)),
    )
    first.text = "\n".join(" | ".join(row) for row in first.table.shown())
    first.continued = (*first.continued, place)
    first.links += part.links


def _moved(cell: Cell, rows: int, repeated: int, page: int) -> Cell:
    """The cell of a continuation in the joined table."""
    return cell.model_copy(update={"row": cell.row + rows, "page": page, "header": cell.row < repeated})
