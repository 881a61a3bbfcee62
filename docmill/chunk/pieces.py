"""Elements cut into pieces that fit a chunk: at row ends for tables, else at sentence ends, else at word ends."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from docmill.models import Element, ElementType, Span

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n+")

_LONGEST_TOKEN = 32
"""Characters; a word that the model does not know is one token however long it is, so it counts once every 32."""


class Tokens(Protocol):
    """Where the tokens of a text stand: `offsets[i]` are the first character of token i and the one behind its last."""

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """One pair a token, special tokens left out."""
        ...


class Tokenizer(Protocol):
    """Cuts a text into the tokens that the embedding model counts; the model adds `special_tokens` to each text."""

    @property
    def special_tokens(self) -> int:
        """How many tokens the model adds to each text."""
        ...

    def tokenize(self, text: str) -> Tokens:
        """The tokens of `text`; nothing is cut off."""
        ...


@dataclass(frozen=True)
class Piece:
    """Characters `start` to `end` of an element and their cost in tokens; `repeats` marks a repeated table head."""

    element: Element
    start: int
    end: int
    tokens: int
    repeats: bool = False

    @property
    def text(self) -> str:
        """The piece's characters."""
        return self.element.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """The piece's place in the document."""
        return Span(ordinal=self.element.ordinal, start=self.start, end=self.end)


class _Text:
    """An element's text with its token positions: counts and cuts without tokenizing again."""

    def __init__(self, element: Element, tokenizer: Tokenizer) -> None:
        self.element = element
        self.starts = [
            part
            for start, end in tokenizer.tokenize(element.text).offsets
            for part in range(start, end, _LONGEST_TOKEN)
        ]

    def index(self, character: int) -> int:
        """How many tokens begin before `character`."""
        return bisect_right(self.starts, character - 1)

    def piece(self, start: int, end: int, *, repeats: bool = False) -> Piece:
        """The piece with its cost; a piece with characters costs one token at least."""
        return Piece(self.element, start, end, max(1, self.index(end) - self.index(start)), repeats)


def _cuts(text: str) -> list[int]:
    """Where sentences and lines end: positions behind the white space that follows them."""
    return [match.end() for match in _SENTENCE_END.finditer(text)] + [len(text)]


def _longest_cut(text: _Text, start: int, budget: int, cuts: Sequence[int]) -> int:
    """The last good place to end a piece that begins at `start` and costs at most `budget` tokens."""
    first = text.index(start)
    if len(text.starts) - first <= budget:
        return len(text.element.text)
    limit = text.starts[first + budget]
    position = bisect_right(cuts, limit) - 1
    if position >= 0 and cuts[position] > start:
        return cuts[position]
    space = text.element.text.rfind(" ", start + 1, limit)
    return space + 1 if space > start else max(limit, start + 1)


def split_text(element: Element, tokenizer: Tokenizer, budget: int, *, sentences: bool = True) -> list[Piece]:
    """The element's text in pieces of at most `budget` tokens; joined they are the text again.

    Pieces end with sentences where they can, without `sentences` with words.
    """
    text = _Text(element, tokenizer)
    length = len(element.text)
    if len(text.starts) <= budget:
        return [text.piece(0, length)]
    pieces, start, cuts = [], 0, _cuts(element.text) if sentences else []
    while start < length:
        end = _longest_cut(text, start, budget, cuts)
        pieces.append(text.piece(start, end))
        start = end
    return pieces


def split_sentences(element: Element, tokenizer: Tokenizer, budget: int) -> list[Piece]:
    """The element's sentences; one of more than `budget` tokens is cut at word ends."""
    text = _Text(element, tokenizer)
    pieces, start = [], 0
    for end in dict.fromkeys(_cuts(element.text)):
        if start < end:
            sentence = text.piece(start, end)
            pieces += [sentence] if sentence.tokens <= budget else _split_row(text, sentence, budget)
            start = end
    return pieces


def split_table(element: Element, tokenizer: Tokenizer, budget: int) -> list[list[Piece]]:
    """The table's rows in groups of at most `budget` tokens, each led by the header rows (repeated from the second on).

    A header that takes more than half of the budget is not repeated; a row beyond the budget is cut like text.
    """
    text = _Text(element, tokenizer)
    rows, start = [], 0
    for line in element.text.splitlines(keepends=True):
        rows.append(text.piece(start, start + len(line)))
        start += len(line)
    head_rows = element.table.header_rows if element.table else 0
    head = text.piece(0, rows[head_rows - 1].end, repeats=True) if 0 < head_rows < len(rows) else None
    if head is not None and head.tokens > budget // 2:
        head = None
    room = budget - (head.tokens if head else 0)
    groups: list[list[Piece]] = [[]]
    used = 0
    for row in rows:
        for piece in [row] if row.tokens <= room else _split_row(text, row, room):
            if used + piece.tokens > budget and groups[-1]:
                groups.append([head] if head else [])
                used = head.tokens if head else 0
            groups[-1].append(piece)
            used += piece.tokens
    return [group for group in groups if group]


def _split_row(text: _Text, row: Piece, budget: int) -> list[Piece]:
    pieces, start = [], row.start
    while start < row.end:
        end = min(_longest_cut(text, start, budget, ()), row.end)
        pieces.append(text.piece(start, end))
        start = end
    return pieces


def tail(pieces: Sequence[Piece], tokenizer: Tokenizer, budget: int) -> list[Piece]:
    """The last sentences (else words) of the pieces that fit `budget` tokens; tables and titles are not repeated."""
    taken: list[Piece] = []
    for piece in reversed(pieces):
        if budget <= 0 or piece.element.type in (ElementType.TABLE, ElementType.TITLE):
            break
        if piece.tokens <= budget:
            taken.insert(0, piece)
            budget -= piece.tokens
            continue
        text = _Text(piece.element, tokenizer)
        earliest = text.starts[max(0, text.index(piece.end) - budget)]
        start = next((cut for cut in _cuts(piece.element.text) if earliest <= cut < piece.end), None)
        if start is None:
            space = piece.element.text.find(" ", max(earliest - 1, piece.start), piece.end)
            start = space + 1 if space >= 0 else piece.end
        if start < piece.end:
            taken.insert(0, text.piece(max(start, piece.start), piece.end))
        break
    return taken
