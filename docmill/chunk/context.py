"""What a chunk is told to be of: its document, by name and title, and its section.

A sentence such as "Revenue grew by 4 %" is found for a question only if the chunk says whose revenue, and of when.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmill.chunk.pieces import Tokenizer
from docmill.models import Extraction

_WORDS = re.compile(r"[^\W\d_]+|\d+")
_PARTED = re.compile(r"(?<=[a-z])(?=[A-Z])|[_+\s]+")
_SAYS_NOTHING = re.compile(
    r"(untitled|document|microsoft word|title|slide|pdf|page|doc|unknown)\b.{0,8}", re.IGNORECASE
)
_CODE = re.compile(r"[\W\d_]*(?:\w*\d\w*[\W_]*)*")
_LONGEST_TITLE = 100
_SECTIONS = 2
"""Titles of the section path that are told, the innermost ones."""
_YEAR = re.compile(r"(?:19|20)\d\d")


def document_label(extraction: Extraction, name: str) -> str:
    """What the document is called: its file's name in words, then its own title where that says something more."""
    stem = " ".join(_PARTED.sub(" ", name.rpartition("/")[2].rpartition(".")[0] or name).split())
    title = " ".join(str(extraction.metadata.get("title") or "").split())[:_LONGEST_TITLE]
    subject = " ".join(str(extraction.metadata.get("subject") or "").split())[:_LONGEST_TITLE]
    told = [stem]
    for each in (title, subject):
        known = {word.lower() for text in told for word in _WORDS.findall(text)}
        news = {word.lower() for word in _WORDS.findall(each)} - known
        if news and not _SAYS_NOTHING.fullmatch(each) and not _CODE.fullmatch(each):
            told.append(each)
    return ", ".join(part for part in told if part)


def chunk_context(label: str, section: Sequence[str], tokenizer: Tokenizer, budget: int) -> str:
    """The label and the innermost titles in at most `budget` tokens, of which the label takes half at most."""
    head = _trimmed(label, tokenizer, budget // 2)
    room = budget - len(tokenizer.tokenize(head).offsets)
    titles = [" ".join(each.split()) for each in section[-_SECTIONS:]]
    told: list[str] = []
    for title in reversed(titles):
        part = _trimmed(title, tokenizer, room)
        room -= len(tokenizer.tokenize(part).offsets)
        told.insert(0, part)
    return "\n".join(part for part in (head, *told) if part)


def table_labels(text: str) -> str:
    """A table's text without the cells that hold no letter and are no year; a line a row."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if kept := [cell for cell in cells if _YEAR.fullmatch(cell) or any(letter.isalpha() for letter in cell)]:
            rows.append(" ".join(kept))
    return "\n".join(rows)


def _trimmed(text: str, tokenizer: Tokenizer, budget: int) -> str:
    """The beginning of the text that costs at most `budget` tokens."""
    offsets = tokenizer.tokenize(text).offsets
    if len(offsets) <= budget:
        return text
    return text[: offsets[budget - 1][1]] if budget > 0 else ""
