"""Pages as data URLs: what a model that sees is shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass

_PAGES = 20
"""How many pages a model is shown as pictures at most."""


@dataclass(frozen=True)
class PictureTask:
    """A PDF or picture whose pages are to be drawn at a resolution."""

    data: bytes
    dpi: int


def page_urls(task: PictureTask) -> list[str]:
    """The first pages as data URLs of PNG pictures; [] for a document that has none."""
    from docmill.extract.pdf.engine import pymupdf

    try:
        with pymupdf.open(stream=task.data) as document:
            pages = [document[number] for number in range(min(_PAGES, document.page_count))]
            drawn = [page.get_pixmap(dpi=task.dpi, alpha=False).tobytes("png") for page in pages]
    except (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase, ValueError):
        return []
    return ["data:image/png;base64," + base64.b64encode(data).decode() for data in drawn]
