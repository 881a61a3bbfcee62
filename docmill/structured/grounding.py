"""Finds a value in the document's own words: what a model says counts only where the document says it, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz

from docmill.models import Scalar
from docmill.structured.dates import dates
from docmill.structured.numbers import CURRENCY_SIGNS, numbers
from docmill.structured.schema import Node
from docmill.structured.values import Style, plain
from docmill.structured.words import Layout, Word

_EXACT, _DERIVED, _FUZZY = 0.85, 0.8, 0.65
_LIKENESS = 90.0
_LONGEST = 400


@dataclass(frozen=True)
class Proof:
    """The words that say a value, and how far they prove it (0 to 1)."""

    words: tuple[Word, ...]
    trust: float


class Grounds:
    """The words of a document, ready to be searched."""

    def __init__(self, layout: Layout, style: Style) -> None:
        self._words = [word for row in layout.rows for word in row.words]
        self._style = style
        self._known: dict[tuple[str, str], list[Proof]] = {}

    @cached_property
    def _plain(self) -> tuple[str, list[int]]:
        """The plain text of all words, each between spaces, and for each of its characters the word's number."""
        text, owners = " ", [0]
        for number, word in enumerate(self._words):
            form = plain(word.text)
            if form:
                text += form + " "
                owners += [number] * (len(form) + 1)
        return text, owners

    @cached_property
    def _values(self) -> tuple[dict[float, list[Proof]], dict[str, list[Proof]]]:
        """All numbers and dates with their words, line by line."""
        by_number: dict[float, list[Proof]] = {}
        by_day: dict[str, list[Proof]] = {}
        from docmill.structured.reading import spanned, text_of

        for line in self._lines():
            text = text_of(line)
            for found in numbers(text, self._style):
                proof = Proof(spanned(line, found.start, found.end), _EXACT)
                by_number.setdefault(float(found.value), []).append(proof)
            for found in dates(text, self._style):
                proof = Proof(spanned(line, found.start, found.end), _DERIVED)
                by_day.setdefault(str(found.value), []).append(proof)
        return by_number, by_day

    def _lines(self) -> Iterator[list[Word]]:
        line: list[Word] = []
        for word in self._words:
            if line and (word.page != line[-1].page or word.x0 < line[-1].x0):
                yield line
                line = []
            line.append(word)
        if line:
            yield line

    def prove(self, value: Scalar, node: Node, near: Word | None = None) -> Proof | None:
        """The place nearest to `near` that says the value, None if there is none."""
        key = (type(value).__name__, str(value))
        if key not in self._known:
            self._known[key] = self._places(value, node)
        places = self._known[key]
        if near is None or len(places) < 2:
            return places[0] if places else None
        return min(places, key=lambda each: _distance(each.words[0], near))

    def _places(self, value: Scalar, node: Node) -> list[Proof]:
        if isinstance(value, bool) or value is None:
            return []  # yes or no is said in too many ways to be found
        if isinstance(value, int | float):
            return self._values[0].get(float(value), []) or self._values[0].get(-float(value), [])
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value) and value in self._values[1]:
            return self._values[1][value]
        found = self._said(plain(value))
        if found or not node.enum:
            return found or self._alike(plain(value))
        signs = [sign for sign, code in CURRENCY_SIGNS.items() if code == value]
        return [Proof((word,), _DERIVED) for word in self._words if any(sign in word.text for sign in signs)]

    def _said(self, form: str) -> list[Proof]:
        """The places where the words say the same, letter by letter."""
        text, owners = self._plain
        found: list[Proof] = []
        position = text.find(f" {form} ") if form else -1
        while position >= 0 and len(found) < 50:
            first, last = owners[position + 1], owners[position + len(form)]
            found.append(Proof(tuple(self._words[first : last + 1]), _EXACT))
            position = text.find(f" {form} ", position + 1)
        if not found and " " in form:
            return self._said_without_spaces(form)
        return found

    def _said_without_spaces(self, form: str) -> list[Proof]:
        text, owners = self._plain
        packed = [(char, owner) for char, owner in zip(text, owners, strict=True) if char != " "]
        position = "".join(char for char, _ in packed).find(form.replace(" ", ""))
        if position < 0:
            return []
        first, last = packed[position][1], packed[position + len(form.replace(" ", "")) - 1][1]
        return [Proof(tuple(self._words[first : last + 1]), _DERIVED)]

    def _alike(self, form: str) -> list[Proof]:
        """The passage that is nearly the same, its digits exactly so."""
        if len(form) < 8 or len(form) > _LONGEST:
            return []
        text, owners = self._plain
        match = fuzz.partial_ratio_alignment(form, text, score_cutoff=_LIKENESS)
        if match is None or re.findall(r"\d", form) != re.findall(r"\d", text[match.dest_start : match.dest_end]):
            return []
        first, last = owners[match.dest_start], owners[min(match.dest_end, len(owners)) - 1]
        return [Proof(tuple(self._words[first : last + 1]), _FUZZY)]


def _distance(word: Word, near: Word) -> float:
    return abs(word.page - near.page) * 10_000 + abs(word.y0 - near.y0) * 3 + abs(word.x0 - near.x0)


def together(words: Sequence[Word]) -> Word | None:
    """The first of the words, None without any."""
    return words[0] if words else None
