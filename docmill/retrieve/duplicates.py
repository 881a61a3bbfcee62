"""Leaves out hits that say what a better one says already: copies, and sentences that stand on every other page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docmill.retrieve.fusion import Scored

_WORD = re.compile(r"\w+")
_SHINGLE = 4
_SAME = 0.9
"""Share of four-word sequences that two texts have in common to count as the same (A. Broder, 1997)."""


def distinct(scored: Iterable[Scored], wanted: int) -> list[tuple[Scored, tuple[str, ...]]]:
    """The first `wanted` hits that differ, each with the source keys of those left out for it."""
    kept: list[tuple[Scored, frozenset[str], list[str]]] = []
    for each in scored:
        shingles = _shingles(each.row.text)
        twin = next((also for _, other, also in kept if _same(shingles, other)), None)
        if twin is not None:
            twin.append(each.row.source_key)
        elif len(kept) == wanted:
            break
        else:
            kept.append((each, shingles, []))
    return [(each, tuple(dict.fromkeys(also))) for each, _, also in kept]


def _shingles(text: str) -> frozenset[str]:
    words = _WORD.findall(text.lower())
    return frozenset(" ".join(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))


def _same(left: frozenset[str], right: frozenset[str]) -> bool:
    small, large = sorted((len(left), len(right)))
    if small < _SAME * large:
        return False
    return len(left & right) >= _SAME * len(left | right)


def plain(scored: Sequence[Scored], wanted: int) -> list[tuple[Scored, tuple[str, ...]]]:
    """The first `wanted` hits, whatever they say."""
    return [(each, ()) for each in scored[:wanted]]
