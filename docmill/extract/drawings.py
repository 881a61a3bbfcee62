"""Draws and reads the vector drawings in documents: SVG by MuPDF, EMF and WMF by LibreOffice where it is installed.

A drawing is made a page of a PDF, which the PDF reader reads as it reads any: a chart pasted as a drawing gives its
data, others their text. All EMF and WMF drawings of a document are converted by one start of LibreOffice.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, DocmillError
from docmill.extract.chart_axes import Label
from docmill.extract.libreoffice import converted_pictures
from docmill.extract.picture_kinds import kind_of
from docmill.extract.reading import Reading
from docmill.extract.svg_drawing import svg_pdf
from docmill.extract.vectors import VECTORS
from docmill.models import PICTURES, Crop, Element, ElementType, Table

MAX_SIDE = 2_000
"""Pixels of the longer side of a drawing's picture."""
_ZOOM, _MARGIN = 2.0, 4
_MOST = 200
"""Drawings of a document that are drawn."""


@dataclass(frozen=True)
class Drawn:
    """What a drawing shows: its picture as PNG, what kind of picture it is, its text, and a chart's data."""

    png: bytes
    width: int
    height: int
    kind: ElementType
    text: str
    table: Table | None
    confidence: float | None


def with_drawings(reading: Reading, config: ExtractConfig) -> Reading:
    """The reading whose vector drawings are pictures, with what can be read in them.

    One that cannot be drawn stays an element without a crop, and says why in `metadata["note"]`.
    """
    wanted = {
        each.crop.sha256: each.crop.media_type
        for each in reading.extraction.elements
        if each.crop is not None and each.crop.media_type in VECTORS
    }
    if not wanted:
        return reading
    drawn = _drawn(wanted, reading.crops, config)
    crops = {name: data for name, data in reading.crops.items() if name not in wanted}
    elements = []
    for each in reading.extraction.elements:
        found = drawn.get(each.crop.sha256) if each.crop is not None else None
        elements.append(each if found is None else _shown(each, found, crops))
    failures = [each for each in drawn.values() if isinstance(each, str)]
    warnings = [f"{failures.count(why)} drawings were not drawn: {why}" for why in dict.fromkeys(failures)]
    update = {"elements": tuple(elements), "warnings": (*reading.extraction.warnings, *warnings)}
    return Reading(reading.extraction.model_copy(update=update), crops)


def _drawn(wanted: Mapping[str, str], crops: Mapping[str, bytes], config: ExtractConfig) -> dict[str, Drawn | str]:
    """What each drawing shows, or why it cannot be drawn, by its hash."""
    if config.mode is Mode.FAST:
        return dict.fromkeys(wanted, "Mode fast draws nothing: use mode auto.")
    found: dict[str, Drawn | str] = dict.fromkeys(wanted, f"Only the first {_MOST} drawings of a document are drawn.")
    names = list(wanted)[:_MOST]
    pages: dict[str, bytes | DocmillError] = {}
    others = {name: (crops[name], VECTORS[wanted[name]]) for name in names if VECTORS[wanted[name]] != "svg"}
    pages |= converted_pictures(others) if others else {}
    for name in names:
        try:
            page = pages[name] if name in pages else svg_pdf(crops[name])
            found[name] = read_drawing(page) if isinstance(page, bytes) else str(page)
        except DocmillError as error:
            found[name] = str(error)
    return found


def _shown(element: Element, found: Drawn | str, crops: dict[str, bytes]) -> Element:
    """The element with the drawing's picture, which `crops` holds then, its text and data; or with the note."""
    if isinstance(found, str):
        metadata = {**element.metadata, "note": f"The drawing could not be shown: {found}"}
        return element.model_copy(update={"crop": None, "metadata": metadata})
    digest = hashlib.sha256(found.png).hexdigest()
    crops[digest] = found.png
    texts = dict.fromkeys(filter(None, (element.text, found.text)))
    return element.model_copy(
        update={
            "crop": Crop(sha256=digest, media_type="image/png", width=found.width, height=found.height),
            "type": found.kind if element.type is ElementType.IMAGE else element.type,
            "text": "\n".join(texts),
            "table": element.table or found.table,
            "confidence": found.confidence,
        }
    )


def read_drawing(page: bytes, *, margins: bool = False) -> Drawn:
    """What a drawing shows that is the first page of a PDF, with its empty margins if they are wanted.

    Raises CorruptDocumentError, LimitExceededError.
    """
    from docmill.errors import EmptyDocumentError
    from docmill.extract.pdf import read_pdf

    png, size = _picture(page, margins=margins)
    try:
        elements = read_pdf(page, ExtractConfig(mode=Mode.FAST, crops=False)).extraction.elements
    except EmptyDocumentError:
        elements = ()
    told = next((each for each in elements if each.type in PICTURES - {ElementType.IMAGE}), None)
    kind = told.type if told is not None else _kind(page)
    text = "\n".join(each.text for each in elements if each.text)
    table = told.table if told is not None else None
    return Drawn(png, *size, kind, text, table, told.confidence if told is not None else None)


def _kind(page: bytes) -> ElementType:
    """What the drawing is by its words."""
    import pymupdf

    with pymupdf.open(stream=page, filetype="pdf") as document:
        lines = [line for block in document[0].get_text("dict")["blocks"] for line in block.get("lines", ())]
        labels = [Label("".join(span["text"] for span in line["spans"]), *line["bbox"]) for line in lines]
        return kind_of(labels, (document[0].rect.width, document[0].rect.height), graphics=True)


def page_size(page: bytes) -> tuple[float, float]:
    """Width and height in points of the first page of a PDF."""
    import pymupdf

    with pymupdf.open(stream=page, filetype="pdf") as document:
        return round(document[0].rect.width, 2), round(document[0].rect.height, 2)


def _picture(page: bytes, *, margins: bool) -> tuple[bytes, tuple[int, int]]:
    """The page as PNG, with width and height. Raises CorruptDocumentError where it is empty or cannot be drawn."""
    import pymupdf
    from PIL import Image, ImageChops

    from docmill.extract.pdf.engine import ENGINE_ERRORS

    try:
        with pymupdf.open(stream=page, filetype="pdf") as document:
            longest = max(document[0].rect.width, document[0].rect.height, 1)
            zoom = min(MAX_SIDE / longest, _ZOOM)
            pixels = document[0].get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False)
            image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)
    except ENGINE_ERRORS as error:
        raise CorruptDocumentError(f"The drawing cannot be drawn: {error}.", hint="Save it as PNG.") from error
    drawn = ImageChops.difference(image, Image.new("RGB", image.size, "white")).getbbox()
    if drawn is None:
        raise CorruptDocumentError("The drawing shows nothing.", hint="Save it as PNG.")
    left, top, right, bottom = (0, 0, *image.size) if margins else drawn
    box = (max(left - _MARGIN, 0), max(top - _MARGIN, 0), min(right + _MARGIN, image.width),
           min(bottom + _MARGIN, image.height))  # fmt: skip
    out = io.BytesIO()
    image.crop(box).save(out, "PNG")
    return out.getvalue(), (box[2] - box[0], box[3] - box[1])
