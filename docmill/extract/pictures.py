"""Pictures out of a PDF: what is placed on its pages, and renderings of pages and of parts of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.pdf.engine import ENGINE_ERRORS, EngineObject, open_document, pymupdf
from docmill.models import BBox

_LONGEST = 2048
"""Pixels of the longer side that a picture keeps; larger ones are scaled down."""
_WHOLE_PAGE = 0.9
"""Share of the page from which a placed picture is the page itself: a scan."""
_REGION_DPI = 144


@dataclass(frozen=True)
class Placed:
    """An encoded picture with its pixels and the box on the page that it fills."""

    data: bytes
    kind: str
    width: int
    height: int
    box: BBox


class PdfPictures:
    """An open PDF whose pictures can be had; use it as a context manager. Pages count from 1."""

    def __init__(self, data: bytes, config: ExtractConfig) -> None:
        self._document = open_document(data, config.max_pages)

    def __enter__(self) -> PdfPictures:
        return self

    def __exit__(self, *_: object) -> None:
        self._document.close()

    @property
    def sizes(self) -> list[tuple[float, float]]:
        """Width and height of each page in points, as displayed."""
        return [(page.rect.width, page.rect.height) for page in self._document]

    @property
    def dates(self) -> tuple[str, str]:
        """When it was made and last changed, as PDFs write dates (`D:20240131…`), "" where unknown."""
        about = self._document.metadata or {}
        return about.get("creationDate") or "", about.get("modDate") or ""

    def text(self, number: int) -> str:
        """The page's own text, line by line in the order of the file; raises CorruptDocumentError."""
        try:
            return str(self._document[number - 1].get_text()).strip()
        except ENGINE_ERRORS as error:
            raise CorruptDocumentError(f"Page {number} cannot be read: {error}.") from error

    def placed(self, number: int) -> Iterator[Placed]:
        """The raster pictures placed on the page, in reading order; the page's own scan is none."""
        page = self._document[number - 1]
        whole = page.rect.width * page.rect.height
        infos = page.get_image_info(xrefs=True)
        for info in sorted(infos, key=lambda each: (each["bbox"][1], each["bbox"][0])):
            box = pymupdf.Rect(info["bbox"]) & page.rect
            if box.is_empty or box.width * box.height > _WHOLE_PAGE * whole:
                continue
            found = self._picture(info["xref"]) if info["xref"] else None
            data, kind, width, height = found or self._drawn(page, box)
            yield Placed(data, kind, width, height, BBox(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1))

    def _picture(self, xref: int) -> tuple[bytes, str, int, int] | None:
        """The picture as the file holds it where callers can read that, else as PNG; None where it is broken."""
        try:
            raw = self._document.extract_image(xref)
            if raw["ext"] in ("png", "jpeg") and not raw.get("smask") and max(raw["width"], raw["height"]) <= _LONGEST:
                return raw["image"], raw["ext"], raw["width"], raw["height"]
            pixels = pymupdf.Pixmap(self._document, xref)
            if pixels.alpha or pixels.colorspace is None or pixels.colorspace.n > 3:
                pixels = pymupdf.Pixmap(pymupdf.csRGB, pixels)
            return scaled(pixels.tobytes("png"))
        except ENGINE_ERRORS:
            return None

    def _drawn(self, page: EngineObject, box: EngineObject) -> tuple[bytes, str, int, int]:
        pixels = page.get_pixmap(dpi=_REGION_DPI, clip=box)
        return pixels.tobytes("png"), "png", pixels.width, pixels.height

    def region(self, number: int, box: BBox) -> Placed:
        """A part of the page as PNG."""
        page = self._document[number - 1]
        clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) & page.rect
        data, kind, width, height = self._drawn(page, clip if not clip.is_empty else page.rect)
        return Placed(data, kind, width, height, box)

    def page(self, number: int, longest: int) -> Placed:
        """The page as PNG, its longer side so many pixels."""
        page = self._document[number - 1]
        zoom = longest / max(page.rect.width, page.rect.height, 1)
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom))
        whole = BBox(x0=0, y0=0, x1=page.rect.width, y1=page.rect.height)
        return Placed(pixels.tobytes("png"), "png", pixels.width, pixels.height, whole)


def scaled(data: bytes) -> tuple[bytes, str, int, int]:
    """The picture as it is if it is PNG or JPEG and not too large, else as PNG of at most 2,048 pixels a side."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        kind = (picture.format or "").lower()
        if kind in ("png", "jpeg") and max(picture.size) <= _LONGEST:
            return data, kind, *picture.size
        picture.thumbnail((_LONGEST, _LONGEST))
        fit = picture if picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else picture.convert("RGB")
        out = io.BytesIO()
        fit.save(out, "PNG")
        return out.getvalue(), "png", *fit.size
