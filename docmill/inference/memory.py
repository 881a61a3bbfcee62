"""The in-memory twin of an embedding model, for tests: no weights, no native code, the same answer everywhere.

Vectors are signed bags of words (the hashing trick), so texts that share words are near each other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from docmill.ids import digest
from docmill.inference.embedder import Embeddings, Tokens, Vectors

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashEmbedder:
    """An `Embedder` whose tokens are words and marks; of a text it reads `max_tokens - 2` of them."""

    def __init__(self, dimensions: int = 384, max_tokens: int = 256) -> None:
        self.name = "hash"
        self.dimensions = dimensions
        self.max_tokens = max_tokens
        self.special_tokens = 2
        self.fingerprint = digest("hash-embedder", 1, dimensions, max_tokens)[:16]

    def tokenize(self, text: str) -> Tokens:
        """The words and marks of the text."""
        matches = list(_TOKEN.finditer(text))
        return Tokens(
            ids=tuple(_hash(match.group()) % 30_000 for match in matches),
            offsets=tuple(match.span() for match in matches),
        )

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Embeddings:
        """The vectors of the texts, questions or not; a text without words gets the first unit vector."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        truncated = []
        room = self.max_tokens - self.special_tokens
        for row, text in enumerate(texts):
            words = _TOKEN.findall(text)
            if len(words) > room:
                truncated.append(row)
            vectors[row] = self._vector(words[:room])
        return Embeddings(vectors, tuple(truncated))

    def _vector(self, words: list[str]) -> Vectors:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for word in words:
            code = _hash(word)
            vector[(code >> 1) % self.dimensions] += 1.0 if code & 1 else -1.0
        if not vector.any():
            vector[0] = 1.0
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def _hash(word: str) -> int:
    """The same number for the word in any case, in every process (unlike `hash`)."""
    return int.from_bytes(hashlib.blake2b(word.lower().encode("utf-8", "replace"), digest_size=8).digest(), "little")
