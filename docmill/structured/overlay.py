"""A page as a picture with a box around each value that a record cites, and the property's name beside it."""

from __future__ import annotations

from collections.abc import Mapping

from docmill.structured.record import FieldResult

_GOOD, _DOUBTFUL = (0.05, 0.5, 0.2), (0.85, 0.35, 0.0)


def citation_overlay(
    data: bytes, fields: Mapping[str, FieldResult], *, page: int, width: int, below: float = 0.65
) -> bytes:
    """A PNG, `width` pixels wide, of a page (from 1) of a PDF; values of a confidence `below` that are orange."""
    from docmill.extract.pdf.marks import Mark, marked_page

    marks = []
    for path, leaf in fields.items():
        cited = leaf.citation
        if leaf.value is None or cited is None or cited.page != page or cited.bbox is None:
            continue
        marks.append(Mark(path, cited.bbox, _DOUBTFUL if leaf.confidence < below else _GOOD))
    return marked_page(data, marks, page=page, width=width)


def cited_pages(fields: Mapping[str, FieldResult]) -> list[int]:
    """The pages on which values stand."""
    pages = {leaf.citation.page for leaf in fields.values() if leaf.value is not None and leaf.citation is not None}
    return sorted(page for page in pages if page is not None)
