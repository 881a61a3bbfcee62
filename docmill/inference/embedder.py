"""The seam between the stages and what computes vectors: ONNX Runtime in this process, a server, a twin in tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Tokens:
    """A text's tokens without the model's special ones; `offsets[i]` is the span of characters of token `ids[i]`."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        """How many tokens."""
        return len(self.ids)


@dataclass(frozen=True)
class Embeddings:
    """Vectors in the order of the texts, of unit length: float32 (texts, dimensions).

    `truncated` are the indices of the texts that were longer than the model reads: their ends are not in their vectors.
    """

    vectors: Vectors
    truncated: tuple[int, ...] = ()

    def __len__(self) -> int:
        """How many vectors."""
        return len(self.vectors)


class Embedder(Protocol):
    """Turns texts into vectors. A text's vector depends on that text and the `fingerprint` alone.

    `max_tokens` is what the model reads of a text, `special_tokens` of them being its own.
    """

    @property
    def name(self) -> str:
        """The model's name, as in the settings."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when the weights, the tokenizer or the way the model is built change."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    @property
    def max_tokens(self) -> int:
        """The longest text in tokens that is read whole, special tokens included."""

    @property
    def special_tokens(self) -> int:
        """How many tokens the model adds to each text."""

    def tokenize(self, text: str) -> Tokens:
        """All tokens of the text, never cut."""

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Embeddings:
        """The vectors of the texts: of chunks, or of questions where `query` is true, which some models tell apart."""
