"""A page as a picture with a numbered, coloured box around each element: what was read, at a glance."""

from __future__ import annotations

from docmill.models import ElementType, Extraction

_COLOURS: dict[ElementType, tuple[float, float, float]] = {
    ElementType.TITLE: (0.80, 0.10, 0.10),
    ElementType.TEXT: (0.10, 0.35, 0.80),
    ElementType.LIST_ITEM: (0.10, 0.60, 0.75),
    ElementType.TABLE: (0.05, 0.55, 0.15),
    ElementType.IMAGE: (0.60, 0.15, 0.70),
    ElementType.CAPTION: (0.85, 0.50, 0.05),
}
_GREY = (0.5, 0.5, 0.5)


def page_overlay(data: bytes, extraction: Extraction, *, page: int, width: int) -> bytes:
    """A PNG, `width` pixels wide, of a page (from 1) of a PDF; boxes bear the ordinals of their elements."""
    import pymupdf

    with pymupdf.open(stream=data, filetype="pdf") as source, pymupdf.open() as target:
        shown = source[page - 1]
        canvas = target.new_page(width=shown.rect.width, height=shown.rect.height)
        canvas.show_pdf_page(canvas.rect, source, page - 1)
        for element in extraction.elements:
            if element.page != page or element.bbox is None:
                continue
            colour = _COLOURS.get(element.type, _GREY)
            box = pymupdf.Rect(element.bbox.x0, element.bbox.y0, element.bbox.x1, element.bbox.y1)
            canvas.draw_rect(box, color=colour, width=1.2, fill=colour, fill_opacity=0.06)
            canvas.insert_text((box.x0 + 1, max(7.0, box.y0 - 1)), str(element.ordinal), fontsize=7, color=colour)
        zoom = width / canvas.rect.width
        picture: bytes = canvas.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False).tobytes("png")
    return picture
