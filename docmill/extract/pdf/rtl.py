"""Lines of Hebrew and Arabic: words from the right, numbers and Latin words among them in their own order.

The engine gives the letters of a word in reading order, but the words of a line as they were drawn: a bullet or a full
stop that was drawn last stands last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmill.extract.pdf.places import Word

_WORD_GAP = 0.12  # of the type size: words closer than this are one
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")
_MIRROR = str.maketrans("()[]{}", ")(][}{")


def is_rtl(text: str) -> bool:
    """True if most letters are Hebrew or Arabic."""
    if not _RTL.search(text):
        return False
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(map(_runs_left, letters)) > len(letters)


def _runs_left(char: str) -> bool:
    return _RTL.match(char) is not None


def _is_latin(word: Word) -> bool:
    return any(char.isalpha() and not _runs_left(char) for char in word.text)


def as_read(words: Sequence[Word]) -> list[Word]:
    """Words given from right to left in reading order: neighbouring words of other scripts are read from the left.

    A number between two of these words goes with them.
    """
    ordered: list[Word] = []
    at = 0
    while at < len(words):
        end = at
        for index in range(at, len(words)):
            if any(map(_runs_left, words[index].text)):
                break
            if _is_latin(words[index]):
                end = index + 1
        if _is_latin(words[at]) and end - at > 1:
            ordered += reversed(words[at:end])
            at = end
        else:
            ordered.append(words[at])
            at += 1
    return ordered


def text_from_right(words: Sequence[Word], size: float) -> str:
    """The words' text; those that touch are one word."""
    text = ""
    for index, word in enumerate(words):
        before = words[index - 1] if index else None
        gap = 0.0 if before is None else max(before.x0 - word.x1, word.x0 - before.x1)
        text += (" " if before is not None and gap >= _WORD_GAP * size else "") + word.text
    return text


def with_brackets(text: str) -> str:
    """The text with its brackets turned round if only then each closes one that was opened.

    Many programs write the bracket that is drawn, which is the mirror image of the one that is meant.
    """
    turned = text.translate(_MIRROR)
    return turned if _is_closed(turned) and not _is_closed(text) else text


def _is_closed(text: str) -> bool:
    """True if every bracket is closed by its own kind, in order."""
    waiting: list[str] = []
    for char in text:
        if char in _PAIRS:
            waiting.append(_PAIRS[char])
        elif char in _PAIRS.values() and (not waiting or waiting.pop() != char):
            return False
    return not waiting
