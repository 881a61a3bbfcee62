"""The entries of a section: positions and degrees with their dates, works with authors, year and title, plain items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docmill.models import Scalar
from docmill.structured.dates import PARTIAL_DATE
from docmill.structured.fields import Candidate, Chosen
from docmill.structured.reading import spanned, text_of
from docmill.structured.schema import Node
from docmill.structured.sections import Section, Sections
from docmill.structured.targets import words_of
from docmill.structured.words import Word

_DAY = PARTIAL_DATE.pattern
_NOW = r"present|current|now|today|ongoing"
_RANGE = re.compile(
    rf"(?<![\w/])(?P<start>{_DAY})\s*(?:[–—-]|to|until)\s*(?P<end>{_DAY}|{_NOW})(?![\w/])", re.IGNORECASE
)
_SPLIT = re.compile(r"\s+[|•·]\s+|\s+[–—]\s+|\t")
_JOINING = {"and", "or", "und", "oder", "et", "ou", "y", "o", "e", "og", "en", "of"}
"""Words that stand between the last two items of a list, and are none."""
_MARKER = re.compile(r"^(?:[•·▪●◦‣*\uf020-\uf0ff–-]|\[\d{1,3}\]|\d{1,3}\.)\s*")
_AUTHOR_YEAR = re.compile(
    r"^(?P<authors>[A-Z][^()]{2,300}?)\s*\((?P<year>(?:19|20)\d\d)[a-z]?\)[.,:]?\s*"
    r"(?:[\"“](?P<quoted>[^\"”]{8,300})[\"”]|\*(?P<starred>[^*]{8,300})\*|(?P<title>[^.?!]{8,300}(?:[?!](?=\s)|(?=\.))))"
    r"[.,]?\s*(?P<venue>[^.,\d(]{3,120})?"
)
_STARTS, _ENDS = {"start", "from", "begin"}, {"end", "to", "until"}
_PLACES = {"employer", "company", "institution", "organization", "organisation", "school", "university", "workplace"}
_TITLES = {"title", "position", "role", "degree", "qualification", "job"}
_TEXTS = {"description", "details", "responsibilities", "summary", "notes"}
_WORKS = {"venue", "publisher", "journal", "publication", "booktitle"}
_TRUST = 0.8


@dataclass(frozen=True)
class Dated:
    """A position or degree: its title, its place and dates, and what is said about it."""

    title: tuple[Word, ...]
    head: tuple[Word, ...]
    rest: tuple[Word, ...]


def asks_for_dated(items: Node) -> bool:
    """Whether the items of an array begin and end."""
    names = [set(words_of(leaf.name)) for leaf in items.leaves()]
    return any(each & _STARTS for each in names) and any(each & _ENDS for each in names)


def asks_for_works(items: Node) -> bool:
    """Whether the items of an array are works with a title and a year."""
    names = {word for leaf in items.leaves() for word in words_of(leaf.name)}
    return {"title", "year"} <= names


def entries(node: Node, sections: Sections) -> list[dict[str, Chosen]]:
    """The items of an array of objects by the section whose heading means it."""
    items = node.items
    assert items is not None
    found: list[dict[str, Chosen]] = []
    for section in sections.named(node):
        if asks_for_dated(items):
            found += [_dated(items, each, section.title) for each in dated(_pieces(section))]
        elif asks_for_works(items):
            found += [each for words in section.paragraphs if (each := _work(items, words, section.title))]
    return [each for each in found if len(each) > 1]


def _pieces(section: Section) -> list[tuple[Word, ...]]:
    """The paragraphs, or the lines where a paragraph holds several entries."""
    crowded = any(len(_RANGE.findall(text_of(words))) > 1 for words in section.paragraphs)
    return [line.words for line in section.lines] if crowded else section.paragraphs


def plain_items(node: Node, sections: Sections) -> list[Chosen]:
    """The items of an array of texts by the section whose heading means it: its marked or separate entries."""
    found = []
    for section in sections.named(node):
        for words in section.paragraphs:
            kept = _unmarked(words)
            parts = [(text_of(part).strip(" ,;|"), part) for part in _separate(kept)]
            found += [_chosen(text, part, section.title) for text, part in parts if text.casefold() not in _JOINING]
    return found


def _separate(words: tuple[Word, ...]) -> list[tuple[Word, ...]]:
    """The parts of a list that is written in one line: apart by bars, bullets or semicolons."""
    text, position, found = text_of(words), 0, []
    for match in [*re.finditer(r"\s+[|•·]\s+|;\s+", text), None]:
        end = match.start() if match else len(text)
        if re.search(r"[^\W_]", text[position:end]):
            found.append(spanned(words, position, end))
        position = match.end() if match else end
    return found


def dated(paragraphs: Sequence[tuple[Word, ...]]) -> list[Dated]:
    """The paragraphs by their date ranges: each with the title before it and what follows up to the next title."""
    marks = [number for number, words in enumerate(paragraphs) if _RANGE.search(text_of(words)) and _short(words)]
    starts = []
    for position, number in enumerate(marks):
        before = number - 1
        free = before >= 0 and (position == 0 or before > marks[position - 1])
        starts.append(before if free and _is_title(paragraphs[before]) else number)
    found = []
    for position, number in enumerate(marks):
        title = paragraphs[starts[position]] if starts[position] < number else ()
        stop = starts[position + 1] if position + 1 < len(starts) else len(paragraphs)
        below = list(paragraphs[number + 1 : stop])
        while below and text_of(below[-1]).rstrip().endswith(":"):
            below.pop()  # it heads what follows
        rest = tuple(word for each in below for word in each)
        found.append(Dated(_unmarked(title), _unmarked(paragraphs[number]), _unmarked(rest)))
    return found


def _short(words: Sequence[Word]) -> bool:
    return len(words) <= 30


def _is_title(words: Sequence[Word]) -> bool:
    text = text_of(words)
    return len(words) <= 12 and not text.rstrip().endswith((".", ":")) and text[:1].isupper()


def _dated(items: Node, entry: Dated, heading: str) -> dict[str, Chosen]:
    head = text_of(entry.head)
    match = _RANGE.search(head)
    assert match is not None
    parts = _parts(entry.head, head, match)
    title = entry.title or (parts.pop(0) if len(parts) > 1 else ())
    place = parts[0] if parts else ()
    now = bool(re.fullmatch(_NOW, match["end"], re.IGNORECASE))
    start = spanned(entry.head, match.start("start"), match.end("start"))
    end = spanned(entry.head, match.start("end"), match.end("end"))
    found: dict[str, Chosen] = {}
    for leaf in items.leaves():
        names = set(words_of(leaf.name))
        if names & _STARTS:
            found[leaf.path] = _chosen(match["start"], start, heading)
        elif names & _ENDS and not now:
            found[leaf.path] = _chosen(match["end"], end, heading)
        elif leaf.kind == "boolean" and "current" in names:
            found[leaf.path] = _chosen(now, end, heading)
        elif names & _PLACES and place:
            found[leaf.path] = _chosen(text_of(place).strip(" ,|"), place, heading)
        elif names & _TITLES and title:
            found[leaf.path] = _chosen(text_of(title).strip(" ,|"), title, heading)
        elif names & _TEXTS and entry.rest:
            found[leaf.path] = _chosen(text_of(entry.rest), entry.rest, heading)
    return found


def _parts(words: tuple[Word, ...], text: str, dates: re.Match[str]) -> list[tuple[Word, ...]]:
    """The parts of the line with the dates: what stands between bars and dashes, without the dates."""
    found, position = [], 0
    for match in [*_SPLIT.finditer(text), None]:
        end = match.start() if match else len(text)
        if end <= dates.start() and text[position:end].strip(" ,(|"):
            found.append(spanned(words, position, end))
        elif position < dates.start() < end and text[position : dates.start()].strip(" ,(|–—-"):
            found.append(spanned(words, position, dates.start()))
        position = match.end() if match else end
    return [each for each in found if any(word.text.strip(" ,(|") for word in each)]


def _work(items: Node, words: tuple[Word, ...], heading: str) -> dict[str, Chosen]:
    """Authors, year, title and venue of a work that is written as `Authors (Year). Title. Venue`."""
    kept = _unmarked(words)
    text = text_of(kept)
    match = _AUTHOR_YEAR.match(text)
    if match is None:
        return {}
    name = next(each for each in ("quoted", "starred", "title") if match[each])
    spans = {"year": match.span("year"), "title": match.span(name)}
    spans |= {"venue": match.span("venue")} if match["venue"] else {}
    spans["authors"] = match.span("authors")
    found: dict[str, Chosen] = {}
    for leaf in items.leaves():
        names = set(words_of(leaf.name))
        key = "venue" if names & _WORKS else next((each for each in spans if each in names), "")
        if key in spans:
            start, end = spans[key]
            said = re.sub(r"(?<=[a-z])- (?=[a-z])", "", text[start:end].strip(" ,;.*"))
            value: Scalar = int(said) if leaf.kind == "integer" and said.isdigit() else said
            found[leaf.path] = _chosen(value, spanned(kept, start, end), heading)
    return found


def _unmarked(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words behind a bullet or a number."""
    first = _MARKER.match(f"{words[0].text} ") if words else None
    return words[1:] if first is not None and first.end() > len(words[0].text) else words


def _chosen(value: Scalar, words: tuple[Word, ...], label: str) -> Chosen:
    return Chosen(Candidate(value, words, _TRUST, label), 0.0, _TRUST)
