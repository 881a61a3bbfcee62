"""The page that a hit stands on, as a picture with its boxes marked: what the document itself shows there."""

from __future__ import annotations

from docmill.errors import UsageError
from docmill.extract.overlay import marked
from docmill.extract.page_pictures import PagePicture, page_pictures
from docmill.extract.wanted import Wanted
from docmill.ids import content_version
from docmill.models import Document
from docmill.retrieve.search import visible_row
from docmill.workspace import Workspace


def page_of_hit(
    workspace: Workspace, collection: str, chunk_id: str, access: frozenset[str], *, page: int = 0, dpi: int = 144
) -> PagePicture:
    """The page (from 1; 0: the first that the hit stands on) of the version that was read, with the hit's boxes marked.

    Raises UsageError if the caller's tags do not show such a chunk, if it stands on no such page or if the document has
    changed since; MissingObjectError if it is gone; and what `page_pictures` raises.
    """
    _, row = visible_row(workspace, collection, chunk_id, access)
    pages = sorted({each.page for each in row.regions})
    number = page or (pages[0] if pages else 0)
    if number not in pages:
        known = f"It stands on page {', '.join(map(str, pages))}." if pages else "Its format has no boxes on pages."
        raise UsageError(f"The hit {chunk_id} has no box on {f'page {page}' if page else 'any page'}.", hint=known)
    document = workspace.ledger.document(row.document_id)
    data = _data(workspace, document) if document else b""
    if document is None or content_version(data) != row.version:
        raise UsageError(
            f"{row.source_key} does not hold the bytes any more that the hit was read from.",
            hint="Run `docmill ingest` or `docmill reconcile`, and search again.",
        )
    wanted = Wanted(((number, number),), workspace.settings.password.get_secret_value())
    drawn = next(page_pictures(data, document.media_type, dpi=dpi, wanted=wanted))
    return marked(drawn, [each.bbox for each in row.regions if each.page == number])


def _data(workspace: Workspace, document: Document) -> bytes:
    if document.container:
        return workspace.artifacts.member(document.version)
    return workspace.source_of(document).get(document.key)
