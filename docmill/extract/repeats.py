"""Flags what repeats from page to page: the same picture, and the same short text at the same height.

The first one stays as it is; the others name it in `metadata["repeat_of"]`, are neither described nor put into chunks,
and are still there for whoever rebuilds the page. PDFs' running headers and footers have their own types already.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from docmill.models import Element, ElementType, Extraction

_TEXTS = frozenset({ElementType.TEXT, ElementType.LIST_ITEM, ElementType.FOOTNOTE})
_SHORT = 200
_PAGES = 3
_SHARE = 0.5
_HEIGHT = 6.0
"""Points that a repeated line may be off."""
_DIGITS = re.compile(r"\d+")


def with_repeats(extraction: Extraction) -> Extraction:
    """The extraction with its repeats flagged; the very same object where it has none."""
    firsts = _pictures(extraction.elements) | _lines(extraction.elements, len(extraction.pages))
    if not firsts:
        return extraction
    elements = tuple(
        each.model_copy(update={"metadata": {**each.metadata, "repeat_of": firsts[each.ordinal]}})
        if each.ordinal in firsts
        else each
        for each in extraction.elements
    )
    return extraction.model_copy(update={"elements": elements})


def _pictures(elements: Sequence[Element]) -> dict[int, int]:
    """Ordinal of each picture that was there before → ordinal of the first one. Scenes of a video are no repeats."""
    seen: dict[str, int] = {}
    found: dict[int, int] = {}
    for each in elements:
        if each.crop is None or each.start is not None:
            continue
        first = seen.setdefault(each.crop.sha256, each.ordinal)
        if first != each.ordinal:
            found[each.ordinal] = first
    return found


def _lines(elements: Sequence[Element], pages: int) -> dict[int, int]:
    """Ordinal of each repeat → that of the first: short texts alike but for their digits, on most of the pages."""
    alike: dict[tuple[str, int], list[Element]] = defaultdict(list)
    for each in elements:
        if each.type in _TEXTS and each.page is not None and each.bbox is not None and len(each.text) <= _SHORT:
            alike[_DIGITS.sub("#", each.text), round(each.bbox.y0 / _HEIGHT)].append(each)
    found: dict[int, int] = {}
    for group in alike.values():
        if len({each.page for each in group}) >= max(_PAGES, _SHARE * pages):
            found |= {each.ordinal: group[0].ordinal for each in group[1:]}
    return found
