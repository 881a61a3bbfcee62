"""What is asked of a reader beyond its settings: which pages, the password, and whom to tell of progress."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from docmill.errors import EncryptedDocumentError, UsageError
from docmill.extract.reading import Reading

_RANGE = re.compile(r"(\d+)?(?:(-)(\d+)?)?")
Watch = Callable[[int, int], None]
"""Told a page's number (from 1) before it is read, and how many pages will be read."""


def nobody(number: int, count: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Wanted:
    """What to read: `pages` are inclusive ranges of page numbers from 1, (3, None) is "from 3 on"; empty is all."""

    pages: tuple[tuple[int, int | None], ...] = ()
    password: str = field(default="", repr=False)
    watch: Watch = field(default=nobody, repr=False, compare=False)

    def takes(self, number: int) -> bool:
        """Whether the page (from 1) is wanted."""
        return not self.pages or any(first <= number <= (last or number) for first, last in self.pages)

    def numbers(self, count: int) -> tuple[int, ...]:
        """The wanted pages (from 1) of a document of `count`. Raises UsageError where it has none of them."""
        found = tuple(number for number in range(1, count + 1) if self.takes(number))
        if not found and count:
            raise UsageError(
                f"The document has {count} page{'s' * (count != 1)}, none of them among those asked for ({self}).",
                hint="Ask for pages that it has.",
            )
        return found

    def __str__(self) -> str:
        parts = [str(a) if a == b else f"{a}-{'' if b is None else b}" for a, b in self.pages]
        return ",".join(parts) or "all pages"


ALL = Wanted()


def page_ranges(text: str) -> tuple[tuple[int, int | None], ...]:
    """The ranges that a text such as `1-3,7,10-` names; "" names none, which is all. Raises UsageError."""
    found: list[tuple[int, int | None]] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = _RANGE.fullmatch(part)
        first, dash, last = match.groups() if match else (None, None, None)
        start = int(first) if first else 1
        end = int(last) if last else None if dash else start
        if match is None or not (first or last) or start < 1 or (end is not None and end < start):
            raise UsageError(f"{part!r} names no pages.", hint="Write pages as 1-3,7,10- (from 1, in order).")
        found.append((start, end))
    return tuple(found)


def only_wanted(reading: Reading, wanted: Wanted) -> Reading:
    """The reading without the pages that are not wanted, its elements numbered anew.

    Raises UsageError for a document that has none of them, or no pages at all.
    """
    pages = reading.extraction.pages
    if not wanted.pages or (pages and all(wanted.takes(page.number) for page in pages)):
        return reading
    if not pages:
        raise UsageError(
            f"A document of the type {reading.extraction.media_type} has no pages to choose from.",
            hint="Leave the pages out.",
        )
    wanted.numbers(max(page.number for page in pages))
    kept = [each for each in reading.extraction.elements if each.page is None or wanted.takes(each.page)]
    places = {each.ordinal: place for place, each in enumerate(kept)}
    elements = tuple(
        each.model_copy(
            update={
                "ordinal": places[each.ordinal],
                "parent": places.get(each.parent) if each.parent is not None else None,
                "describes": places.get(each.describes) if each.describes is not None else None,
            }
        )
        for each in kept
    )
    left = tuple(page for page in pages if wanted.takes(page.number))
    crops = {each.crop.sha256 for each in elements if each.crop}
    extraction = reading.extraction.model_copy(update={"elements": elements, "pages": left})
    return Reading(extraction, {sha256: data for sha256, data in reading.crops.items() if sha256 in crops})


def password_needed(kind: str) -> EncryptedDocumentError:
    """The error for a document of that kind which nothing but a password opens."""
    return EncryptedDocumentError(
        f"The {kind} needs a password to be opened.",
        hint="Set DOCMILL_PASSWORD, use --password or --password-file of `docmill parse`, or save a copy without one.",
    )


def wrong_password(kind: str) -> EncryptedDocumentError:
    """The error for a document of that kind which the given password does not open."""
    return EncryptedDocumentError(
        f"The password does not open the {kind}.",
        hint="Check it (case and keyboard matter) and whether it is this file's.",
    )
