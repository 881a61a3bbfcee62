"""Pages without a usable text layer: when OCR is needed, and its lines turned into runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docmill.extract.ocr import Recognised
from docmill.extract.pdf.engine import EngineObject, pymupdf
from docmill.extract.pdf.figures import area
from docmill.extract.pdf.ink import Box, Ink, Run, Word
from docmill.extract.upright import Upright
from docmill.models import BBox, Line

PageOcr = Callable[[bytes], Recognised]

_FEW = 24  # characters: a page with fewer has next to no text layer
_COVERED = 0.3  # of the page
_GARBAGE = 0.3  # of the characters


def is_garbage(ink: Ink) -> bool:
    """True if many of the text layer's characters stand for glyphs without a known meaning."""
    return ink.unknown > _GARBAGE * max(ink.characters, 1)


def why_ocr(ink: Ink) -> str:
    """Why the page's text layer cannot be used, "" if it can or if there is nothing to recognise."""
    if is_garbage(ink):
        return "the text layer is garbage (glyphs without meaning)"
    if ink.characters < _FEW:
        page = ink.width * ink.height
        covered = sum(area(box) for box in [*ink.images, *ink.drawings])
        if covered >= _COVERED * page:
            return "no text layer" if ink.characters == 0 else "next to no text layer"
    return ""


def engine_name(ocr: PageOcr) -> str:
    """What `method` names: the callable's attribute `engine` if it has one, else its own name."""
    return str(getattr(ocr, "engine", None) or getattr(ocr, "__name__", type(ocr).__name__))


@dataclass(frozen=True)
class Tilt:
    """The turn of a scanned page, of any angle; `displayed` and `upright` are those of `ink.Turn`."""

    page: Upright

    def displayed(self, box: Box) -> Box:
        """The smallest box of the page as displayed around a box of the readable page."""
        shown = self.page.shown_box(BBox(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1))
        return Box(shown.x0, shown.y0, shown.x1, shown.y1)

    def upright(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """The smallest box of the readable page around a box of the page as displayed."""
        points = [self.page.read(x, y) for x in (x0, x1) for y in (y0, y1)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return Box(min(xs), min(ys), max(xs), max(ys))


def recognise(display_list: EngineObject, ink: Ink, ocr: PageOcr, dpi: int) -> str:
    """Replaces the page's runs by what OCR reads on its picture, rendered at `dpi`; other marks are turned with it.

    Returns how the page was turned, "" where it stands upright.
    """
    scale = dpi / 72
    picture = display_list.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=0)
    found = ocr(picture.tobytes("png"))
    upright = found.upright.scaled(1 / scale)
    if ink.turn is not None or upright.is_turned:
        _turn_marks(ink, upright)
    ink.turned = []
    ink.runs = runs_of_lines(found.lines, 1 / scale, found.words)
    ink.characters, ink.unknown = sum(len(run.text) for run in ink.runs), 0
    return upright.note


def _turn_marks(ink: Ink, upright: Upright) -> None:
    """The page's pictures stand as on the page that OCR read; drawn rules are left out, for they do not stand so."""
    shown = [ink.turn.displayed(box) if ink.turn else box for box in ink.images]
    tilt = Tilt(upright)
    ink.width, ink.height = upright.size
    ink.images = [tilt.upright(*box) for box in shown]
    ink.h_rules, ink.v_rules, ink.fills, ink.drawings = [], [], [], []
    ink.turn = tilt if upright.is_turned else None


def runs_of_lines(
    lines: Sequence[Line], scale: float, words: Sequence[Sequence[tuple[float, float]]] = ()
) -> list[Run]:
    """Runs in page points from lines in pixels.

    `words` are the ends of each line's words in pixels; where they are not known, words share a line's width by their
    length.
    """
    runs = []
    for index, line in enumerate(lines):
        texts = line.text.split()
        if not texts:
            continue
        x0, y0, x1, y1 = (value * scale for value in (line.bbox.x0, line.bbox.y0, line.bbox.x1, line.bbox.y1))
        known = [(start * scale, end * scale) for start, end in words[index]] if index < len(words) else []
        ends = known if len(known) == len(texts) else _shared(texts, x0, x1)
        found = [Word(start, y0, end, y1, text) for text, (start, end) in zip(texts, ends, strict=True)]
        runs.append(Run(x0, y0, x1, y1, " ".join(texts), (y1 - y0) * 0.85, words=found, confidence=line.confidence))
    return runs


def _shared(texts: Sequence[str], x0: float, x1: float) -> list[tuple[float, float]]:
    """The ends of words that share a line's width by their length."""
    step = (x1 - x0) / max(sum(map(len, texts)) + len(texts) - 1, 1)
    ends, at = [], x0
    for text in texts:
        ends.append((at, at + len(text) * step))
        at += (len(text) + 1) * step
    return ends
