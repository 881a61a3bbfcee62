"""Several readings of one document made into one: lists aligned, every leaf voted, its likelihood the agreement.

After the algorithm of the MIT-licensed package `k-llms`, with one difference: a majority of nulls gives null.
Ties go to the earlier vote, so the same votes give the same result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import cast

from pydantic import JsonValue
from rapidfuzz.distance import Levenshtein

from docmill.structured.record import join
from docmill.structured.values import plain

_KEPT = 0.51
"""The share of votes that an item of a list needs."""


@dataclass
class Agreed:
    """The result, the likelihood of every leaf by its path, and the votes with their lists aligned to the result's."""

    value: JsonValue
    likelihoods: dict[str, float] = field(default_factory=dict)
    votes: list[JsonValue] = field(default_factory=list)


def agree(votes: Sequence[JsonValue], path: str = "") -> Agreed:
    """What the votes have in common."""
    present = [vote for vote in votes if vote is not None]
    if any(isinstance(vote, dict) for vote in present):
        return _objects(votes, path)
    if any(isinstance(vote, list) for vote in present):
        return _lists(votes, path)
    value, likelihood = _scalar(votes)
    return Agreed(value, {path: likelihood}, list(votes))


def _objects(votes: Sequence[JsonValue], path: str) -> Agreed:
    """Key by key; an object that some votes lack is the less likely for it."""
    objects = [vote if isinstance(vote, dict) else None for vote in votes]
    keys = list(dict.fromkeys(key for each in objects if each is not None for key in each))
    share = sum(each is not None for each in objects) / len(objects)
    there = [each for each in objects if each is not None]
    value: dict[str, JsonValue] = {}
    aligned: list[dict[str, JsonValue]] = [{} for _ in there]
    likelihoods: dict[str, float] = {}
    for key in keys:
        part = agree([each.get(key) for each in there], join(path, key))
        value[key] = part.value
        likelihoods |= {where: round(each * share, 6) for where, each in part.likelihoods.items()}
        for each, vote in zip(aligned, part.votes, strict=True):
            each[key] = vote
    rest = iter(aligned)
    return Agreed(value, likelihoods, [cast(JsonValue, next(rest)) if each is not None else None for each in objects])


def _lists(votes: Sequence[JsonValue], path: str) -> Agreed:
    lists = [vote if isinstance(vote, list) else [] for vote in votes]
    groups = _groups(lists)
    value: list[JsonValue] = []
    likelihoods: dict[str, float] = {}
    aligned: list[list[JsonValue]] = [[] for _ in lists]
    for number, group in enumerate(groups):
        items = [lists[vote][group[vote]] if vote in group else None for vote in range(len(lists))]
        part = agree(items, join(path, number))
        value.append(part.value)
        likelihoods |= part.likelihoods
        for each, item in zip(aligned, part.votes, strict=True):
            each.append(item)
    return Agreed(value, likelihoods, [cast(JsonValue, each) for each in aligned])


def _groups(lists: Sequence[list[JsonValue]]) -> list[dict[int, int]]:
    """Which item of each vote is the same: (vote → index) groups that enough votes support, in the majority's order."""
    if not any(lists):
        return []
    if len({len(each) for each in lists}) == 1 and _parallel(lists):
        return [dict.fromkeys(range(len(lists)), index) for index in range(len(lists[0]))]
    longest = max(
        range(len(lists)), key=lambda vote: (Counter(map(len, lists))[len(lists[vote])], len(lists[vote]), -vote)
    )
    groups: list[dict[int, int]] = [{longest: index} for index in range(len(lists[longest]))]
    for vote, items in enumerate(lists):
        if vote != longest:
            _align(groups, items, vote, lists, longest)
    kept = [group for group in groups if len(group) / len(lists) >= _KEPT]
    chosen = kept or [group for group in groups if len(group) == max(map(len, groups))]
    return sorted(chosen, key=lambda group: (mean(group.values()), min(group)))


def _parallel(lists: Sequence[list[JsonValue]]) -> bool:
    """Whether the items stand in the same order in all votes, so that nothing need be looked for."""
    first = lists[0]
    return all(similarity(a, b) >= 0.5 for other in lists[1:] for a, b in zip(first, other, strict=True))


def _align(
    groups: list[dict[int, int]], items: list[JsonValue], vote: int, lists: Sequence[list[JsonValue]], lead: int
) -> None:
    """Adds the vote's items to the groups by the optimum of likeness; those like none open groups of their own."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    references = [lists[next(iter(group))][next(iter(group.values()))] for group in groups]
    if not items or not references:
        groups += [{vote: index} for index in range(len(items))]
        return
    scores = np.array([[similarity(a, b) for b in items] for a in references])
    best = scores.max(axis=1)
    least = 0.95 * max(0.5, 0.95 * float(best[best > 0.3].min()) if (best > 0.3).any() else 0.5)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    taken = set()
    for row, column in zip(rows, columns, strict=True):
        if scores[row, column] >= least:
            groups[int(row)][vote] = int(column)
            taken.add(int(column))
    groups += [{vote: index} for index in range(len(items)) if index not in taken]


def similarity(a: JsonValue, b: JsonValue) -> float:
    """How alike two values are, 0 to 1: objects by the mean over their keys, texts by edits, numbers within 1 %."""
    if a in (None, "", []) and b in (None, "", []):
        return 1.0
    if isinstance(a, dict) and isinstance(b, dict):
        keys = a.keys() | b.keys()
        return mean(similarity(a.get(key), b.get(key)) for key in keys) if keys else 1.0
    if isinstance(a, list) and isinstance(b, list):
        return (
            mean(similarity(x, y) for x, y in zip(a, b, strict=False)) * min(len(a), len(b)) / max(len(a), len(b))
            if a and b
            else 0.0
        )
    if isinstance(a, bool) or isinstance(b, bool):
        return float(a is b)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return 1.0 if abs(a - b) <= 0.01 * max(abs(a), abs(b)) else 0.0
    if isinstance(a, str) and isinstance(b, str):
        return float(Levenshtein.normalized_similarity(plain(a), plain(b)))
    return 0.0


def _likeness(votes: Sequence[JsonValue], index: int) -> float:
    """How alike one vote is to the others, 0 to 1."""
    others = [similarity(votes[index], other) for number, other in enumerate(votes) if number != index]
    return mean(others) if others else 1.0


def _scalar(votes: Sequence[JsonValue]) -> tuple[JsonValue, float]:
    """The voted value and its likelihood; nulls count."""
    present = [vote for vote in votes if vote is not None]
    if len(present) * 2 < len(votes) or not present:
        return None, 0.0 if not present else round(1 - len(present) / len(votes), 6)
    if all(isinstance(vote, int | float) and not isinstance(vote, bool) for vote in present) or any(
        isinstance(vote, str) and len(vote.split()) >= 3 for vote in present
    ):
        scores = [_likeness(present, index) for index in range(len(present))]
        best = max(range(len(present)), key=lambda index: (scores[index], -index))
        exact = Counter(map(str, present)).most_common(1)[0]
        value = next(vote for vote in present if str(vote) == exact[0]) if exact[1] > 1 else present[best]
        index = present.index(value)
        return value, round(scores[index] * len(present) / len(votes), 6)
    counted = Counter(plain(str(vote)) for vote in present)
    form, count = max(counted.items(), key=lambda each: each[1])
    value = next(vote for vote in present if plain(str(vote)) == form)
    return value, round(count / len(votes), 6)
