"""The words of a PDF with their boxes, straight from its text layer: what a citation is drawn around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docmill.errors import CorruptDocumentError, EmptyDocumentError, EncryptedDocumentError
from docmill.structured.words import Layout, Word, layout

_PICTURES = 20
"""How many pages a model is shown as pictures at most."""


@dataclass(frozen=True)
class PdfText:
    """The words of the pages that have text, all page sizes (points), and the pages that have no text."""

    words: tuple[Word, ...]
    sizes: dict[int, tuple[float, float]]
    unread: tuple[int, ...]

    def layout(self) -> Layout:
        """The words in rows."""
        return layout(self.words, self.sizes, unread=self.unread)


def pdf_text(data: bytes) -> PdfText:
    """The words of a PDF that opens without a password. Raises what pymupdf raises for one that does not open."""
    words: list[Word] = []
    sizes: dict[int, tuple[float, float]] = {}
    unread: list[int] = []
    for number, size, found in _pages(data):
        sizes[number] = size
        words += found
        if not found:
            unread.append(number)
    return PdfText(tuple(words), sizes, tuple(unread))


def _pages(data: bytes) -> Iterator[tuple[int, tuple[float, float], list[Word]]]:
    import pymupdf

    with pymupdf.open(stream=data, filetype="pdf") as document:
        for page in document:
            number = page.number + 1
            turned = page.rotation_matrix
            flags = pymupdf.TEXTFLAGS_WORDS & ~pymupdf.TEXT_PRESERVE_LIGATURES
            found = []
            for x0, y0, x1, y1, text, *_ in page.get_text("words", flags=flags):
                box = pymupdf.Rect(x0, y0, x1, y1) * turned
                found.append(Word(text, number, box.x0, box.y0, box.x1, box.y1))
            yield number, (page.rect.width, page.rect.height), found


def opened_text(data: bytes) -> PdfText:
    """The words of a PDF. Raises EncryptedDocumentError, EmptyDocumentError, CorruptDocumentError."""
    import pymupdf

    try:
        with pymupdf.open(stream=data, filetype="pdf") as document:
            if document.needs_pass:
                raise EncryptedDocumentError("The PDF is protected by a password.", hint="Save a copy without one.")
            if document.page_count == 0:
                raise EmptyDocumentError("The PDF has no pages.", hint="Save it again with its own program.")
        return pdf_text(data)
    except (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase) as error:
        raise CorruptDocumentError(f"The PDF cannot be read: {error}.", hint="Open and save it again.") from error


@dataclass(frozen=True)
class PictureTask:
    """A PDF or picture whose pages are to be drawn at a resolution."""

    data: bytes
    dpi: int


def page_pictures(task: PictureTask) -> list[str]:
    """The first pages as data URLs of PNG pictures; [] for a document that has none."""
    import base64

    import pymupdf

    try:
        with pymupdf.open(stream=task.data) as document:
            pages = [document[number] for number in range(min(_PICTURES, document.page_count))]
            drawn = [page.get_pixmap(dpi=task.dpi, alpha=False).tobytes("png") for page in pages]
    except (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase, ValueError):
        return []
    return ["data:image/png;base64," + base64.b64encode(data).decode() for data in drawn]
