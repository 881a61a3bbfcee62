"""The words of a PDF's text layer with their boxes, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docmill.errors import CorruptDocumentError, EmptyDocumentError, EncryptedDocumentError
from docmill.extract.pdf.engine import EngineObject, pymupdf

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in page points."""


@dataclass(frozen=True)
class PageWords:
    """A page (from 1), its size in points, and its words in the file's order, each with its box."""

    number: int
    width: float
    height: float
    words: tuple[tuple[str, Box], ...]


def words_of_pdf(data: bytes) -> list[PageWords]:
    """The words of all pages. Raises EncryptedDocumentError, EmptyDocumentError, CorruptDocumentError."""
    try:
        with pymupdf.open(stream=data, filetype="pdf") as document:
            if document.needs_pass:
                raise EncryptedDocumentError("The PDF is protected by a password.", hint="Save a copy without one.")
            if document.page_count == 0:
                raise EmptyDocumentError("The PDF has no pages.", hint="Save it again with its own program.")
            return list(_pages(document))
    except (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase) as error:
        raise CorruptDocumentError(f"The PDF cannot be read: {error}.", hint="Open and save it again.") from error


def _pages(document: EngineObject) -> Iterator[PageWords]:
    flags = pymupdf.TEXTFLAGS_WORDS & ~pymupdf.TEXT_PRESERVE_LIGATURES
    for page in document:
        turned = page.rotation_matrix
        found = []
        for x0, y0, x1, y1, text, *_ in page.get_text("words", flags=flags):
            box = pymupdf.Rect(x0, y0, x1, y1) * turned
            found.append((text, (box.x0, box.y0, box.x1, box.y1)))
        yield PageWords(page.number + 1, page.rect.width, page.rect.height, tuple(found))
