"""What stands at the head of a document without a label: its title, its authors, the person whom it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from docmill.structured.reading import text_of
from docmill.structured.sections import Line, Sections
from docmill.structured.targets import words_of
from docmill.structured.words import Word, layout

_TITLE, _NAME = 1.25, 1.3
"""How many times higher than the body's lines a title, or the name at the head of a résumé, is."""
_HEAD = 16
_PIECE = (
    r"(?:[A-Z]\.(?:-?[A-Z]\.)*|[A-ZÀ-Þ][a-zà-ÿ’'‐-]+(?:[A-ZÀ-Þ‐-][a-zà-ÿ]+)*|de|van|von|der|la|del|di|le|El|Mc[A-Z]\w+)"
)
_PERSON = re.compile(rf"(?:(?:Dr|Prof|Professor|Mr|Ms|Mrs)\.?\s+)*{_PIECE}(?:\s*{_PIECE}){{1,4}}")
_NO_PERSON = re.compile(
    r"\b(?:University|Institute|Department|Dept|Laborator|Centre|Center|School|College|Inc|Research|Abstract|Group|"
    r"Résumé|Resume|Curriculum|Vitae|Invoice|Report|Agreement|Street|Road|Avenue)",
)
_TRUST = 0.78
Given = tuple[str, tuple[Word, ...], float]


def head_title(sections: Sections) -> Given | None:
    """The largest lines at the head of the first page, if they are larger than the text."""
    lines = _head(sections)
    largest = max((line.height for line in lines), default=0.0)
    if largest < _TITLE * sections.body:
        return None
    first = next(number for number, line in enumerate(lines) if line.height > 0.97 * largest)
    chosen: list[Line] = []
    for line in lines[first:]:
        if line.height < 0.97 * largest:
            break
        chosen.append(line)
    words = tuple(word for line in chosen for word in line.words)
    return (text_of(words), words, _TRUST) if 2 <= len(words) <= 40 else None


def head_person(sections: Sections) -> Given | None:
    """The person whose name stands at the head of a document in large letters."""
    for line in _head(sections)[:4]:
        if line.height >= _NAME * sections.body and _is_person(line.text):
            return line.text, line.words, _TRUST
    return None


def authors(sections: Sections) -> list[Given]:
    """The names in the lines below the title, up to the first line that is none."""
    title = head_title(sections)
    if title is None:
        return []
    lines = _head(sections)
    last = max(number for number, line in enumerate(lines) if line.words[-1] in title[1])
    found: list[Given] = []
    for line in lines[last + 1 :]:
        names = list(_names(line.words))
        if not names or not all(_is_person(text) for text, _ in names):
            if found or len(line.words) > 14:
                break
            continue
        found += [(text, words, _TRUST) for text, words in names]
    return found


def asks_for_person(name: str, description: str) -> bool:
    """Whether a property asks for the name of the person whom the document is about."""
    words = set(words_of(name))
    return words in ({"full", "name"}, {"candidate", "name"}, {"applicant", "name"}) or (
        words == {"name"} and bool(re.search(r"\b(?:candidate|applicant|person)\b", description, re.IGNORECASE))
    )


def _head(sections: Sections) -> list[Line]:
    first = sections.lines[0].words[0].page if sections.lines else 1
    return [line for line in sections.lines[:_HEAD] if line.words[0].page == first]


def _is_person(text: str) -> bool:
    return bool(_PERSON.fullmatch(text)) and not _NO_PERSON.search(text) and 2 <= len(text.split()) <= 6


def _names(words: Sequence[Word]) -> Iterator[tuple[str, tuple[Word, ...]]]:
    """The parts of a line between commas, `and` and wide gaps, without marks of notes."""
    segments = layout(list(words), {}).rows[0].segments
    for segment in segments:
        part: list[Word] = []
        for word in [*segment.words, None]:
            ends = word is None or word.text in ("and", "&", ",", "†", "‡", "∗", "*")
            if word is not None and not ends:
                part.append(word)
                ends = word.text.rstrip("0123456789∗*†‡§¶").endswith((",", ";")) or word.text.endswith((",", ";"))
            text = re.sub(r"[\d∗*†‡§¶,;]+", "", text_of(part)).strip()
            if ends and text:
                yield text, tuple(part)
            if ends:
                part = []
