"""What two parsings of a document have otherwise: element by element, in reading order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from docmill.models import BBox, Element

_ALIKE = 0.5
"""Share of characters that two texts have in common to be taken for the same element."""
_MOVED = 3.0
"""Points that a side of a box may move for it to stand where it stood."""


class Change(StrEnum):
    """What became of an element; one that is otherwise in several ways is named by the first that holds."""

    GONE = "gone"
    NEW = "new"
    TEXT = "text"
    TYPE = "type"
    PLACE = "place"


@dataclass(frozen=True)
class Difference:
    """An element before and after; None where there is none. `alike` is the share of characters in common."""

    change: Change
    before: Element | None
    after: Element | None
    alike: float


def differences(before: Sequence[Element], after: Sequence[Element]) -> list[Difference]:
    """The elements that differ, in reading order; of the same elements none.

    Elements are matched by page and text, white space apart; between those that match, the ones most alike.
    """
    old, new = ([(each.page, _plain(each.text)) for each in elements] for elements in (before, after))
    found: list[Difference] = []
    for tag, start, end, other, until in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs = zip(before[start:end], after[other:until], strict=True)
            found += [each for pair in pairs for each in _changed(*pair, 1.0)]
        else:
            found += _block(before[start:end], after[other:until])
    return found


def _block(before: Sequence[Element], after: Sequence[Element]) -> Iterator[Difference]:
    """Differences where no text is the same: each element with the first later one that is alike, else gone or new."""
    place = 0
    for old in before:
        likeness = [(_alike(old, each), at) for at, each in enumerate(after[place:], start=place)]
        alike, at = max(likeness, key=lambda pair: (pair[0], -pair[1]), default=(0.0, -1))
        if alike < _ALIKE:
            yield Difference(Change.GONE, old, None, 0.0)
            continue
        yield from (Difference(Change.NEW, None, each, 0.0) for each in after[place:at])
        yield from _changed(old, after[at], alike)
        place = at + 1
    yield from (Difference(Change.NEW, None, each, 0.0) for each in after[place:])


def _changed(old: Element, new: Element, alike: float) -> Iterator[Difference]:
    if _plain(old.text) != _plain(new.text):
        yield Difference(Change.TEXT, old, new, alike)
    elif old.type is not new.type:
        yield Difference(Change.TYPE, old, new, alike)
    elif old.page != new.page or _moved(old.bbox, new.bbox):
        yield Difference(Change.PLACE, old, new, alike)


def _alike(old: Element, new: Element) -> float:
    if old.page != new.page:
        return 0.0
    matcher = SequenceMatcher(None, _plain(old.text), _plain(new.text), autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0


def _moved(old: BBox | None, new: BBox | None) -> bool:
    if old is None or new is None:
        return old is not new
    sides = ((old.x0, new.x0), (old.y0, new.y0), (old.x1, new.x1), (old.y1, new.y1))
    return any(abs(left - right) > _MOVED for left, right in sides)


def _plain(text: str) -> str:
    return " ".join(text.split())
