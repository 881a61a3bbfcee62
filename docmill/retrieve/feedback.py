"""What is like the best hits comes before what is only like the question.

Rocchio's formula ("Relevance feedback in information retrieval", 1971) with the first hits taken for relevant. Only
what was found already is put in another order: the vectors come with the hits, and no second search is made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docmill.index.base import Candidate

_BETA = 0.5
"""How far the question's vector is moved towards the hits: usually .5 to .75."""


def fed_back(vector: Sequence[float], found: Sequence[Candidate], count: int) -> list[Candidate]:
    """What was found for a vector, with the cosine to it as moved towards the first `count` rows; best first.

    Rows bear their vectors, all of unit length.
    """
    if not found or not count:
        return list(found)
    held = np.array([each.row.vector for each in found])
    moved = np.asarray(vector) + _BETA * held[:count].mean(axis=0)
    scores = held @ (moved / np.linalg.norm(moved))
    scored = [Candidate(each.row, score) for each, score in zip(found, scores.tolist(), strict=True)]
    return sorted(scored, key=lambda each: (-each.score, each.row.chunk_id))
