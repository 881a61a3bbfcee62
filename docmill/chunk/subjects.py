"""Where a document changes its subject: between sentences whose vectors are far apart.

The distance of two neighbours is that of their windows of three sentences; where it is beyond a percentile of the
document's own distances a subject ends (G. Kamradt's semantic splitting, 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from docmill.chunk.grouping import Boundary, is_left_out
from docmill.chunk.pieces import Tokenizer, split_sentences
from docmill.models import Element, ElementType

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Vectors of unit length of texts: (texts, dimensions)."""


def new_subjects(
    elements: Sequence[Element], tokenizer: Tokenizer, embed: Embed, budget: int, percentile: int
) -> frozenset[Boundary]:
    """The sentences, each of at most `budget` tokens, that begin a new subject; tables are none of them."""
    sentences = [
        piece
        for element in elements
        if element.type is not ElementType.TABLE and not is_left_out(element)
        for piece in split_sentences(element, tokenizer, budget)
        if piece.text.strip()
    ]
    if len(sentences) < 3:
        return frozenset()
    texts = [each.text.strip() for each in sentences]
    windows = [" ".join(texts[max(0, at - 1) : at + 2]) for at in range(len(texts))]
    vectors = embed(windows)
    distances = 1 - np.sum(vectors[:-1] * vectors[1:], axis=1)
    limit = np.percentile(distances, percentile)
    return frozenset(
        (piece.element.ordinal, piece.start)
        for piece, distance in zip(sentences[1:], distances, strict=True)
        if distance > limit
    )
