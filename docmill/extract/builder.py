"""Collects elements in reading order and keeps the bookkeeping that every reader needs.

One place numbers the elements, keeps the stack of section titles that gives `parent`, cleans text and stores pictures,
so that the readers only say what they found.
"""

from __future__ import annotations

import hashlib
import io
import re
from typing import TypedDict

from docmill.config import ExtractConfig
from docmill.errors import LimitExceededError
from docmill.extract.reading import Reading
from docmill.extract.vectors import vector_of
from docmill.models import (
    PICTURES,
    BBox,
    Cell,
    Crop,
    Element,
    ElementType,
    Extraction,
    Line,
    Link,
    OutlineEntry,
    Page,
    Scalar,
    Table,
)

MAX_PIXELS = 200_000_000
"""Pictures with more pixels are refused: at three bytes a pixel they would need over 600 MB."""

MAX_CHARACTERS = 200_000_000
"""Text that a document may hold: a spreadsheet of 100 kB can name one long text in 100,000 cells."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")
_FILE_NAME = re.compile(r"[^\n]*\.(png|jpe?g|gif|bmp|tiff?|webp|emf|wmf|svg)", re.I)
_AUTOMATIC = re.compile(r"(?:picture|image|graphic|object|bild|grafik|objekt|imagen?|immagine|afbeelding)\s*\d*", re.I)
_SPACES = re.compile(r"[^\S\n]+")
_KEPT_AS_IS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


class Fields(TypedDict, total=False):
    """Optional fields of an element, by the names of `Element`."""

    page: int | None
    bbox: BBox | None
    page_size: tuple[float, float] | None
    level: int | None
    describes: int | None
    method: str
    confidence: float | None
    sheet: str | None
    cells: str | None
    table: Table | None
    crop: Crop | None
    start: float | None
    end: float | None
    language: str | None
    lines: tuple[Line, ...]
    links: tuple[Link, ...]
    metadata: dict[str, Scalar]


def clean(text: str) -> str:
    """The text without control characters and lone surrogates, with plain line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    return _CONTROL.sub("", text)


def tidy(text: str) -> str:
    """The text cleaned, each line stripped with single spaces, without empty lines."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    lines = (_SPACES.sub(" ", line).strip() for line in clean(text).split("\n"))
    return "\n".join(line for line in lines if line)


def table_text(table: Table) -> str:
    """A table's rows as lines with cells apart by " | "; rows without any text are left out."""
    rows = [[" ".join(text.split()) for text in row] for row in table.grid()]
    return "\n".join(" | ".join(row).strip() for row in rows if any(row))


def table_of(cells: list[Cell], *, header_rows: int = 0, title: str = "") -> Table:
    """A table just large enough for the cells, sorted by row and column, with `header_rows` marked."""
    ordered = sorted(cells, key=lambda cell: (cell.row, cell.column))
    marked = [
        cell.model_copy(update={"header": True}) if cell.row < header_rows and not cell.header else cell
        for cell in ordered
    ]
    rows = max((cell.row + cell.row_span for cell in marked), default=0)
    columns = max((cell.column + cell.column_span for cell in marked), default=0)
    return Table(rows=rows, columns=columns, cells=tuple(marked), header_rows=min(header_rows, rows), title=title)


class Builder:
    """Elements, pictures, pages and warnings of one document, in the order in which they are added."""

    def __init__(self, media_type: str, config: ExtractConfig) -> None:
        self.media_type = media_type
        self.config = config
        self.elements: list[Element] = []
        self.pages: list[Page] = []
        self.outline: list[OutlineEntry] = []
        self.metadata: dict[str, Scalar] = {}
        self.crops: dict[str, bytes] = {}
        self._lacking: list[str] = []
        self._characters = 0
        self._warnings: dict[str, int] = {}
        self._sections: list[tuple[int, int]] = []

    def warn(self, warning: str) -> None:
        """Adds a warning; the same one is kept once, with the number of times."""
        self._warnings[warning] = self._warnings.get(warning, 0) + 1

    def lack(self, what: str) -> None:
        """The document is partial: a clause says what of it is missing or may be."""
        self._lacking.append(what)

    def end_sections(self) -> None:
        """What follows stands under no title so far, as on a new slide or sheet."""
        self._sections.clear()

    def title(self, text: str, level: int, fields: Fields | None = None) -> int | None:
        """Adds a title of level 1 to 6, which opens a section; None where nothing is left of the text."""
        level = min(max(level, 1), 6)
        if not tidy(text):
            return None
        while self._sections and self._sections[-1][0] >= level:
            self._sections.pop()
        ordinal = self.add(ElementType.TITLE, text, {**(fields or {}), "level": level})
        if ordinal is not None:
            self._sections.append((level, ordinal))
        return ordinal

    def add(self, kind: ElementType, text: str, fields: Fields | None = None) -> int | None:
        """Adds an element and returns its ordinal; text elements without text are left out (None)."""
        given = fields or {}
        self._count(len(text))
        text = clean(text).strip("\n") if kind is ElementType.CODE else tidy(text)
        if not text.strip() and kind not in PICTURES:
            return None
        ordinal = len(self.elements)
        outside = kind in (ElementType.HEADER, ElementType.FOOTER)
        parent = self._sections[-1][1] if self._sections and not outside else None
        self.elements.append(Element(ordinal=ordinal, type=kind, text=text, parent=parent, **given))
        return ordinal

    def table(self, table: Table, fields: Fields | None = None) -> int | None:
        """Adds a table; one without any text is left out (None)."""
        self._count(sum(len(cell.text) for cell in table.cells))
        texts = [tidy(cell.text) for cell in table.cells]
        if any(text != cell.text for text, cell in zip(texts, table.cells, strict=True)):
            pairs = zip(texts, table.cells, strict=True)
            cleaned = tuple(
                cell if cell.text == text else cell.model_copy(update={"text": text}) for text, cell in pairs
            )
            table = table.model_copy(update={"cells": cleaned})
        return self.add(ElementType.TABLE, table_text(table), {**(fields or {}), "table": table})

    def _count(self, characters: int) -> None:
        """Counts text. Raises LimitExceededError beyond MAX_CHARACTERS."""
        self._characters += characters
        if self._characters > MAX_CHARACTERS:
            raise LimitExceededError(
                f"The document holds more than {MAX_CHARACTERS} characters of text, some of it many times over.",
                hint="Split the document.",
            )

    def picture(
        self, data: bytes, text: str, fields: Fields | None = None, kind: ElementType = ElementType.IMAGE
    ) -> int | None:
        """Adds a picture with its crop; one that cannot be shown is named in the warnings instead (None).

        So is one that the settings have too small or too narrow, unless the document describes it. `text` is the
        picture's description in the document, "" without one; the name of a file, or `Picture 1`, describes nothing.
        """
        text = "" if _FILE_NAME.fullmatch(text.strip()) or _AUTOMATIC.fullmatch(text.strip()) else text
        given: Fields = {**(fields or {})}
        if text.strip():
            given["metadata"] = {**given.get("metadata", {}), "alt_text": tidy(text)}
        before = set(self.crops)
        crop = self.crop(data)
        if crop is None:
            return None
        if not text.strip() and self._is_ornament(crop):
            if crop.sha256 not in before:
                self.crops.pop(crop.sha256, None)
            self.warn("A picture was left out: it is smaller or narrower than pipeline.extract.pictures allows.")
            return None
        if self.config.crops:
            given["crop"] = crop
        return self.add(kind, text, given)

    def _is_ornament(self, crop: Crop) -> bool:
        """Whether the settings leave the picture out: icons, bullets, rules. A drawing may not tell its size."""
        short, long = sorted((crop.width, crop.height))
        return long > 0 and (short < self.config.pictures.min_side or long > self.config.pictures.max_aspect * short)

    def crop(self, data: bytes) -> Crop | None:
        """Stores a picture and returns what names it; None, with a warning, where it cannot be decoded."""
        from PIL import Image

        vector = vector_of(data)
        if vector is not None:
            crop = Crop(sha256="", media_type=vector.media_type, width=vector.width, height=vector.height)
            return self._kept(vector.data, crop)
        try:
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    self.warn(f"A picture of {width} x {height} pixels was left out: it is over {MAX_PIXELS} pixels.")
                    return None
                kind = _KEPT_AS_IS.get(image.format or "")
                if kind is None:
                    data, kind = _as_png(image), "image/png"
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            self.warn("A picture was left out: its format cannot be decoded.")
            return None
        return self._kept(data, Crop(sha256="", media_type=kind, width=width, height=height))

    def _kept(self, data: bytes, crop: Crop) -> Crop:
        """The crop with the picture's hash; the picture is kept where the settings say so."""
        digest = hashlib.sha256(data).hexdigest()
        if self.config.crops:
            self.crops[digest] = data
        return crop.model_copy(update={"sha256": digest})

    def reading(self) -> Reading:
        """The finished reading."""
        warnings = [text if count == 1 else f"{text} ({count} times)" for text, count in self._warnings.items()]
        extraction = Extraction(
            media_type=self.media_type,
            elements=tuple(self.elements),
            pages=tuple(self.pages),
            outline=tuple(self.outline),
            metadata=self.metadata,
            warnings=tuple(warnings),
            lacking=tuple(self._lacking),
        )
        return Reading(extraction, self.crops)


def _as_png(image: object) -> bytes:
    """The first frame of a PIL picture as PNG bytes."""
    from PIL import Image

    assert isinstance(image, Image.Image)
    out = io.BytesIO()
    plain = image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.convert("RGB")
    plain.save(out, "PNG")
    return out.getvalue()
