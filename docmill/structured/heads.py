"""Header rows of tables, found by what the items of an array are called: alone, or two rows stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from docmill.structured.reading import text_of
from docmill.structured.targets import Target
from docmill.structured.values import plain
from docmill.structured.vocabulary import IN_ROWS, concepts
from docmill.structured.words import Layout, Row, Word

_LONGEST = 6
_MATCH = 0.7


@dataclass(frozen=True)
class Head:
    """A header row: its labels from left to right, and which target each is for (-1: a column nobody asks for)."""

    rows: tuple[int, ...]
    labels: tuple[tuple[Word, ...], ...]
    targets: tuple[int, ...]
    score: float

    @property
    def matched(self) -> int:
        """How many columns are asked for."""
        return sum(each >= 0 for each in self.targets)


def heads(layout: Layout, targets: Sequence[Target]) -> list[Head]:
    """The header rows of the tables that hold the targets, top to bottom."""
    index: dict[str, list[tuple[int, float]]] = {}
    for number, target in enumerate(targets):
        for phrase, weight in target.phrases.items():
            index.setdefault(phrase, []).append((number, weight))
    for concept in concepts().values():
        if concept.name in IN_ROWS:
            for label in concept.labels:
                index.setdefault(plain(label), [])  # a column that nobody asks for
    found = [head for row in layout.rows if (head := _head(layout, row, targets, index)) is not None]
    best = max((head.score for head in found), default=0.0)
    kept: list[Head] = []
    for head in found:
        if head.score >= 0.75 * best and not (kept and set(kept[-1].rows) & set(head.rows)):
            kept.append(head)
    return kept


def _head(
    layout: Layout, row: Row, targets: Sequence[Target], index: dict[str, list[tuple[int, float]]]
) -> Head | None:
    """The row as a header, alone or with the next one under it, if enough of the targets are named in it."""
    if len(row.segments) < 2 and len(row.words) > 8:
        return None
    single = _labels_of([(list(each.words),) for each in row.segments], index)
    if not single or sum(1 for _, target, _ in single if target >= 0) == 0:
        return None
    choices: list[tuple[tuple[int, ...], Labelled]] = [((row.index,), single)]
    below = layout.rows[row.index + 1] if row.index + 1 < len(layout.rows) else None
    if below is not None and below.page == row.page and below.y0 - row.y1 < 0.7 * row.height:
        stacked = _stacked(row, below)
        if stacked is not None:
            choices.append(((row.index, below.index), _labels_of(stacked, index)))
    made = [_made(rows, labels, targets) for rows, labels in choices]
    usable = [head for head in made if head is not None]
    return max(usable, key=lambda head: head.score, default=None)


def _stacked(row: Row, below: Row) -> list[tuple[list[Word], ...]] | None:
    """The header's parts, each with what stands under it in the next row; None if a number stands there."""
    if any(char.isdigit() for char in below.text) or len(below.segments) > len(row.segments):
        return None
    parts: list[tuple[list[Word], ...]] = []
    used = 0
    for segment in row.segments:
        under = [each for each in below.segments if each.x0 < segment.x1 and segment.x0 < each.x1]
        used += len(under)
        words = [word for each in under for word in each.words]
        parts.append((list(segment.words), words) if words else (list(segment.words),))
    return parts if used == len(below.segments) else None


Labelled = list[tuple[tuple[Word, ...], int, float]]


def _labels_of(parts: Sequence[tuple[list[Word], ...]], index: dict[str, list[tuple[int, float]]]) -> Labelled:
    """(words, target or -1, trust) of every label; a part may hold several labels with a small gap between."""
    found: Labelled = []
    for part in parts:
        words = [word for line in part for word in line]
        whole = _lookup(plain(text_of(words)), index)
        if whole or len(part) > 1:
            found.append((tuple(words), *(whole or (-1, 0.0))))
        else:
            found += _split(words, index)
    return _one_each(found, index)


def _split(words: list[Word], index: dict[str, list[tuple[int, float]]]) -> Labelled:
    """The labels in one run of words, longest first; words between that mean nothing are columns of others."""
    found: Labelled = []
    position, spare = 0, 0
    while position < len(words):
        for end in range(min(len(words), position + _LONGEST), position, -1):
            hit = _lookup(plain(text_of(words[position:end])), index)
            if hit is not None and (spare == position or _apart(words, position)):
                if spare < position:
                    found.append((tuple(words[spare:position]), -1, 0.0))
                found.append((tuple(words[position:end]), *hit))
                position = spare = end
                break
        else:
            position += 1
    if spare < len(words):
        if found and not _apart(words, spare):
            last, target, trust = found.pop()
            found.append(((*last, *words[spare:]), target, trust * 0.8))
        else:
            found.append((tuple(words[spare:]), -1, 0.0))
    return found


def _apart(words: Sequence[Word], position: int) -> bool:
    """Whether more than a plain space stands before the word."""
    word = words[position]
    return word.x0 - words[position - 1].x1 > 0.3 * (word.y1 - word.y0)


def _lookup(phrase: str, index: dict[str, list[tuple[int, float]]]) -> tuple[int, float] | None:
    if not phrase:
        return None
    if phrase in index:
        return max(index[phrase], key=lambda each: each[1], default=(-1, 0.0))
    if len(phrase) < 5:
        return None
    close = [(fuzz.ratio(phrase, each), each) for each in index if index[each] and abs(len(each) - len(phrase)) < 4]
    score, best = max(close, default=(0.0, ""))
    if score < 88:
        return None
    number, weight = max(index[best], key=lambda each: each[1])
    return number, weight * score / 100


def _one_each(found: Labelled, index: dict[str, list[tuple[int, float]]]) -> Labelled:
    """Each target at one column: the optimum of trust over all that a label may mean."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    count = 1 + max((number for each in index.values() for number, _ in each), default=0)
    scores = np.zeros((len(found), count))
    for line, (words, target, trust) in enumerate(found):
        for number, weight in index.get(plain(text_of(words)), [(target, trust)] if target >= 0 else []):
            scores[line, number] = max(scores[line, number], weight)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    chosen = {int(a): int(b) for a, b in zip(rows, columns, strict=True) if scores[a, b] >= _MATCH}
    return [(words, chosen.get(line, -1), float(scores[line, chosen[line]]) if line in chosen else 0.0)
            for line, (words, _, _) in enumerate(found)]  # fmt: skip


def _made(rows: tuple[int, ...], labels: Labelled, targets: Sequence[Target]) -> Head | None:
    matched = [trust for _, target, trust in labels if target >= 0]
    if len(labels) < 2 or len(matched) < min(2, len(targets)) or len(matched) < 0.34 * len(labels):
        return None
    if len(matched) == 1 and max(matched) < 0.95:
        return None
    if any(word.text.endswith(":") for words, _, _ in labels for word in words[-1:]):
        return None
    score = sum(matched) - 0.1 * (len(labels) - len(matched))
    return Head(rows, tuple(words for words, _, _ in labels), tuple(target for _, target, _ in labels), score)
