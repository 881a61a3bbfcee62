"""The data model: what the stages take and return. All models are frozen.

Coordinates are page points (1/72 inch) with the origin at the top left of the page as displayed (rotation applied), x
to the right, y down; for image files one pixel is one point. Pages and slides are numbered from 1; elements, chunks,
rows and columns from 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from enum import StrEnum
from html import escape
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | int | float | bool | None
Metadata = Mapping[str, str | int | float | bool | list[str]]
"""What is known of a document beside its content; keys are names, and no value is empty."""

INSIDE = "!/"
"""Stands between the key of a document and the path of a member of it."""


class Model(BaseModel):
    """Base of all models: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class BBox(Model):
    """A box in page points, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    def union(self, other: BBox) -> BBox:
        """The smallest box around both."""
        return BBox(
            x0=min(self.x0, other.x0), y0=min(self.y0, other.y0), x1=max(self.x1, other.x1), y1=max(self.y1, other.y1)
        )


class Region(Model):
    """A box on a page."""

    page: int
    bbox: BBox
    page_size: tuple[float, float] | None = None


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


class PageStatus(StrEnum):
    """What became of a page. Only a page in a document that has pages or slides is listed.

    `partial`: it was read, but some of its content is damaged and may be missing.
    """

    OK = "ok"
    PARTIAL = "partial"
    EMPTY = "empty"
    FAILED = "failed"


class Cell(Model):
    """A cell of a table; a merged cell stands once, at its first row and column.

    `formula` is what a spreadsheet computes its text by, where the settings ask for formulas.
    `page` is given where a table goes on over pages and the cell stands on a later one than its element.
    """

    row: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]
    text: str
    row_span: Annotated[int, Field(ge=1)] = 1
    column_span: Annotated[int, Field(ge=1)] = 1
    header: bool = False
    bbox: BBox | None = None
    page: int | None = None
    formula: str = ""


class Table(Model):
    """A table as cells in reading order (by row, then column).

    `repeated_rows` are rows that only repeat the head on a following page: they are kept as they stand there, and left
    out of the table's text, Markdown, HTML, CSV and XLSX.
    """

    rows: int
    columns: int
    cells: tuple[Cell, ...]
    header_rows: int = 0
    title: str = ""
    repeated_rows: tuple[int, ...] = ()

    def shown_rows(self) -> list[int]:
        """The rows that repeat nothing."""
        repeated = set(self.repeated_rows)
        return [row for row in range(self.rows) if row not in repeated]

    def part(self, page: int, first_page: int | None) -> Table:
        """The rows that stand on a page, of a table that begins on `first_page` and goes on."""
        cells = [cell for cell in self.cells if (cell.page or first_page) == page]
        rows = {row: number for number, row in enumerate(sorted({cell.row for cell in cells}))}
        moved = tuple(cell.model_copy(update={"row": rows[cell.row], "page": None}) for cell in cells)
        head = len({cell.row for cell in cells if cell.header})
        return Table(rows=len(rows), columns=self.columns, cells=moved, header_rows=head, title=self.title)

    def shown(self) -> list[list[str]]:
        """The grid without the rows that repeat the head."""
        grid = self.grid()
        return [grid[row] for row in self.shown_rows()]

    def grid(self) -> list[list[str]]:
        """Texts as `rows` lists of `columns`; a merged cell's text stands at its first position, the rest is empty."""
        grid = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            grid[cell.row][cell.column] = cell.text
        return grid

    def markdown(self) -> str:
        """A pipe table. Spans cannot be written so: use `html` where they matter."""
        rows = [[" ".join(text.split()).replace("|", "\\|") for text in row] for row in self.shown()]
        if not rows:
            return ""
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + "---|" * self.columns, *lines[1:]])

    def html(self) -> str:
        """An HTML table with row and column spans and `th` for header cells."""
        by_row: list[list[Cell]] = [[] for _ in range(self.rows)]
        for cell in self.cells:
            by_row[cell.row].append(cell)
        lines = ["<table>"]
        for row in (by_row[number] for number in self.shown_rows()):
            parts = []
            for cell in sorted(row, key=lambda each: each.column):
                tag = "th" if cell.header else "td"
                spans = f' rowspan="{cell.row_span}"' if cell.row_span > 1 else ""
                spans += f' colspan="{cell.column_span}"' if cell.column_span > 1 else ""
                spans += f' data-formula="{escape(cell.formula)}"' if cell.formula else ""
                parts.append(f"<{tag}{spans}>{escape(cell.text, quote=False)}</{tag}>")
            lines.append("<tr>" + "".join(parts) + "</tr>")
        return "\n".join([*lines, "</table>"])

    def csv(self) -> str:
        """The grid as CSV (RFC 4180)."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self.shown())
        return out.getvalue()


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
    metadata: dict[str, Scalar] = {}

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


def clock(seconds: float) -> str:
    """Seconds as a player shows them: `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Page(Model):
    """A page or slide: its size in points as displayed, how it was read and why so, and what became of it."""

    number: Annotated[int, Field(ge=1)]
    width: float
    height: float
    status: PageStatus = PageStatus.OK
    method: str = "native"
    reason: str = ""


class OutlineEntry(Model):
    """An entry of the document's own table of contents."""

    title: str
    level: int
    page: int | None = None


class Member(Model):
    """A document inside of another: in an archive or mailbox, attached to a mail, embedded in an office file.

    `path` leads to it from the outer document, its steps apart by `!/` (`inner.zip!/mail.eml!/report.pdf`). The store
    holds its bytes as `members/<sha256[:2]>/<sha256>`. `error` says why it could not be taken out, "" where it was.
    """

    path: str
    size: int = 0
    sha256: str = ""
    media_type: str = ""
    error: str = ""


class Extraction(Model):
    """All that was read from one document's bytes; the same bytes and configuration give the same extraction.

    `elements[i].ordinal == i`. `warnings` are for people: what was repaired, skipped or doubtful. `lacking` says what
    is missing besides pages: then the document is partial. `members` are the documents inside of it at any depth, which
    become documents of their own.
    """

    media_type: str
    elements: tuple[Element, ...]
    pages: tuple[Page, ...] = ()
    outline: tuple[OutlineEntry, ...] = ()
    metadata: dict[str, Scalar] = {}
    warnings: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    lacking: tuple[str, ...] = ()

    def on_page(self, page: int) -> list[Element]:
        """The elements that stand on the page, as far as they do."""
        parts = [element.on_page(page) for element in self.elements]
        return [part for part in parts if part is not None]

    @property
    def failed_pages(self) -> tuple[int, ...]:
        """Numbers of the pages that could not be read, or not wholly."""
        bad = (PageStatus.FAILED, PageStatus.PARTIAL)
        return tuple(page.number for page in self.pages if page.status in bad)


class Span(Model):
    """Characters `start` to `end` (exclusive) of the text of element `ordinal`."""

    ordinal: int
    start: int
    end: int


class ChunkKind(StrEnum):
    """Whether a chunk is a passage of its document, or its card: what the document is, for finding whole documents."""

    PASSAGE = "passage"
    DOCUMENT = "document"


class Chunk(Model):
    """A piece of a document that is embedded and found as one.

    `text` is what is shown; `spans` say which characters of which elements it holds; those after the first `overlap`
    spans hold no character that an earlier chunk holds. `section` is the path of titles above it, `seconds` are the
    first and last second of sound or video that it stands for. `context` tells what the chunk is of, `labels` are a
    table's text without its numbers; `token_count` is that of what is embedded. `parent` is the ordinal of the first
    chunk of the passage that the chunk belongs to. `language` is ISO 639-1 or "".
    """

    ordinal: int
    text: str
    token_count: int
    spans: tuple[Span, ...]
    overlap: int = 0
    section: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    types: tuple[ElementType, ...] = ()
    place: str = ""
    seconds: tuple[float, float] | None = None
    language: str = ""
    context: str = ""
    labels: str = ""
    parent: int = 0
    kind: ChunkKind = ChunkKind.PASSAGE

    @property
    def embedded(self) -> str:
        """What the embedding model reads: numbers of tables say little to it, and their labels all."""
        body = self.labels or self.text
        return f"{self.context}\n{body}" if self.context else body


class Status(StrEnum):
    """What became of a document at a stage. `partial`: some of its pages failed, the others are used."""

    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    QUARANTINED = "quarantined"


class Stage(StrEnum):
    """The stages, in order; the names are those of the assets, folders and commands."""

    RAW_DOCUMENTS = "raw_documents"
    EXTRACTED_ELEMENTS = "extracted_elements"
    ENRICHED_ELEMENTS = "enriched_elements"
    CHUNKS = "chunks"
    EMBEDDINGS = "embeddings"
    VECTOR_COLLECTION = "vector_collection"


class ErrorClass(StrEnum):
    """Whether a failure can pass by itself."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"


class Document(Model):
    """An object of a source within a collection. `version` is the sha256 of its bytes, "" until they were read.

    `source_key` is the object's whole address (`s3://bucket/a/b.pdf`), `source` the address of the store that holds it,
    ending with `/`: the object's key in that store is the rest. Of a member of another document the source is that
    document's key and `!/` (`s3://bucket/mail.eml!/`), and the etag its version. `modified` (seconds since the epoch)
    is known of listed documents only. Of the tags in `access` a searcher needs one; "*" lets everybody find it.
    `object_tag` is what `docmill.attributes` has read of its object's tags, "" for nothing.
    """

    document_id: str
    collection: str
    source: str
    source_key: str
    etag: str
    size: int
    media_type: str = ""
    version: str = ""
    batch: str = ""
    modified: float = 0.0
    access: tuple[str, ...] = ("*",)
    metadata: Metadata = Field(default_factory=dict)
    object_tag: str = ""

    @property
    def key(self) -> str:
        """The object's key in its store."""
        return self.source_key[len(self.source) :]

    @property
    def container(self) -> str:
        """The source key of the document that this one is a member of, "" for an object of its own."""
        return self.source.removesuffix(INSIDE) if self.source.endswith(INSIDE) else ""


class Outcome(Model):
    """What became of a document at a stage: one row for (document, stage).

    `seconds` is wall time, `cpu_seconds` the document's share of what the stage took from the processors.
    """

    document_id: str
    stage: Stage
    status: Status
    version: str = ""
    fingerprint: str = ""
    error_class: ErrorClass | None = None
    error: str = ""
    message: str = ""
    hint: str = ""
    pages: tuple[int, ...] = ()
    attempts: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    counts: dict[str, int] = {}
    run_id: str = ""
    updated_at: float = 0.0


class Hit(Model):
    """A chunk found for a question, with what proves it; `score` grows with relevance, on a scale of its mode.

    `similarity` is the cosine to the question where it was found by meaning. `also_in` are the source keys of chunks
    with nearly the same text that were left out. `note` says what the search could not do, such as looking for words
    where they are not indexed.
    """

    chunk_id: str
    score: float
    text: str
    collection: str
    document_id: str
    version: str
    source_key: str
    section: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    types: tuple[str, ...] = ()
    place: str = ""
    seconds: tuple[float, float] | None = None
    elements: tuple[int, ...] = ()
    fingerprint: str = ""
    dense_rank: int | None = None
    sparse_rank: int | None = None
    ordinal: int = 0
    parent: int = 0
    similarity: float | None = None
    rerank_score: float | None = None
    also_in: tuple[str, ...] = ()
    metadata: Metadata = {}
    note: str = ""
