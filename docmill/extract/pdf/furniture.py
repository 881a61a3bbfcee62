"""Running headers, footers and page numbers: what stands in the margins, on several pages or alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from docmill.extract.pdf.drafts import BodyStyle, Draft
from docmill.models import ElementType

_MARGIN = 0.12  # of the page height: furniture that repeats stands in these margins
_EDGE = 0.085  # of the page height: furniture of a single page
_PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(page|seite|p\.)?\s*(\d{1,4}|[ivxlc]{1,7}|[A-Z]?\d{0,2}[-–.]\d{1,3})\s*((of|/|von)\s*\d{1,4})?[-–—|\s]*",
    re.IGNORECASE,
)
_MARKED = {ElementType.TEXT, ElementType.TITLE, ElementType.LIST_ITEM, ElementType.FOOTNOTE}


def mark_furniture(pages: Sequence[list[Draft]], heights: Sequence[float], body: BodyStyle) -> None:
    """Retypes drafts in the margins as HEADER or FOOTER."""
    counts = _repeated(pages, heights)
    for drafts, height in zip(pages, heights, strict=True):
        for draft in drafts:
            side = _side(draft, height, _MARGIN)
            if side is None or draft.type not in _MARKED:
                continue
            if _PAGE_NUMBER.fullmatch(draft.text) or counts[side, _pattern(draft.text)] >= 2:
                draft.type = side
        _mark_alone(drafts, height, body)
        for draft in drafts:
            if draft.type in (ElementType.HEADER, ElementType.FOOTER):
                draft.level = None


def _side(draft: Draft, height: float, margin: float) -> ElementType | None:
    """HEADER or FOOTER if the draft stands wholly in the upper or lower margin."""
    if len(draft.lines) > 3 or len(draft.text) > 250:
        return None
    if draft.box.y1 < margin * height:
        return ElementType.HEADER
    return ElementType.FOOTER if draft.box.y0 > (1 - margin) * height else None


def _pattern(text: str) -> str:
    """The text with its numbers taken out."""
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", text.lower())


def _repeated(pages: Sequence[list[Draft]], heights: Sequence[float]) -> Counter[tuple[ElementType, str]]:
    """On how many pages each pattern stands in the same margin."""
    counts: Counter[tuple[ElementType, str]] = Counter()
    for drafts, height in zip(pages, heights, strict=True):
        sides = {(side, _pattern(d.text)) for d in drafts if (side := _side(d, height, _MARGIN)) is not None}
        counts.update(sides)
    return counts


def _mark_alone(drafts: Sequence[Draft], height: float, body: BodyStyle) -> None:
    """Marks lines at the very edge that nothing outside the margin touches and that are no larger than the text."""
    for draft in drafts:
        side = _side(draft, height, _EDGE)
        if side is None or draft.type not in _MARKED or len(draft.lines) != 1 or draft.size > 1.1 * body.size:
            continue
        if draft.type is ElementType.TITLE and draft.bold and draft.size >= body.size:
            continue
        others = [other for other in drafts if other is not draft and other.type not in (side,)]
        if side is ElementType.HEADER:
            gap = min((other.box.y0 - draft.box.y1 for other in others if other.box.y1 > draft.box.y1), default=99.0)
        else:
            gap = min((draft.box.y0 - other.box.y1 for other in others if other.box.y0 < draft.box.y0), default=99.0)
        if gap > 0.8 * draft.size:
            draft.type = side
