"""Where the labels of the targets stand in a document, and what stands inline, right of, or below each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz, process

from docmill.structured.sections import running
from docmill.structured.targets import STRONG, WEAK, Target
from docmill.structured.values import plain
from docmill.structured.vocabulary import IN_ROWS, concepts
from docmill.structured.words import Layout, Row, Segment, Word

_LONGEST = 7
_FUZZY = 88.0
_BELOW = 3.2
"""How many line heights a value may stand below its label."""


@dataclass(frozen=True)
class Zone:
    """A label that stands in a segment: its words, the words after it there, and what it may mean.

    `meanings` are trust by target's index, `others` the trust of the best concept by its name. `closed` says that a
    colon ends it.
    """

    segment: Segment
    label: tuple[Word, ...]
    rest: tuple[Word, ...]
    closed: bool
    meanings: dict[int, float]
    others: dict[str, float]

    @property
    def text(self) -> str:
        """The label as printed."""
        return " ".join(word.text for word in self.label)


@dataclass(frozen=True)
class Place:
    """Words that may be a target's value; `near` (0 to 1) is how well they stand to the label."""

    words: tuple[Word, ...]
    near: float
    inline: bool


class Labels:
    """The labels of some targets and of all known concepts."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._index: dict[str, tuple[dict[int, float], dict[str, float]]] = {}
        for number, target in enumerate(targets):
            for phrase, weight in target.phrases.items():
                self._entry(phrase)[0][number] = weight
        for concept in concepts().values():
            if concept.name not in IN_ROWS:
                for label in concept.labels:
                    self._entry(plain(label))[1][concept.name] = STRONG
                for label in concept.weak:
                    self._entry(plain(label))[1].setdefault(concept.name, WEAK)

    def _entry(self, phrase: str) -> tuple[dict[int, float], dict[str, float]]:
        return self._index.setdefault(phrase, ({}, {}))

    @cached_property
    def _phrases(self) -> list[str]:
        return [phrase for phrase in self._index if len(phrase) > 5]

    def look_up(self, phrase: str, *, fuzzy: bool) -> tuple[dict[int, float], dict[str, float]] | None:
        """What a label means, None if it is not known."""
        found = self._index.get(phrase)
        if found is not None or not fuzzy or len(phrase) < 6:
            return found
        close = process.extractOne(phrase, self._phrases, scorer=fuzz.ratio, score_cutoff=_FUZZY)
        if close is None:
            return None
        share = close[1] / 100
        meanings, others = self._index[close[0]]
        return {k: v * share for k, v in meanings.items()}, {k: v * share for k, v in others.items()}

    def zones(self, layout: Layout) -> Iterator[Zone]:
        """The labels of a document, segment by segment."""
        for row in layout.rows:
            for segment in row.segments:
                yield from self.in_segment(segment)

    def in_segment(self, segment: Segment) -> list[Zone]:
        """The labels in one segment: before each colon, or at its beginning."""
        words = segment.words
        colons = [i for i, word in enumerate(words) if word.text.endswith((":", "：")) or word.text == ":"]
        found: list[Zone] = []
        begin = 0
        for number, colon in enumerate(colons):
            end = colons[number + 1] if number + 1 < len(colons) else len(words)
            zone = self._before_colon(segment, begin, colon, end)
            if zone is not None:
                found.append(zone)
            begin = colon + 1
        if not found:
            zone = self._at_start(segment)
            found += [zone] if zone is not None else []
        return found

    def _before_colon(self, segment: Segment, begin: int, colon: int, end: int) -> Zone | None:
        words = segment.words
        for start in range(max(begin, colon + 1 - _LONGEST), colon + 1):
            phrase = plain(" ".join(word.text for word in words[start : colon + 1]))
            known = self.look_up(phrase, fuzzy=start == begin)
            if phrase and known is not None:
                cost = 1.0 if start == begin else 0.93
                return _zone(segment, (start, colon + 1, end), True, known, cost)
        phrase = plain(" ".join(word.text for word in words[begin : colon + 1]))
        part = self._with_extras(phrase)
        if part is not None and colon + 1 - begin <= _LONGEST:
            return _zone(segment, (begin, colon + 1, end), True, part, 1.0)
        return None

    def _at_start(self, segment: Segment) -> Zone | None:
        words = segment.words
        for end in range(min(_LONGEST, len(words)), 0, -1):
            phrase = plain(" ".join(word.text for word in words[:end]))
            known = self.look_up(phrase, fuzzy=end == len(words))
            if phrase and known is not None:
                return _zone(segment, (0, end, len(words)), words[end - 1].text.endswith("#"), known, 1.0)
        phrase = plain(segment.text)
        part = self._with_extras(phrase) if len(words) <= 5 else None
        return _zone(segment, (0, len(words), len(words)), False, part, 0.95) if part is not None else None

    def _with_extras(self, phrase: str) -> tuple[dict[int, float], dict[str, float]] | None:
        """What a label with a few words more, such as a rate or a currency (`VAT 20 %`, `Total EUR`), means."""
        words = [word for word in phrase.split() if not (word.strip("%").replace(" ", "").isdigit() or word in _EXTRA)]
        if not words or len(words) == len(phrase.split()):
            return None
        return self.look_up(" ".join(words), fuzzy=False)


_EXTRA = frozenset(
    (
        "%",
        "a",
        "aud",
        "cad",
        "chf",
        "de",
        "eur",
        "gbp",
        "in",
        "incl",
        "inr",
        "la",
        "of",
        "our",
        "per",
        "the",
        "usd",
        "your",
    )
)


def _zone(
    segment: Segment,
    span: tuple[int, int, int],
    closed: bool,
    known: tuple[dict[int, float], dict[str, float]],
    cost: float,
) -> Zone:
    start, end, last = span
    words = segment.words
    meanings = {number: weight * cost for number, weight in known[0].items()}
    others = {name: weight * cost for name, weight in known[1].items()}
    return Zone(segment, words[start:end], words[end:last], closed, meanings, others)


class Surroundings:
    """What stands around a label."""

    def __init__(self, layout: Layout, zones: Sequence[Zone]) -> None:
        self._layout = layout
        self._labels = {id(zone.segment): zone for zone in zones if not zone.rest}
        self.runs = running(layout)
        self._starts = {id(zone.segment) for zone in zones if zone.closed or not zone.rest}

    def is_label(self, segment: Segment) -> bool:
        """Whether the segment is, or begins with, a label."""
        return id(segment) in self._starts or segment.text.endswith(":")

    def places(self, zone: Zone) -> Iterator[Place]:
        """Where the value of a label may stand: best first."""
        if zone.rest:
            yield Place(zone.rest, 1.0 if zone.closed else 0.96, inline=True)
        row = self._layout.rows[zone.segment.row]
        position = next(i for i, each in enumerate(row.segments) if each is zone.segment)
        right = row.segments[position + 1 :]
        last = zone.label[-1] is zone.segment.words[-1] or (zone.rest and zone.rest[-1] is zone.segment.words[-1])
        if last:
            for distance, segment in enumerate(right[:3]):
                if self.is_label(segment):
                    break
                yield Place(segment.words, (0.97, 0.86, 0.8)[distance] - (0.12 if zone.rest else 0), inline=False)
        if not zone.rest:
            beside = (bool(right) and self.is_label(right[0])) or (
                position > 0 and self.is_label(row.segments[position - 1])
            )
            for segment, near in self._below(zone, row, right):
                yield Place(segment.words, near + (0.06 if beside else 0), inline=False)

    def _below(self, zone: Zone, row: Row, right: Sequence[Segment]) -> Iterator[tuple[Segment, float]]:
        """The first segment below the label that shares its column; the left edges or right edges agree at best."""
        left, edge = zone.label[0].x0, max(word.x1 for word in zone.label)
        limit = right[0].x0 if right else edge + 10 * row.height
        for index in range(row.index + 1, len(self._layout.rows)):
            below = self._layout.rows[index]
            if below.page != row.page or below.y0 - row.y1 > _BELOW * row.height:
                return
            for segment in below.segments:
                overlap = min(segment.x1, max(edge, limit - 1)) - max(segment.x0, left - 2)
                if overlap <= 0 or segment.x0 > edge + 2 * row.height:
                    continue
                if self.is_label(segment):
                    return
                aligned = abs(segment.x0 - left) < 4 or abs(segment.x1 - edge) < 4
                centred = abs(segment.x0 + segment.x1 - left - edge) < 8
                yield segment, 0.9 if aligned or centred else 0.78
                return
