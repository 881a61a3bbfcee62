"""Pages as pictures: of PDFs rendered at a resolution, of picture files their frames as they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from docmill.errors import CorruptDocumentError, LimitExceededError, UsageError
from docmill.extract.untyped import Picture
from docmill.extract.wanted import ALL, Wanted

PDF = "application/pdf"
MAX_PIXELS = 100_000_000
"""Of one page; a poster is refused with the resolution that fits."""


@dataclass(frozen=True)
class PagePicture:
    """A page (from 1) as a PIL picture in RGB; `scale` is its pixels a point."""

    number: int
    picture: Picture
    scale: float

    def png(self) -> bytes:
        """The picture as PNG bytes."""
        out = io.BytesIO()
        self.picture.save(out, "PNG", compress_level=4)
        return out.getvalue()


def has_page_pictures(media_type: str) -> bool:
    """Whether documents of this type have pages that can be drawn."""
    return media_type == PDF or media_type.startswith("image/")


def page_pictures(data: bytes, media_type: str, *, dpi: int = 144, wanted: Wanted = ALL) -> Iterator[PagePicture]:
    """The wanted pages one by one; `dpi` is the resolution of a PDF's pages, a picture's pixels stay as they are.

    Raises UsageError for a type without pages to draw or for pages that are not there, CorruptDocumentError,
    EncryptedDocumentError, LimitExceededError for a page that would be too large.
    """
    if media_type == PDF:
        return _pages_of_pdf(data, dpi, wanted)
    if media_type.startswith("image/"):
        return _frames(data, wanted)
    raise UsageError(
        f"A document of the type {media_type} has no pages that can be drawn.", hint="Save it as PDF for page pictures."
    )


def _pages_of_pdf(data: bytes, dpi: int, wanted: Wanted) -> Iterator[PagePicture]:
    from PIL import Image

    from docmill.extract.pdf.engine import ENGINE_ERRORS, describe, memory_errors, open_document, pymupdf

    document = open_document(data, 1_000_000, wanted.password)
    try:
        for number in wanted.numbers(int(document.page_count)):
            scale = dpi / 72
            try:
                with memory_errors():
                    page = document.load_page(number - 1)
                    _check_size(number, page.rect.width, page.rect.height, dpi)
                    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=False, colorspace=pymupdf.csRGB)
            except ENGINE_ERRORS as error:
                raise CorruptDocumentError(
                    f"Page {number} cannot be drawn: {describe(error)}.",
                    hint="Leave it out by --pages.",
                    pages=(number,),
                ) from error
            yield PagePicture(number, Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples), scale)
    finally:
        document.close()


def _check_size(number: int, width: float, height: float, dpi: int) -> None:
    """Raises LimitExceededError for a page (of points) that would have too many pixels."""
    if width * height * (dpi / 72) ** 2 > MAX_PIXELS:
        fits = int((MAX_PIXELS / max(width * height, 1.0)) ** 0.5 * 72)
        raise LimitExceededError(
            f"Page {number} of {width:.0f} x {height:.0f} points has too many pixels at {dpi} dpi.",
            hint=f"Ask for at most {fits} dpi.",
            pages=(number,),
        )


def _frames(data: bytes, wanted: Wanted) -> Iterator[PagePicture]:
    from docmill.extract.image import frames

    for number, picture in frames(data, wanted):
        yield PagePicture(number, picture.convert("RGB"), 1.0)
