"""A page of a PDF as a picture on which boxes are drawn, each with a word beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docmill.extract.pdf.engine import pymupdf
from docmill.models import BBox

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Mark:
    """A box in page points, the word beside it, and the colour of both (red, green, blue; 0 to 1)."""

    label: str
    box: BBox
    colour: Colour


def marked_page(data: bytes, marks: Sequence[Mark], *, page: int, width: int) -> bytes:
    """A PNG, `width` pixels wide, of a page (from 1) with its marks."""
    with pymupdf.open(stream=data, filetype="pdf") as source, pymupdf.open() as target:
        shown = source[page - 1]
        canvas = target.new_page(width=shown.rect.width, height=shown.rect.height)
        canvas.show_pdf_page(canvas.rect, source, page - 1)
        for mark in marks:
            box = pymupdf.Rect(mark.box.x0 - 1, mark.box.y0 - 1, mark.box.x1 + 1, mark.box.y1 + 1)
            canvas.draw_rect(box, color=mark.colour, width=0.9, fill=mark.colour, fill_opacity=0.1)
            canvas.insert_text((box.x0, max(6.0, box.y0 - 0.5)), mark.label, fontsize=4.5, color=mark.colour)
        zoom = width / canvas.rect.width
        picture: bytes = canvas.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False).tobytes("png")
    return picture
