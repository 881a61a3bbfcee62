"""What is on a page: runs of words, rules, fills, drawings and pictures, all in points of the page as displayed.

MuPDF's own line boxes span the font's ascender and descender and overlap the lines next to them. Boxes here are tight:
from 0.75 of the type size above the baseline to 0.22 below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from docmill.extract.pdf.engine import EngineObject, pymupdf
from docmill.extract.pdf.places import Box, Word
from docmill.extract.pdf.rtl import as_read, is_rtl, text_from_right

_TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_COLLECT_VECTORS
_IMAGE_FLAGS = pymupdf.TEXT_PRESERVE_IMAGES | pymupdf.TEXT_MEDIABOX_CLIP
_ITALIC, _MONO, _BOLD = 2, 8, 16
_ASCENT, _DESCENT = 0.75, 0.22
_WIDE_GAP = 0.95  # of the type size: words further apart stand in different runs
_THIN = 3.0  # points: a filled box not thicker than this is a rule


_Styled = tuple[Word, dict[str, Any]]


class Rule(NamedTuple):
    """A horizontal or vertical line: at `at` across its direction, from `start` to `end` along it."""

    at: float
    start: float
    end: float


@dataclass(slots=True)
class Run:
    """Words of one line without a wide gap between them; also a whole line made of such runs."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    size: float
    bold: bool = False
    italic: bool = False
    mono: bool = False
    rtl: bool = False
    words: list[Word] = field(default_factory=list)
    confidence: float | None = None

    @property
    def box(self) -> Box:
        """The run's box."""
        return Box(self.x0, self.y0, self.x1, self.y1)


@dataclass(slots=True)
class Ink:
    """All marks of a page. `turned` are runs whose text does not run like that of most of the page.

    `colours` are those of `fills`.
    """

    width: float
    height: float
    runs: list[Run]
    turned: list[Run]
    h_rules: list[Rule]
    v_rules: list[Rule]
    fills: list[Box]
    drawings: list[Box]
    images: list[Box]
    unknown: int = 0
    characters: int = 0
    turn: Turned | None = None
    colours: dict[Box, int] = field(default_factory=dict)


def marks_outside(ink: Ink, boxes: Sequence[Box], margin: float = 0.0) -> Ink:
    """The page without the rules, fills and drawings whose middles lie in one of the boxes; its runs are all there."""
    return replace(
        ink,
        h_rules=[each for each in ink.h_rules if not is_in(Box(each.start, each.at, each.end, each.at), boxes, margin)],
        v_rules=[each for each in ink.v_rules if not is_in(Box(each.at, each.start, each.at, each.end), boxes, margin)],
        fills=[box for box in ink.fills if not is_in(box, boxes, margin)],
        drawings=[box for box in ink.drawings if not is_in(box, boxes, margin)],
    )


def is_in(mark: Box, boxes: Sequence[Box], margin: float = 0.0) -> bool:
    """Whether the middle of a mark lies in one of the boxes, or at most `margin` points beside it."""
    x, y = (mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2
    return any(box.x0 - margin <= x <= box.x1 + margin and box.y0 - margin <= y <= box.y1 + margin for box in boxes)


class Turned(Protocol):
    """How the readable page lies in the page as displayed."""

    def upright(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box of the page as displayed in the readable page."""

    def displayed(self, box: Box) -> Box:
        """The inverse of `upright`."""


class Turn(NamedTuple):
    """A quarter turn applied to a page whose text does not run from left to right: `direction` of text as displayed."""

    direction: tuple[int, int]
    width: float
    height: float

    def upright(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box of the page as displayed in the turned, readable page."""
        if self.direction == (0, -1):
            return Box(self.height - y1, x0, self.height - y0, x1)
        if self.direction == (0, 1):
            return Box(y0, self.width - x1, y1, self.width - x0)
        return Box(self.width - x1, self.height - y1, self.width - x0, self.height - y0)

    def displayed(self, box: Box) -> Box:
        """The inverse of `upright`."""
        x0, y0, x1, y1 = box
        if self.direction == (0, -1):
            return Box(y0, self.height - x1, y1, self.height - x0)
        if self.direction == (0, 1):
            return Box(self.width - y1, x0, self.width - y0, x1)
        return Box(self.width - x1, self.height - y1, self.width - x0, self.height - y0)


def read_ink(display_list: EngineObject) -> Ink:
    """The marks of a page, from its display list."""
    page = pymupdf.TextPage(display_list.get_textpage(_TEXT_FLAGS))
    blocks = page.extractDICT()["blocks"]
    rect = display_list.rect
    ink = Ink(rect.width, rect.height, [], [], [], [], [], [], [])
    ink.images = _image_boxes(display_list, ink)
    direction = _main_direction(blocks)
    place: Callable[[float, float, float, float], Box] = Box
    if direction != (1, 0):
        ink.turn = Turn(direction, ink.width, ink.height)
        place = ink.turn.upright
        ink.images = [place(*box) for box in ink.images]
        if direction[0] == 0:
            ink.width, ink.height = ink.height, ink.width
    _add_runs(ink, blocks, page.extractWORDS(), direction, place)
    _add_shapes(ink, [block for block in blocks if block["type"] == 3], place)
    return ink


def _image_boxes(display_list: EngineObject, ink: Ink) -> list[Box]:
    """The boxes of the page's pictures, cut to the page."""
    page = pymupdf.TextPage(display_list.get_textpage(_IMAGE_FLAGS))
    boxes = []
    for info in page.extractIMGINFO():
        x0, y0, x1, y1 = info["bbox"]
        box = Box(max(x0, 0.0), max(y0, 0.0), min(x1, ink.width), min(y1, ink.height))
        if box.x1 > box.x0 and box.y1 > box.y0:
            boxes.append(box)
    return boxes


def _quarter(direction: Sequence[float]) -> tuple[int, int]:
    """The nearest of the four directions along the axes; slanted text counts as from left to right."""
    dx, dy = round(direction[0], 2), round(direction[1], 2)
    if abs(dy) > 0.98:
        return (0, 1) if dy > 0 else (0, -1)
    return (-1, 0) if dx < -0.98 else (1, 0)


def _main_direction(blocks: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """The direction that most characters run in."""
    counts: dict[tuple[int, int], int] = {}
    for block in blocks:
        if block["type"] == 0:
            for line in block["lines"]:
                key = (1, 0) if line["dir"] == (1.0, 0.0) else _quarter(line["dir"])
                counts[key] = counts.get(key, 0) + sum(len(span["text"].strip()) for span in line["spans"])
    return max(counts, key=lambda key: (counts[key], key)) if counts else (1, 0)


def _add_runs(
    ink: Ink,
    blocks: Iterable[dict[str, Any]],
    words: Iterable[tuple[Any, ...]],
    direction: tuple[int, int],
    place: Callable[[float, float, float, float], Box],
) -> None:
    """Fills `runs` and `turned`. The engine numbers text blocks only, in the order of the dictionary."""
    by_line: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
    for word in words:
        by_line.setdefault((word[5], word[6]), []).append(word)
    number = -1
    blocks = [block for block in blocks if block["type"] == 0]
    everything = "".join(span["text"] for block in blocks for line in block["lines"] for span in line["spans"])
    from_right = not everything.isascii() and is_rtl(everything)
    for block in blocks:
        number += 1
        for index, line in enumerate(block["lines"]):
            found = by_line.get((number, index))
            if not found:
                continue
            own = line["dir"]
            if own == (1.0, 0.0) and direction == (1, 0):
                ink.runs += _runs_of_line(line["spans"], found, Box, ink, from_right)
            elif _quarter(own) == direction:
                ink.runs += _runs_of_line(line["spans"], found, place, ink, from_right)
            else:
                ink.turned.append(_turned_run(line, found, place))


def _runs_of_line(
    spans: list[dict[str, Any]],
    words: list[tuple[Any, ...]],
    place: Callable[[float, float, float, float], Box],
    ink: Ink,
    from_right: bool,
) -> list[Run]:
    """The runs of one line: split where the gap is wide or, in fact, where columns of a table stand close.

    `from_right` says that most of the page is, and so lines that have no letters.
    """
    main = spans[0]
    if len(spans) > 1:
        main = max(spans, key=lambda span: (span["size"] * min(len(span["text"].strip()), 3), -span["origin"][0]))
    size = main["size"] or 1.0
    x, y = main["origin"]
    base = place(x, y, x, y).y0
    top, bottom = base - _ASCENT * size, base + _DESCENT * size
    groups: list[list[_Styled]] = []
    whole = "".join(span["text"] for span in spans)
    rtl = is_rtl(whole) if not whole.isascii() else from_right and not any(map(str.isalpha, whole))
    if place is not Box:
        words = [(*place(*raw[:4]), raw[4]) for raw in words]
    ends = [Word(raw[0], top, raw[2], bottom, raw[4]) for raw in words]
    placed: list[_Styled] = list(zip(ends, _styles(spans, words), strict=True))
    if rtl:
        placed.sort(key=lambda each: -each[0].x1)
    last: Word | None = None
    for word, style in placed:
        gap = 0.0 if last is None else (last.x0 - word.x1 if rtl else word.x0 - last.x1)
        if last is None or gap > _WIDE_GAP * size or gap < -3 * size:
            groups.append([(word, style)])
        else:
            groups[-1].append((word, style))
        last = word
    runs = []
    for group in groups:
        run = _run([word for word, _ in group], [style for _, style in group], size, rtl)
        if rtl:
            run.words = as_read(run.words)
            run.text = text_from_right(run.words, size)
        runs.append(run)
    if len(runs) == 1 and len(words) > 1 and not rtl:
        runs[0].text = " ".join(whole.split())  # the engine parts words where the font changes, without a space
    for run in runs:
        ink.characters += len(run.text)
        if not run.text.isascii() or not run.text.isprintable():
            ink.unknown += sum(_is_unknown(char) for char in run.text)
    return runs


def _is_unknown(char: str) -> bool:
    """True for the replacement character, control characters and private use: glyphs without a known meaning."""
    return char == "\ufffd" or char < " " or "\x7f" <= char <= "\x9f" or "\ue000" <= char <= "\uf8ff"


def _styles(spans: list[dict[str, Any]], words: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The span that each word begins in."""
    if len(spans) == 1:
        return spans * len(words)
    ends, total = [], 0
    for span in spans:
        total += len("".join(span["text"].replace("\xa0", " ").split()))
        ends.append(total)
    styles, at, index = [], 0, 0
    for word in words:
        while index < len(spans) - 1 and at >= ends[index]:
            index += 1
        styles.append(spans[index])
        at += len(word[4])
    return styles


def _is_bold(span: dict[str, Any]) -> bool:
    """True by the font's flag or its name: many embedded fonts carry only the name."""
    if span["flags"] & _BOLD:
        return True
    name = span["font"].lower()
    return any(part in name for part in ("bold", "black", "heavy", "demi", "-semib"))


def _run(words: list[Word], styles: list[dict[str, Any]], size: float, rtl: bool) -> Run:
    """A run of words with the style of most of its characters."""
    first = styles[0]
    if all(style is first for style in styles):
        bold, flags = _is_bold(first), first["flags"]
        size = first["size"] if first["size"] > 0.6 * size else size
        italic, mono = bool(flags & _ITALIC), bool(flags & _MONO)
    else:
        lengths = [len(word.text) for word in words]
        total = sum(lengths) or 1
        pairs = list(zip(lengths, styles, strict=False))
        bold = sum(n for n, style in pairs if _is_bold(style)) > 0.7 * total
        italic = sum(n for n, style in pairs if style["flags"] & _ITALIC) > 0.7 * total
        mono = sum(n for n, style in pairs if style["flags"] & _MONO) > 0.7 * total
    return Run(
        min(word.x0 for word in words),
        words[0].y0,
        max(word.x1 for word in words),
        words[0].y1,
        " ".join(word.text for word in words),
        size,
        bold,
        italic,
        mono,
        rtl,
        words,
    )


def _turned_run(
    line: dict[str, Any], words: list[tuple[Any, ...]], place: Callable[[float, float, float, float], Box]
) -> Run:
    """A run for a line that does not run like the page's text; its box is the line's own."""
    box = place(*line["bbox"])
    return Run(*box, " ".join(word[4] for word in words), line["spans"][0]["size"])


def _add_shapes(
    ink: Ink, vectors: Iterable[dict[str, Any]], place: Callable[[float, float, float, float], Box]
) -> None:
    """Sorts vector boxes into rules, fills (shaded areas) and drawings (anything that is not a rectangle)."""
    horizontal: list[Rule] = []
    vertical: list[Rule] = []
    for vector in vectors:
        box = place(*vector["bbox"])
        width, height = box.x1 - box.x0, box.y1 - box.y0
        if height <= _THIN and width >= max(4.0, 2 * height):
            horizontal.append(Rule((box.y0 + box.y1) / 2, box.x0, box.x1))
        elif width <= _THIN and height >= max(4.0, 2 * width):
            vertical.append(Rule((box.x0 + box.x1) / 2, box.y0, box.y1))
        elif vector["isrect"] and vector["stroked"]:
            horizontal += [Rule(box.y0 + 0.3, box.x0, box.x1), Rule(box.y1 - 0.3, box.x0, box.x1)]
            vertical += [Rule(box.x0 + 0.3, box.y0, box.y1), Rule(box.x1 - 0.3, box.y0, box.y1)]
        elif vector["isrect"]:
            if vector["color"] & 0xFFFFFF != 0xFFFFFF and width > _THIN and height > _THIN:
                ink.fills.append(box)
                ink.colours[box] = vector["color"]
        else:
            ink.drawings.append(box)
    ink.h_rules, ink.v_rules = merge_rules(horizontal), merge_rules(vertical)


def merge_rules(rules: Iterable[Rule]) -> list[Rule]:
    """Rules with collinear pieces (within 1.5 points) joined, in order of position."""
    rows: list[list[Rule]] = []
    for rule in sorted(rules):
        if rows and rule.at - rows[-1][0].at <= 1.5:
            rows[-1].append(rule)
        else:
            rows.append([rule])
    merged: list[Rule] = []
    for row in rows:
        at = sum(rule.at for rule in row) / len(row)
        pieces = sorted((rule.start, rule.end) for rule in row)
        start, end = pieces[0]
        for first, last in pieces[1:]:
            if first <= end + 2.5:
                end = max(end, last)
            else:
                merged.append(Rule(at, start, end))
                start, end = first, last
        merged.append(Rule(at, start, end))
    return merged
