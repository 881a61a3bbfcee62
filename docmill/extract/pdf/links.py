"""Web links on a page, tied to the drafts they stand on.

pymupdf's `page.get_links()` also looks up the object number of every annotation, which takes minutes on pages with
tens of thousands of them; MuPDF's own list of links does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from docmill.extract.pdf.drafts import Draft
from docmill.extract.pdf.engine import EngineObject, pymupdf
from docmill.extract.pdf.figures import inside
from docmill.extract.pdf.ink import Ink, Run
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.tables import Placer
from docmill.models import Link

_MOST = 1_000  # links of a page


def web_links(page: EngineObject) -> list[tuple[str, Box]]:
    """Target and box (as displayed) of the page's links that lead out of the document, each once, at most 1,000."""
    found: dict[tuple[str, Box], None] = {}
    link = pymupdf.mupdf.fz_load_links(page.this)
    while link.m_internal and len(found) < _MOST:
        uri = str(link.uri() or "")
        if uri and not uri.startswith("#"):
            rect = link.rect()
            found[uri, Box(rect.x0, rect.y0, rect.x1, rect.y1)] = None
        link = link.next()
    return list(found)


def add_links(drafts: Sequence[Draft], links: Sequence[tuple[str, Box]], ink: Ink) -> None:
    """Puts each link on the first draft whose box holds its middle, with the words under it."""
    place = Placer(ink)
    for uri, shown in links:
        box = ink.turn.upright(*shown) if ink.turn else shown
        spot = Run(*box, "", 0.0)
        for draft in drafts:
            if inside(spot, draft.box):
                words = [
                    word.text
                    for line in draft.lines
                    for word in line.words
                    if box.x0 <= (word.x0 + word.x1) / 2 <= box.x1 and box.y0 <= (word.y0 + word.y1) / 2 <= box.y1
                ]
                draft.links = (*draft.links, Link(uri=uri, text=" ".join(words), bbox=place(box)))
                break
