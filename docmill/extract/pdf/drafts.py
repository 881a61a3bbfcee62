"""Lines made into paragraphs, titles, list items, captions, footnotes and code of one page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from docmill.extract.pdf.ink import Run
from docmill.extract.pdf.lines import around, join_lines, leading
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.rtl import with_brackets
from docmill.models import ElementType, Link, Region, Scalar, Table

BULLET = re.compile(r"[•◦▪‣·∙○●■□➢➤✓✔❖◆►▶\uf0b7\uf0a7]\s*|[-–—*]\s+")
NUMBERED = re.compile(r"(\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\(?[ivxIVX]{1,5}[.)])\s+\S")
SECTION = re.compile(
    r"((?:chapter|part|section|appendix|annex)\s+[\divxlca-z]+\b|\d{1,2}(?:\.\d{1,2}){0,4}\.?\s+)", re.I
)
CAPTION = re.compile(
    r"(figure|fig|table|chart|exhibit|scheme|plate|map|graph|diagram|illustration|photo|box|abbildung|abb|tabelle|"
    r"tableau|tabla|figura)\.?\s*(\d+|[A-Z]\b|[IVX]+\b)([.\-–]\d+)*[a-z]?\s*([.:|–—-]|\s|$)",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"(?:(?:\. ?){3,}|…)\s*(?:\d{1,4}|[ivxlc]+)$")  # of a table of contents
_FOOTNOTE = re.compile(r"(\d{1,3}|[*†‡§¶]+|[a-z])[\s).\]]?\s*\S")
_RELATION = re.compile(r"[\w)\]|′'²³]\s*[=≈≠≤≥≡∝→∈<>]\s*[\w(\[|√∑∏∫−+-]|[∑∏∫√]\s*[\w(]")
_FUNCTIONS = re.compile(
    "sin|cos|tan|cot|sec|csc|sinh|cosh|tanh|arcsin|arccos|arctan|log|exp|max|min|lim|sup|inf|mod|det|deg|dim|ker|gcd|"
    "sqrt|rank|grad|argmin|argmax"
)
_COUNTED = re.compile(r"(\d{1,3})([.)])\s+\S")
_CODE_SIGNS = re.compile(r"[{}=<>]|;$|\w\(|:$")
_COMMAND = re.compile(r"[$>#%]\s+\S|\w+\(.*\)|.*[;{}]$")
_SENTENCE_END = (".", ",", ";")


@dataclass(slots=True)
class Draft:
    """An element before the document as a whole is known. `box` is in points of the readable page.

    `doubt` says why a table may not be read right without a model. `kind` is that of a
    chart, `sure` how sure (0 to 1) its data is. `facts` become the element's metadata.
    """

    type: ElementType
    text: str
    box: Box
    lines: list[Run] = field(default_factory=list)
    level: int | None = None
    table: Table | None = None
    links: tuple[Link, ...] = ()
    kind: str = ""
    sure: float | None = None
    doubt: str = ""
    continued: tuple[Region, ...] = ()
    facts: dict[str, Scalar] = field(default_factory=dict)

    @property
    def size(self) -> float:
        """The type size of most of its lines; 0 without lines."""
        return median(line.size for line in self.lines) if self.lines else 0.0

    @property
    def bold(self) -> bool:
        """True if all its lines are bold."""
        return bool(self.lines) and all(line.bold for line in self.lines)


@dataclass(frozen=True, slots=True)
class BodyStyle:
    """What the running text of a document looks like: type size in points, whether it is bold or a typewriter's."""

    size: float
    bold: bool
    mono: bool = False


def body_style(runs: Sequence[Run]) -> BodyStyle:
    """The type size that most characters have, and whether most of them are bold, or of a typewriter's font."""
    counts: dict[float, int] = {}
    bold = mono = total = 0
    for run in runs:
        key = round(run.size * 2) / 2
        counts[key] = counts.get(key, 0) + len(run.text)
        bold += len(run.text) if run.bold else 0
        mono += len(run.text) if run.mono else 0
        total += len(run.text)
    if not counts:
        return BodyStyle(10.0, False)
    return BodyStyle(max(counts, key=lambda key: (counts[key], key)), 2 * bold > total, 2 * mono > total)


def paragraphs(lines: Sequence[Run]) -> list[list[Run]]:
    """The lines of a column grouped into paragraphs."""
    if not lines:
        return []
    if 2 * sum(line.rtl for line in lines) > len(lines) and lines[0].x0 >= 0:
        mirrored = [replace(line, x0=-line.x1, x1=-line.x0) for line in lines]
        own = {id(image): line for image, line in zip(mirrored, lines, strict=True)}
        return [[own[id(image)] for image in group] for group in paragraphs(mirrored)]
    usual = leading(lines)
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    groups = [[lines[0]]]
    for before, line in pairwise(lines):
        if _breaks(before, line, groups[-1], usual, left, right):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _breaks(before: Run, line: Run, group: Sequence[Run], usual: float, left: float, right: float) -> bool:
    """True if `line` begins a paragraph."""
    size = max(before.size, line.size)
    gap = line.y1 - before.y1
    own = group[-1].y1 - group[-2].y1 if len(group) > 1 else min(usual, 1.6 * size)
    if gap > 1.25 * own + 0.1 * size or gap > 2.4 * size or gap < 0.2 * size:
        return True
    ratio = line.size / before.size if before.size else 1.0
    if not 0.88 < ratio < 1.14 or (before.bold != line.bold and min(len(before.text), len(line.text)) > 2):
        return True
    if before.mono and line.mono:
        return False
    if starts_item(line.text):
        return not (NUMBERED.match(line.text) and before.x1 > right - 2 * size and abs(before.x0 - line.x0) < 1)
    if _are_entries(before.text, line.text):
        return True
    if len(group) > 1:
        left, right = min(each.x0 for each in group), max(each.x1 for each in group)
    width = right - left
    hanging = bool(starts_item(group[0].text))
    indented = line.x0 - before.x0 > 0.8 * size and not hanging and before.x0 - left < 0.5 * width
    if indented and abs((line.x0 + line.x1) - (before.x0 + before.x1)) > size:
        return not (len(group) == 1 and len(lines_words(group)) < 3)
    outdented = len(group) > 1 and not hanging and group[-1].x0 - line.x0 > 0.8 * size
    if outdented and abs((line.x0 + line.x1) - (before.x0 + before.x1)) > size and len(group) > 2:
        return True
    return before.x1 < right - 0.3 * width and before.text.endswith((".", "!", "?", ":")) and len(group) > 1


def _are_entries(before: str, text: str) -> bool:
    """True for two entries of a table of contents: both end with leaders and a page number."""
    return bool(_ENTRY.search(before) and _ENTRY.search(text))


def lines_words(lines: Sequence[Run]) -> list[str]:
    """The words of some lines."""
    return [word for line in lines for word in line.text.split()]


def starts_item(text: str) -> bool:
    """True if the text begins with a bullet or a number of a list."""
    return bool(BULLET.match(text) or NUMBERED.match(text))


def draft_lines(lines: Sequence[Run], body: BodyStyle, page_height: float) -> list[Draft]:
    """The elements that the lines of one column make, before titles are compared over the document."""
    groups = paragraphs(lines)
    drafts = []
    for index, group in enumerate(groups):
        above = group[0].y0 - groups[index - 1][-1].y1 if index else 99.0
        below = groups[index + 1][0].y0 - group[-1].y1 if index + 1 < len(groups) else 99.0
        text = join_lines([line.text for line in group])
        if any(line.rtl for line in group):
            text = with_brackets(text)
        if not text.strip():
            continue
        after = sum(len(line.text) for line in groups[index + 1]) if index + 1 < len(groups) else 0
        kind = _kind(group, text, body, Around(above, below, after), page_height)
        if kind is ElementType.CODE:
            text = _code_text(group)
        level = _list_level(group[0], lines) if kind is ElementType.LIST_ITEM else None
        drafts.append(Draft(kind, text, around(group), list(group), level))
    _settle_items(drafts, lines)
    return drafts


def _kind(group: Sequence[Run], text: str, body: BodyStyle, near: Around, page_height: float) -> ElementType:
    """What the paragraph is by its own looks."""
    if CAPTION.match(text) and len(text) < 600 and not _runs_on(text):
        return ElementType.CAPTION
    if is_title(group, text, body, near):
        return ElementType.TITLE
    size = median(line.size for line in group)
    if size < 0.93 * body.size and group[0].y0 > 0.5 * page_height and _FOOTNOTE.match(text) and len(text) > 12:
        return ElementType.FOOTNOTE
    if starts_item(text):
        return ElementType.LIST_ITEM
    if all(line.mono for line in group) and _is_code(group, text, body):
        return ElementType.CODE
    return ElementType.FORMULA if _is_formula(text) else ElementType.TEXT


def _is_formula(text: str) -> bool:
    """True for a relation or a sum without words: names of functions aside, none has more than two letters."""
    if len(text) > 160 or not _RELATION.search(text):
        return False
    words = [word.lower() for word in re.findall(r"[^\W\d_]{3,}", text)]
    return all(_FUNCTIONS.fullmatch(word) for word in words) and bool(re.search(r"[^\W\d_]", text))


def _is_code(group: Sequence[Run], text: str, body: BodyStyle) -> bool:
    """True for lines of a typewriter's font; where the text is set in one, half of them must hold signs of code."""
    if body.mono:
        return len(group) > 1 and 2 * sum(bool(_CODE_SIGNS.search(line.text)) for line in group) >= len(group)
    return len(group) > 1 or bool(_COMMAND.match(text))


def _runs_on(text: str) -> bool:
    """True for a sentence that only begins like a caption ("Table 3 shows ...")."""
    return bool(
        re.match(
            r"\w+\.?\s*[\dA-Z.\-–]+[a-z]?\s+(shows?|presents?|lists?|gives?|provides?|summari[sz]es?|illustrates?|depicts?|"
            r"displays?|reports?|contains?|describes?|is|are|was|were|can|and|to|in|for|of|we|below|above)\b",
            text,
        )
    )


@dataclass(frozen=True, slots=True)
class Around:
    """What stands above and below a paragraph: gaps in points, and the characters of the paragraph below."""

    above: float
    below: float
    next_length: int


def is_title(group: Sequence[Run], text: str, body: BodyStyle, near: Around) -> bool:
    """True for few, short lines set apart by size, weight, capitals or a section number, or by standing alone."""
    letters = [char for char in text if char.isalpha()]
    if len(group) > 4 or len(text) > 220 or len(letters) < 3 or len(letters) < 0.45 * len(text.replace(" ", "")):
        return False
    size = median(line.size for line in group)
    large = size >= 1.17 * body.size
    words = len(text.split())
    if BULLET.match(text) or (text.endswith(_SENTENCE_END) and not (large and words < 12) and not text[0].isdigit()):
        return False
    if large:
        return True
    apart = near.above > 0.35 * size
    if all(line.bold for line in group) and not body.bold and size >= 0.66 * body.size:
        return words <= 25 and apart
    if size < 0.7 * body.size or len(group) > 2 or not apart or near.below <= 0.35 * size:
        return False
    if text == text.upper() and len(letters) > 4 and words <= 14:
        return True
    if SECTION.match(text) and words <= 12 and not text.endswith((".", ":")):
        return True
    return _stands_alone(group, text, words, size, body, near)


def _stands_alone(group: Sequence[Run], text: str, words: int, size: float, body: BodyStyle, near: Around) -> bool:
    """True for a short capitalised line with white space around it right over a paragraph of running text."""
    return (
        len(group) == 1
        and words <= 8
        and text[0].isupper()
        and text[-1].isalnum()
        and not any(char.isdigit() for char in text)
        and size >= 0.85 * body.size
        and near.above > 0.9 * size
        and 0.35 * size < near.below < 3 * size
        and near.next_length > 120
    )


def _list_level(first: Run, lines: Sequence[Run]) -> int:
    """The nesting of a list item, from 1: how many indents (of list items in this column) lie before its own."""
    starts: list[float] = []
    for line in sorted(lines, key=_start):
        if starts_item(line.text) and (not starts or _start(line) - starts[-1] > 0.7 * line.size):
            starts.append(_start(line))
    return min(max(sum(start <= _start(first) + 0.5 * first.size for start in starts), 1), 6)


def _start(line: Run) -> float:
    """Where the line begins, growing in the direction in which it is read."""
    return -line.x1 if line.rtl else line.x0


def _settle_items(drafts: Sequence[Draft], lines: Sequence[Run]) -> None:
    """Titles with plain numbers that only count on from each other, or from a list's items, are items of a list."""
    last: list[Draft] = []  # the numbered lines since the last text, at most one for each indent
    for draft in drafts:
        own = _COUNTED.match(draft.text)
        if draft.type not in (ElementType.LIST_ITEM, ElementType.TITLE):
            last = []
        if not own or draft.type not in (ElementType.LIST_ITEM, ElementType.TITLE):
            continue
        before = next((each for each in last if _alike(each, draft)), None)
        other = _COUNTED.match(before.text) if before else None
        if before and other and own[2] == other[2] and int(own[1]) == int(other[1]) + 1:
            for each in (before, draft):
                if each.type is ElementType.TITLE:
                    each.type, each.level = ElementType.LIST_ITEM, _list_level(each.lines[0], lines)
        last = [draft, *(each for each in last if each is not before)]


def _alike(one: Draft, other: Draft) -> bool:
    """True if both begin at the same x and are set in the same type, and not in bold."""
    near = abs(_start(one.lines[0]) - _start(other.lines[0])) < one.size
    return near and abs(one.size - other.size) < 0.06 * one.size and not one.bold and not other.bold


def _code_text(group: Sequence[Run]) -> str:
    """The lines of a listing with the spaces that they are indented by."""
    width = median((line.x1 - line.x0) / max(len(line.text), 1) for line in group)
    left = min(line.x0 for line in group)
    return "\n".join(" " * round((line.x0 - left) / max(width, 1.0)) + line.text for line in group)
