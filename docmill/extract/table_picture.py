"""A table drawn from its cells: for documents that have no pages to cut its picture out of."""

from __future__ import annotations

import io

from docmill.models import Table

_WIDTH, _HEIGHT = 1_000, 1_400
"""Points of the sheet that is drawn on: a longer table shows its first rows."""
_DPI = 96
_MARGIN = 8
_CSS = (
    "body{font-family:sans-serif;font-size:10px} table{border-collapse:collapse} "
    "td,th{border:1px solid #444;padding:3px;text-align:left}"
)


def table_picture(table: Table) -> tuple[bytes, int, int]:
    """PNG, width and height in pixels of the table's cells with their texts, as large as the table is."""
    from docmill.extract.pdf.engine import pymupdf

    story = pymupdf.Story(table.html(), user_css=_CSS)
    sheet, out = pymupdf.Rect(0, 0, _WIDTH, _HEIGHT), io.BytesIO()
    writer = pymupdf.DocumentWriter(out)
    device = writer.begin_page(sheet)
    story.place(pymupdf.Rect(_MARGIN, _MARGIN, _WIDTH - _MARGIN, _HEIGHT - _MARGIN))
    story.draw(device)
    writer.end_page()
    writer.close()
    with pymupdf.open(stream=out.getvalue(), filetype="pdf") as drawn:
        page = drawn[0]
        edges = [path["rect"] for path in page.get_drawings()]
        right, bottom = (max((edge[side] for edge in edges), default=2 * _MARGIN) for side in (2, 3))
        clip = pymupdf.Rect(0, 0, min(right + _MARGIN, _WIDTH), min(bottom + _MARGIN, _HEIGHT))
        pixels = page.get_pixmap(dpi=_DPI, clip=clip)
        return pixels.tobytes("png"), pixels.width, pixels.height
