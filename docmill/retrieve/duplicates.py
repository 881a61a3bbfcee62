"""Leaves out hits that say what a better one says already: copies, and sentences that stand on every other page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docmill.index.base import PUBLIC, Row, Space, Where
from docmill.retrieve.fusion import Scored
from docmill.workspace import Workspace

_WORD = re.compile(r"\w+")
_SHINGLE = 4
_SAME = 0.9
"""Share of four-word sequences that two texts have in common to count as the same (A. Broder, 1997)."""

_NEAREST = 1_000
"""Rows that are compared with one that may stand in other documents, too."""


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


def copies(workspace: Workspace, collection: str, space: Space, row: Row, access: frozenset[str]) -> tuple[str, ...]:
    """The source keys of other documents that say nearly the same, of those that the caller may see, in their order.

    Copies are near each other by meaning, too: so only the nearest rows are compared letter by letter.
    """
    index, where = workspace.index, Where(frozenset({PUBLIC, *access}), kind=row.kind)
    with index.session():
        (held,) = index.rows(collection, space, [row.chunk_id], vectors=True)
        near = index.search_vector(collection, space, held.vector, _NEAREST, where)
    own = _shingles(row.text)
    found = {each.row.source_key for each in near if _same(own, _shingles(each.row.text))}
    return tuple(sorted(found - {row.source_key}))


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
