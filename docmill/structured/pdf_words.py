"""The words of a PDF with their boxes, straight from its text layer: what a citation is drawn around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docmill.structured.words import Layout, Word, layout


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
