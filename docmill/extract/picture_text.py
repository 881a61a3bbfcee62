"""Reads the text in the pictures of a document, and tells by it which of them are charts."""

from __future__ import annotations

from docmill.config import ExtractConfig, Mode
from docmill.extract.chart_axes import Label, shows_chart
from docmill.extract.media_type import MEDIA_TYPES
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
    pictures = [each for each in elements if each.type is ElementType.IMAGE and each.crop and not each.text]
    is_image_file = reading.extraction.media_type.startswith(("image/", MEDIA_TYPES["pdf"]))
    texts = any(each.text for each in elements)
    if not pictures or is_image_file or config.mode is Mode.FAST or (config.mode is Mode.AUTO and texts):
        return reading
    from docmill.extract.ocr import ocr_lines

    found: dict[str, tuple[Line, ...]] = {}
    for each in pictures:
        assert each.crop is not None
        small = min(each.crop.width, each.crop.height) < _LEAST
        if each.crop.sha256 not in found and not small and each.crop.media_type in _READABLE:
            found[each.crop.sha256] = ocr_lines(reading.crops[each.crop.sha256], config.languages, config.ocr_engine)
    method = f"ocr:{config.ocr_engine}"
    changed = tuple(_with_text(each, found.get(each.crop.sha256, ()) if each.crop else (), method) for each in elements)
    return Reading(reading.extraction.model_copy(update={"elements": changed}), reading.crops)


def _with_text(element: Element, lines: tuple[Line, ...], method: str) -> Element:
    """The element with the lines recognised in its picture, a chart if they have a value axis."""
    if not lines or element.text:
        return element
    score = round(sum(line.confidence or 0.0 for line in lines) / len(lines), 4)
    text = "\n".join(line.text for line in lines)
    kind = ElementType.CHART if is_chart(lines) else element.type
    return element.model_copy(update={"type": kind, "text": text, "method": method, "confidence": score})


def is_chart(lines: tuple[Line, ...]) -> bool:
    """Whether the lines recognised in a picture are those of a chart."""
    return shows_chart([Label(line.text, line.bbox.x0, line.bbox.y0, line.bbox.x1, line.bbox.y1) for line in lines])
