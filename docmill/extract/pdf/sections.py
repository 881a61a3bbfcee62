"""What only the document as a whole shows: levels of titles, the section of each element, what a caption describes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmill.extract.pdf.drafts import Draft
from docmill.extract.pdf.places import Box
from docmill.models import PICTURES, ElementType, OutlineEntry

_NUMBER = re.compile(r"(\d{1,3}(?:\.\d{1,3})*)\.?\s+\S")
_TARGETS = {ElementType.TABLE, *PICTURES}
_FAR = 0.25  # of the page height: captions describe nothing further away


def set_levels(pages: Sequence[Sequence[Draft]], outline: Sequence[OutlineEntry]) -> None:
    """Gives titles their level: from the outline, else from the rank of their size, else from their number."""
    titles = [draft for drafts in pages for draft in drafts if draft.type is ElementType.TITLE]
    known = {_key(entry.title): entry.level for entry in outline}
    ranks = _size_ranks(sorted({round(title.size, 1) for title in titles}, reverse=True))
    for title in titles:
        level = known.get(_key(title.text))
        if level is None:
            level = ranks[round(title.size, 1)]
            number = _NUMBER.match(title.text)
            if number and "." in number[1]:
                level = max(level, number[1].count(".") + 1)
        title.level = min(max(level, 1), 6)


def _key(text: str) -> str:
    """A title without case, spaces and punctuation, for comparing with the outline."""
    return "".join(char for char in text.lower() if char.isalnum())


def _size_ranks(sizes: Sequence[float]) -> dict[float, int]:
    """The rank of each size (descending, from 1); sizes within 6 % of the largest of a rank share it."""
    ranks: dict[float, int] = {}
    rank, largest = 0, 0.0
    for size in sizes:
        if rank == 0 or size < 0.94 * largest:
            rank, largest = rank + 1, size
        ranks[size] = rank
    return ranks


def parents(drafts: Sequence[Draft]) -> list[int | None]:
    """For each draft the index of the title of its section: for a title the nearest one of a higher level above it."""
    found: list[int | None] = []
    path: list[tuple[int, int]] = []
    for index, draft in enumerate(drafts):
        if draft.type is ElementType.TITLE:
            level = draft.level or 1
            while path and path[-1][0] >= level:
                path.pop()
            found.append(path[-1][1] if path else None)
            path.append((level, index))
        else:
            furniture = draft.type in (ElementType.HEADER, ElementType.FOOTER)
            found.append(path[-1][1] if path and not furniture else None)
    return found


def described(drafts: Sequence[Draft], height: float) -> dict[int, int]:
    """Caption index to index of the table or figure on the same page that it stands next to."""
    pairs: list[tuple[float, int, int]] = []
    for index, caption in enumerate(drafts):
        if caption.type is not ElementType.CAPTION:
            continue
        is_table = caption.text.lower().startswith(("tab", "tafel"))
        for other, target in enumerate(drafts):
            if target.type in _TARGETS:
                distance = _distance(caption.box, target.box)
                if (target.type is ElementType.TABLE) != is_table:
                    distance += 0.1 * height
                if distance < _FAR * height:
                    pairs.append((distance, index, other))
    out: dict[int, int] = {}
    for _, index, other in sorted(pairs):
        if index not in out and other not in out.values():
            out[index] = other
    return out


def _distance(a: Box, b: Box) -> float:
    """The distance between two boxes in points, sideways counted double."""
    dx = max(a.x0 - b.x1, b.x0 - a.x1, 0.0)
    dy = max(a.y0 - b.y1, b.y0 - a.y1, 0.0)
    return dy + 2 * dx
