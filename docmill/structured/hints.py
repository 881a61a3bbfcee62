"""Instructions in plain words, as far as they can be followed without a model. What is not understood is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from docmill.structured.targets import words_of
from docmill.structured.values import plain

_ORDERS = (
    ("DMY", r"day[\s-]first|\bd+/m+/y+|european date"),
    ("MDY", r"month[\s-]first|\bm+/d+/y+|\bus date|american date"),
    ("YMD", r"year[\s-]first|\by+[/-]m+[/-]d+ (?:order|order)"),
)
_QUOTED = re.compile(r"[\"“«']([^\"”»']{1,60})[\"”»']")


@dataclass(frozen=True)
class Hints:
    """What the caller's instructions say. `pages` (from 1; -1 is the last) limit where values are looked for."""

    order: str = ""
    decimal: str = ""
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pages: tuple[int, ...] = ()
    not_applied: tuple[str, ...] = ()

    def on(self, pages: Sequence[int]) -> list[int]:
        """Those of the document's pages that values may come from."""
        if not self.pages or not pages:
            return list(pages)
        wanted = {max(pages) if page == -1 else page for page in self.pages}
        return [page for page in pages if page in wanted]


def read_hints(texts: Sequence[str], names: Sequence[str]) -> Hints:
    """The hints in some texts; `names` are the schema's property names and titles."""
    order, decimal, pages = "", "", []
    labels: dict[str, tuple[str, ...]] = {}
    rest: list[str] = []
    for sentence in _sentences(texts):
        low = sentence.casefold()
        understood = False
        for name, pattern in _ORDERS:
            if re.search(pattern, low):
                order, understood = name, True
        if match := re.search(r"decimal (comma|point)", low):
            decimal, understood = "," if match[1] == "comma" else ".", True
        found_pages = _pages(low)
        if found_pages:
            pages, understood = found_pages, True
        for name, quoted in _labels(sentence, names):
            labels[name] = (*labels.get(name, ()), *quoted)
            understood = True
        if not understood:
            rest.append(sentence)
    return Hints(order, decimal, labels, tuple(pages), tuple(rest))


def _sentences(texts: Sequence[str]) -> list[str]:
    parts = [part.strip() for text in texts for part in re.split(r"(?<=[.!?;])\s+|\n+", text)]
    return [part for part in parts if part]


def _pages(text: str) -> list[int]:
    if re.search(r"\blast page\b", text):
        return [-1]
    if re.search(r"\bfirst page\b", text):
        return [1]
    match = re.search(r"\bpages? (\d+)(?:\s*(?:-|–|to)\s*(\d+))?", text)
    if match is None:
        return []
    return list(range(int(match[1]), int(match[2] or match[1]) + 1))


def _labels(sentence: str, names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """(plain property name, quoted labels) of a sentence that holds both."""
    said = f" {plain(sentence)} "
    found = []
    for name in names:
        forms = {plain(name), " ".join(words_of(name))}
        quoted = [each for each in _QUOTED.findall(sentence) if plain(each) not in forms]
        if quoted and any(form and f" {form} " in said for form in forms):
            found.append((plain(name), quoted))
    return found
