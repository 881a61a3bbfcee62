"""Texts as the rows of token ids that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from docmill.inference.embedder import Tokens

if TYPE_CHECKING:
    import tokenizers


class TextEncoder:
    """The tokenizer of a `tokenizer.json`, cutting what a model does not read; loaded at first use."""

    def __init__(self, file: Path, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._file = file

    @property
    def special_tokens(self) -> int:
        """How many tokens are added to each text."""
        return int(load_tokenizer(self._file).num_special_tokens_to_add(is_pair=False))

    def tokenize(self, text: str) -> Tokens:
        """All tokens of the text, never cut."""
        encoding = load_tokenizer(self._file).encode(encodable(text), add_special_tokens=False)
        return Tokens(ids=tuple(encoding.ids), offsets=tuple(encoding.offsets))

    def rows(self, texts: Sequence[str]) -> tuple[list[list[int]], tuple[int, ...]]:
        """The token ids of each text, special ones included, cut at `max_tokens`; and the indices of those cut."""
        tokenizer = load_tokenizer(self._file)
        rows = [tokenizer.encode(encodable(text)).ids for text in texts]
        truncated = tuple(index for index, row in enumerate(rows) if len(row) > self.max_tokens)
        for index in truncated:
            rows[index] = [*rows[index][: self.max_tokens - 1], rows[index][-1]]
        return rows, truncated

    def pairs(self, first: str, seconds: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Token ids and segment ids of `first` with each of `seconds`, whose end is cut where both are too long."""
        tokenizer = load_tokenizer(self._file, self.max_tokens)
        encodings = tokenizer.encode_batch([(encodable(first), encodable(each)) for each in seconds])
        return [(encoding.ids, encoding.type_ids) for encoding in encodings]


def encodable(text: str) -> str:
    """The text with `?` for lone surrogates, which some documents hold and no tokenizer takes; places stay the same."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=8)
def load_tokenizer(file: Path, max_tokens: int = 0) -> tokenizers.Tokenizer:
    """The tokenizer without the padding and cutting that its file asks for; pairs are cut at `max_tokens`, if given."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if max_tokens:
        tokenizer.enable_truncation(max_tokens, strategy="only_second")
    return tokenizer
