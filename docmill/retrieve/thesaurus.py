"""What documents say for what is asked: a question for the quick ratio is answered by lines that never name it.

A table of two columns, each of phrases with `;` between: where a question has one of the first, those of the second are
looked for, too. docmill's own is of accounting; a setting names another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from docmill.errors import UsageError
from docmill.index.analysis import terms

_HEAD = "asked|said"
_LONGEST = 5
"""Terms of a phrase that is asked."""


@dataclass(frozen=True)
class Entry:
    """Phrases of which a question has one, and what documents say there."""

    asked: tuple[str, ...]
    said: tuple[str, ...]


@cache
def thesaurus(path: Path | None) -> tuple[Entry, ...]:
    """The entries of a file, of docmill's own table for None; raises UsageError that names the wrong line."""
    try:
        own = files("docmill.retrieve").joinpath("thesaurus.psv")
        text = (path or own).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The thesaurus cannot be read: {error}.") from None
    head, *lines = text.splitlines() or [""]
    if head.strip() != _HEAD:
        raise UsageError(f"The thesaurus {path} does not begin with the line {_HEAD!r}.")
    return tuple(_entry(path, number, line) for number, line in enumerate(lines, start=2) if line.strip())


def _entry(path: Path | None, number: int, line: str) -> Entry:
    columns = [tuple(part.strip() for part in column.split(";") if part.strip()) for column in line.split("|")]
    if len(columns) != 2 or not all(columns):
        raise UsageError(f"Line {number} of the thesaurus {path} is not `what is asked; …|what is said; …`.")
    return Entry(*columns)


def said_for(question: str, entries: Sequence[Entry], language: str) -> tuple[str, ...]:
    """What documents say for the question, each phrase once; phrases match by their stems."""
    words = tuple(terms(question, language))
    asked = {words[at : at + size] for size in range(1, _LONGEST + 1) for at in range(len(words) - size + 1)}
    found = (entry.said for entry in entries if any(tuple(terms(each, language)) in asked for each in entry.asked))
    return tuple(dict.fromkeys(phrase for said in found for phrase in said))
