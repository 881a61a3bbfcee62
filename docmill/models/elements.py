"""Elements: what readers find in a document, in reading order."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from docmill.models.base import Model, Scalar
from docmill.models.places import BBox, Region
from docmill.models.tables import Table


class ElementType(StrEnum):
    """What an element is."""

    TITLE = "title"
    TEXT = "text"
    LIST_ITEM = "list_item"
    TABLE = "table"
    IMAGE = "image"
    CHART = "chart"
    INFOGRAPHIC = "infographic"
    FORMULA = "formula"
    CODE = "code"
    HEADER = "header"
    FOOTER = "footer"
    FOOTNOTE = "footnote"
    CAPTION = "caption"
    FORM_FIELD = "form_field"
    AUDIO_SEGMENT = "audio_segment"


PICTURES = frozenset({ElementType.IMAGE, ElementType.CHART, ElementType.INFOGRAPHIC})
"""What is shown rather than written: it may have a crop, and stays without any text."""


class Line(Model):
    """A line of text with its box; `confidence` is 0 to 1, None where the text is the document's own."""

    text: str
    bbox: BBox
    confidence: float | None = None


class Link(Model):
    """A link in an element's text."""

    uri: str
    text: str = ""
    bbox: BBox | None = None


class Crop(Model):
    """A picture cut out of a document: the store holds it as `crops/<sha256[:2]>/<sha256>`."""

    sha256: str
    media_type: str
    width: int
    height: int


class Element(Model):
    """One piece of a document in reading order, with the place that proves it.

    `text` is what a reader reads: of a table its rows with cells apart by ` | `, of a picture its own text or "".
    `level` is 1 to 6 for titles and the nesting (from 1) of list items. `parent` is the `ordinal` of the title of the
    section that the element stands in; `describes` that of the picture or table that a caption belongs to.
    `method` says how the text was obtained: `native`, `ocr:<engine>`, `layout:<model>`, `speech:<model>`.
    `continued` are its places on following pages, of a table that goes on there. `cells` is a range such
    as `A1:C9` of the sheet named in `sheet`. `start` and `end` are seconds of sound or video.
    """

    ordinal: Annotated[int, Field(ge=0)]
    type: ElementType
    text: str
    page: Annotated[int, Field(ge=1)] | None = None
    bbox: BBox | None = None
    page_size: tuple[float, float] | None = None
    level: int | None = None
    parent: int | None = None
    describes: int | None = None
    method: str = "native"
    confidence: float | None = None
    language: str | None = None
    sheet: str | None = None
    cells: str | None = None
    start: float | None = None
    end: float | None = None
    table: Table | None = None
    crop: Crop | None = None
    continued: tuple[Region, ...] = ()
    lines: tuple[Line, ...] = ()
    links: tuple[Link, ...] = ()
    metadata: dict[str, Scalar] = Field(default={})

    def on_page(self, page: int) -> Element | None:
        """The element as far as it stands on the page (of a table that goes on the rows there); None if it does not."""
        if page == self.page and not self.continued:
            return self
        own = [Region(page=self.page, bbox=self.bbox, page_size=self.page_size)] if self.page and self.bbox else []
        place = next((place for place in (*own, *self.continued) if place.page == page), None)
        if place is None or self.table is None:
            return None
        table = self.table.part(page, self.page)
        text = "\n".join(" | ".join(row) for row in table.grid())
        at = {"page": page, "bbox": place.bbox, "page_size": place.page_size, "continued": ()}
        return self.model_copy(update={**at, "table": table, "text": text})
