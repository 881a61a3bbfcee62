"""A page as a picture with a box around each value that a record cites, and the property's name beside it."""

from __future__ import annotations

from collections.abc import Mapping

from docmill.structured.record import FieldResult

_GOOD, _DOUBTFUL = (0.05, 0.5, 0.2), (0.85, 0.35, 0.0)


def citation_overlay(
    data: bytes, fields: Mapping[str, FieldResult], *, page: int, width: int, below: float = 0.65
) -> bytes:
    """A PNG, `width` pixels wide, of a page (from 1) of a PDF; values of a confidence `below` that are orange."""
    import pymupdf

    with pymupdf.open(stream=data, filetype="pdf") as source, pymupdf.open() as target:
        shown = source[page - 1]
        canvas = target.new_page(width=shown.rect.width, height=shown.rect.height)
        canvas.show_pdf_page(canvas.rect, source, page - 1)
        for path, leaf in fields.items():
            cited = leaf.citation
            if leaf.value is None or cited is None or cited.page != page or cited.bbox is None:
                continue
            colour = _DOUBTFUL if leaf.confidence < below else _GOOD
            box = pymupdf.Rect(cited.bbox.x0 - 1, cited.bbox.y0 - 1, cited.bbox.x1 + 1, cited.bbox.y1 + 1)
            canvas.draw_rect(box, color=colour, width=0.9, fill=colour, fill_opacity=0.1)
            canvas.insert_text((box.x0, max(6.0, box.y0 - 0.5)), path, fontsize=4.5, color=colour)
        zoom = width / canvas.rect.width
        picture: bytes = canvas.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False).tobytes("png")
    return picture


def cited_pages(fields: Mapping[str, FieldResult]) -> list[int]:
    """The pages on which values stand."""
    pages = {leaf.citation.page for leaf in fields.values() if leaf.value is not None and leaf.citation is not None}
    return sorted(page for page in pages if page is not None)
