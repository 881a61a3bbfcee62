"""Reads the text in the pictures of a document, and tells by it which of them are charts and infographics."""

from __future__ import annotations

import io

from docmill.config import ExtractConfig, Mode
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.picture_kinds import kind_of_picture
from docmill.extract.reading import Reading
from docmill.models import Element, ElementType, Line

_READABLE = ("image/png", "image/jpeg", "image/webp")
_LEAST = 24
"""Pixels below which no text can be read."""


def with_text_of_pictures(reading: Reading, config: ExtractConfig) -> Reading:
    """The reading with text recognised in embedded pictures.

    Of every picture in mode accurate; in mode auto only where the document has no text but in pictures, as when scans
    were pasted into a text or presentation program. A picture is read once, however often it is shown.
    """
    elements = reading.extraction.elements
    pictures = [each for each in elements if each.type is ElementType.IMAGE and each.crop and _is_unread(each)]
    is_image_file = reading.extraction.media_type.startswith(("image/", MEDIA_TYPES["pdf"]))
    texts = any(each.text for each in elements)
    if not pictures or is_image_file or config.mode is Mode.FAST or (config.mode is Mode.AUTO and texts):
        return reading
    from docmill.extract.ocr import ocr_lines

    found: dict[str, tuple[ElementType, tuple[Line, ...]]] = {}
    for each in pictures:
        assert each.crop is not None
        small = min(each.crop.width, each.crop.height) < _LEAST
        if each.crop.sha256 not in found and not small and each.crop.media_type in _READABLE:
            picture = reading.crops[each.crop.sha256]
            lines = ocr_lines(picture, config.languages, config.ocr_engine)
            found[each.crop.sha256] = _kind(picture, lines), lines
    method = f"ocr:{config.ocr_engine}"
    changed = tuple(
        _with_text(each, *found[each.crop.sha256], method) if each.crop and each.crop.sha256 in found else each
        for each in elements
    )
    return Reading(reading.extraction.model_copy(update={"elements": changed}), reading.crops)


def _is_unread(element: Element) -> bool:
    """Whether the element has no text but the description that the document gives."""
    return not element.text or element.text == element.metadata.get("alt_text")


def _kind(picture: bytes, lines: tuple[Line, ...]) -> ElementType:
    """What the encoded picture is by the lines in it."""
    from PIL import Image

    from docmill.extract.image import on_white

    if not lines:
        return ElementType.IMAGE
    with Image.open(io.BytesIO(picture)) as image:
        return kind_of_picture(on_white(image), lines)


def _with_text(element: Element, kind: ElementType, lines: tuple[Line, ...], method: str) -> Element:
    """The element with the lines recognised in its picture, as the kind that they make it."""
    if not lines or not _is_unread(element):
        return element
    score = round(sum(line.confidence or 0.0 for line in lines) / len(lines), 4)
    text = "\n".join([*([element.text] if element.text else []), *(line.text for line in lines)])
    return element.model_copy(update={"type": kind, "text": text, "method": method, "confidence": score})
