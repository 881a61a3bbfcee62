"""Bytes to the words that engines read: a PDF's own words, elements of the parse stage for all else and for scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from docmill.config import ExtractConfig, Mode
from docmill.extract.registry import accepted, malformed, read
from docmill.models import Element, Extraction
from docmill.structured.pdf_words import PdfText, pdf_text
from docmill.structured.words import Layout, Word, layout, of_extraction

_PDF = "application/pdf"


@dataclass(frozen=True)
class ReadTask:
    """A document that is to be read: its bytes, its name, and how."""

    data: bytes
    name: str
    config: ExtractConfig


@dataclass(frozen=True)
class ReadDocument:
    """A document's words and what its bytes are.

    `sure` are the confidences (0 to 1) of what OCR read, by the ordinal of the element.
    """

    layout: Layout
    media_type: str
    sure: Mapping[int, float] = field(default_factory=dict)


def read_document(task: ReadTask) -> ReadDocument:
    """The document's words. Raises what readers raise: empty, encrypted, corrupt, unsupported, over a limit."""
    detected = accepted(task.data, task.name, task.config)
    if detected.media_type != _PDF:
        reading = read(task.data, task.name, task.config)
        return ReadDocument(of_extraction(reading.extraction), detected.media_type, _sure(reading.extraction))
    with malformed(detected):
        text = pdf_text(task.data)
    if not text.unread or task.config.mode is Mode.FAST:
        return ReadDocument(text.layout(), _PDF)
    extraction = read(task.data, task.name, task.config).extraction
    return ReadDocument(with_scans(text, extraction), _PDF, _sure(extraction))


def _sure(extraction: Extraction) -> dict[int, float]:
    """How sure OCR was of each element that it read."""
    return {
        element.ordinal: element.confidence
        for element in extraction.elements
        if element.confidence is not None and element.method.startswith("ocr")
    }


def layout_of(extraction: Extraction, data: bytes | None) -> Layout:
    """The words of a parsed document: of a PDF whose bytes are given its own, each with the element that holds it."""
    if data is None or extraction.media_type != _PDF:
        return of_extraction(extraction)
    text = pdf_text(data)
    if text.unread:
        return with_scans(text, extraction)
    return layout(_in_elements(text.words, extraction.elements), text.sizes)


def with_scans(text: PdfText, extraction: Extraction) -> Layout:
    """The PDF's own words, and for pages without any those that OCR read."""
    scanned = [element for element in extraction.elements if element.page in text.unread]
    read_words = [word for row in of_extraction(replace_elements(extraction, scanned)).rows for word in row.words]
    still = tuple(sorted(set(text.unread) - {word.page for word in read_words}))
    return layout([*_in_elements(text.words, extraction.elements), *read_words], text.sizes, unread=still)


def replace_elements(extraction: Extraction, elements: list[Element]) -> Extraction:
    """The extraction with other elements."""
    return extraction.model_copy(update={"elements": tuple(elements)})


def _in_elements(words: tuple[Word, ...], elements: tuple[Element, ...]) -> list[Word]:
    """The words, each with the ordinal of the smallest element around its centre."""
    by_page: dict[int, list[Element]] = {}
    for element in elements:
        if element.page is not None and element.bbox is not None:
            by_page.setdefault(element.page, []).append(element)
    for page in by_page.values():
        page.sort(key=lambda each: _area(each))
    return [replace(word, element=_around(word, by_page.get(word.page, []))) for word in words]


def _area(element: Element) -> float:
    box = element.bbox
    return (box.x1 - box.x0) * (box.y1 - box.y0) if box is not None else 0.0


def _around(word: Word, elements: list[Element]) -> int | None:
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    for element in elements:
        box = element.bbox
        if box is not None and box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1:
            return element.ordinal
    return None
