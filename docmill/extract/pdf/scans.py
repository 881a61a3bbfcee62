"""Pages without a usable text layer: when OCR is needed, and its lines turned into runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from docmill.extract.pdf.engine import EngineObject, pymupdf
from docmill.extract.pdf.figures import area
from docmill.extract.pdf.ink import Ink, Run, Word
from docmill.models import Line

PageOcr = Callable[[bytes], tuple[Line, ...]]

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


def recognise(display_list: EngineObject, ink: Ink, ocr: PageOcr, dpi: int) -> None:
    """Replaces the page's runs by what OCR reads on its picture, rendered at `dpi`."""
    scale = dpi / 72
    picture = display_list.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=0)
    lines = ocr(picture.tobytes("png"))
    if ink.turn is not None and ink.turn.direction[0] == 0:
        ink.width, ink.height = ink.height, ink.width
    ink.turn = None
    ink.turned = []
    ink.runs = runs_of_lines(lines, 1 / scale)
    ink.characters, ink.unknown = sum(len(run.text) for run in ink.runs), 0


def runs_of_lines(lines: Sequence[Line], scale: float) -> list[Run]:
    """Runs in page points from lines in pixels; words share a line's width by their length."""
    runs = []
    for line in lines:
        if not line.text.strip():
            continue
        x0, y0, x1, y1 = (value * scale for value in (line.bbox.x0, line.bbox.y0, line.bbox.x1, line.bbox.y1))
        step = (x1 - x0) / max(len(line.text), 1)
        words, at = [], 0
        for text in line.text.split():
            at = line.text.index(text, at)
            words.append(Word(x0 + at * step, y0, x0 + (at + len(text)) * step, y1, text))
            at += len(text)
        joined = " ".join(word.text for word in words)
        runs.append(Run(x0, y0, x1, y1, joined, (y1 - y0) * 0.85, words=words, confidence=line.confidence))
    return runs
