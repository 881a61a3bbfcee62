"""Recognises text in pictures, however they are turned: with rapidocr here or at Triton, or with Tesseract."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from docmill.config import OcrEngine
from docmill.errors import CorruptDocumentError
from docmill.extract import ocr_rapid, ocr_tesseract
from docmill.extract.reading_order import in_reading_order
from docmill.extract.untyped import Pixels
from docmill.extract.upright import Corners, Upright
from docmill.models import BBox, Line

MIN_SCORE = 0.5
"""Lines recognised with less are no text."""


@dataclass(frozen=True)
class Recognised:
    """The lines of a picture in reading order, their boxes in pixels of the readable page (see `Upright`).

    `words[i]` are the left and right ends of the words of line `i`, where the engine tells them.
    """

    lines: tuple[Line, ...]
    upright: Upright
    words: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True)
class Found:
    """What an engine found: text, its corners in the readable page before its slant is taken out, words as shares."""

    text: str
    corners: Corners
    score: float
    words: tuple[tuple[float, float], ...] = ()


def ocr_lines(
    picture: bytes, languages: tuple[str, ...] = ("en",), engine: OcrEngine = OcrEngine.RAPIDOCR
) -> tuple[Line, ...]:
    """The lines of text in an encoded picture, in reading order, boxes in its pixels.

    Raises what `ocr_page` raises.
    """
    found = ocr_page(picture, languages, engine)
    return tuple(line.model_copy(update={"bbox": found.upright.shown_box(line.bbox)}) for line in found.lines)


def ocr_page(
    picture: bytes, languages: tuple[str, ...] = ("en",), engine: OcrEngine = OcrEngine.RAPIDOCR
) -> Recognised:
    """The lines of text in an encoded picture, which may lie on its side, upside down or askew.

    Raises ConfigError for a language that the engine cannot read or an engine that is not installed,
    CorruptDocumentError where the picture cannot be decoded.
    """
    check_languages(languages, engine)
    check_languages(languages, engine)
    pixels = _pixels(picture)
    height, width = pixels.shape[:2]
    find = _finder(languages, engine)
    quarter, slant, found = find(pixels)
    upright = Upright(float(width), float(height), quarter, slant)
    level = Upright(*upright.size, 0, slant)
    kept = [each for each in found if each.text and each.score >= MIN_SCORE]
    corners = [tuple(level.read(x, y) for x, y in each.corners) for each in kept]
    order = in_reading_order(corners, [each.text for each in kept])
    lines = tuple(_line(kept[index], corners[index]) for index in order)
    words = tuple(_words(kept[index], line) for index, line in zip(order, lines, strict=True))
    return Recognised(lines, upright, words)


def check_languages(languages: tuple[str, ...], engine: OcrEngine = OcrEngine.RAPIDOCR) -> None:
    """Raises ConfigError for languages whose letters the engine does not know, or for an engine that is missing."""
    (ocr_tesseract if engine is OcrEngine.TESSERACT else ocr_rapid).check_languages(languages)


def _finder(languages: tuple[str, ...], engine: OcrEngine) -> Callable[[Pixels], tuple[int, float, list[Found]]]:
    """The engine as a function of pixels: quarter turns, slant, and what it found in the turned picture."""
    if engine is OcrEngine.TESSERACT:
        return lambda pixels: _as_found(*ocr_tesseract.find(pixels, languages))
    return lambda pixels: _as_found(*ocr_rapid.find(pixels))


def _as_found(
    quarter: int, slant: float, lines: list[tuple[str, Corners, float, tuple[tuple[float, float], ...]]]
) -> tuple[int, float, list[Found]]:
    return quarter, slant, [Found(normal(text), corners, score, words) for text, corners, score, words in lines]


def _pixels(picture: bytes) -> Pixels:
    """The decoded picture as an array of height x width x 3 (BGR, as OpenCV has it)."""
    import cv2
    import numpy

    pixels = cv2.imdecode(numpy.frombuffer(picture, dtype=numpy.uint8), cv2.IMREAD_COLOR) if picture else None
    if pixels is None:
        raise CorruptDocumentError("The picture cannot be decoded for OCR.", hint="Save it again as PNG.")
    return pixels


def _line(found: Found, corners: Corners) -> Line:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    box = BBox(x0=round(min(xs), 1), y0=round(min(ys), 1), x1=round(max(xs), 1), y1=round(max(ys), 1))
    return Line(text=found.text, bbox=box, confidence=round(found.score, 4))


def _words(found: Found, line: Line) -> tuple[tuple[float, float], ...]:
    """The ends of the words in pixels; none where normalising changed how many there are."""
    if len(found.words) != len(found.text.split()):
        return ()
    wide = line.bbox.x1 - line.bbox.x0
    return tuple((line.bbox.x0 + start * wide, line.bbox.x0 + end * wide) for start, end in found.words)


def normal(text: str) -> str:
    """NFKC, which undoes full-width letters and ligatures, with the characters kept whose meaning it would change.

    Superscripts, subscripts, fractions and circled numbers stay as they are.
    """
    out = []
    for each in text:
        kind = unicodedata.decomposition(each).split(" ", 1)[0]
        out.append(
            each if kind in ("<super>", "<sub>", "<fraction>", "<circle>") else unicodedata.normalize("NFKC", each)
        )
    return " ".join(unicodedata.normalize("NFC", "".join(out)).split())
