"""The words of a PDF with their boxes, straight from its text layer: what a citation is drawn around."""

from __future__ import annotations

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
    """The words of a PDF. Raises EncryptedDocumentError, EmptyDocumentError, CorruptDocumentError."""
    from docmill.extract.pdf.words import words_of_pdf

    pages = words_of_pdf(data)
    return PdfText(
        tuple(Word(text, page.number, *box) for page in pages for text, box in page.words),
        {page.number: (page.width, page.height) for page in pages},
        tuple(page.number for page in pages if not page.words),
    )
