"""Reads PowerPoint 97-2003 presentations (ppt) as the pptx that LibreOffice makes of them."""

from __future__ import annotations

from docmill.config import ExtractConfig
from docmill.extract.libreoffice import converted
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.pptx import read_pptx
from docmill.extract.reading import Reading


def read_ppt(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a presentation; slides are pages. Raises what `converted` and `read_pptx` raise."""
    reading = read_pptx(converted(data, "ppt", "pptx"), config)
    return Reading(reading.extraction.model_copy(update={"media_type": MEDIA_TYPES["ppt"]}), reading.crops)
