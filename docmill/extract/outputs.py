"""All that can be written of a document that was read, as named bytes: what `docmill parse` and services hand out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from docmill.errors import UsageError
from docmill.extract.overlay import draw_overlay
from docmill.extract.page_pictures import PagePicture, has_page_pictures, page_pictures
from docmill.extract.reading import Reading
from docmill.extract.render import (
    PageText,
    TableStyle,
    html_page,
    markdown_pages,
    text_pages,
    to_markdown,
    to_text,
)
from docmill.extract.spreadsheet import table_csv, tables_of, tables_xlsx
from docmill.extract.wanted import Wanted
from docmill.models import Crop, Element, ElementType, Extraction, PageStatus

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


class Form(StrEnum):
    """A kind of output; those in `SUFFIXES` are one file a document, the others several."""

    MARKDOWN = "markdown"
    TEXT = "text"
    HTML = "html"
    JSON = "json"
    METADATA = "metadata"
    XLSX = "xlsx"
    CSV = "csv"
    FIGURES = "figures"
    PAGES = "pages"
    OVERLAY = "overlay"


class Depth(StrEnum):
    """Whether Markdown and text are one for the document or one a page."""

    DOCUMENT = "document"
    PAGE = "page"


SUFFIXES = {
    Form.MARKDOWN: "md",
    Form.TEXT: "txt",
    Form.HTML: "html",
    Form.JSON: "json",
    Form.METADATA: "metadata.json",
    Form.XLSX: "xlsx",
}
"""Of the outputs that are one file."""


@dataclass(frozen=True)
class OutputOptions:
    """How outputs are written: `dpi` is that of page pictures, `guard` keeps CSV cells from running as formulas.

    Elements of the types in `without` are left out of Markdown, text and HTML; `tables` is how Markdown writes tables.
    """

    depth: Depth = Depth.DOCUMENT
    tables: TableStyle = "html"
    without: frozenset[ElementType] = frozenset()
    dpi: int = 144
    guard: bool = False


@dataclass(frozen=True)
class Source:
    """The bytes of the document, from which pages are drawn, and the password that opens them."""

    data: bytes
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Output:
    """A file: `report.md`, or `report/tables/page-0001-table-1.csv` where the form is several files."""

    form: Form
    name: str
    data: bytes


@dataclass(frozen=True)
class Figure:
    """A picture of a document with a name that says where it stands, such as `page-0003-figure-2.png`."""

    name: str
    element: Element
    crop: Crop


def figures_of(extraction: Extraction) -> tuple[Figure, ...]:
    """The document's pictures in reading order, numbered within their page (or the document, where it has none)."""
    counts: dict[int | None, int] = {}
    found = []
    for element in extraction.elements:
        if element.crop is None:
            continue
        counts[element.page] = number = counts.get(element.page, 0) + 1
        place = f"page-{element.page:04d}-" if element.page else ""
        name = f"{place}figure-{number}.{_EXTENSIONS.get(element.crop.media_type, 'bin')}"
        found.append(Figure(name, element, element.crop))
    return tuple(found)


def outputs(
    source: Source, reading: Reading, forms: Collection[Form], options: OutputOptions, name: str = "document"
) -> Iterator[Output]:
    """The asked forms one by one, page pictures drawn as they are asked for; names begin with `name`.

    Raises UsageError for page pictures of a type that has none, and what drawing pages raises.
    """
    extraction = reading.extraction
    for form in Form:
        if form not in forms:
            continue
        if form is Form.MARKDOWN:
            files = _markdown(reading, options, name if Form.FIGURES in forms else "")
        elif form is Form.TEXT and options.depth is Depth.PAGE:
            files = _each_page(form, text_pages(extraction, without=options.without))
        elif form in (Form.PAGES, Form.OVERLAY):
            files = _drawn(form, source, extraction, options)
        elif form is Form.CSV:
            tables = tables_of(extraction)
            files = (
                (f"tables/{each.name}.csv", table_csv(each.table, guard=options.guard).encode()) for each in tables
            )
        elif form is Form.FIGURES:
            files = _figures(reading)
        else:
            files = iter((("", single(reading, form, options, name)),))
        for path, data in files:
            yield Output(form, f"{name}/{path}" if path else f"{name}.{SUFFIXES[form]}", data)


def single(reading: Reading, form: Form, options: OutputOptions, name: str = "document") -> bytes:
    """The one file of a form that is one; Markdown and text by page have a form feed between two pages.

    Raises UsageError for a form that is several files.
    """
    extraction = reading.extraction
    if form is Form.MARKDOWN and options.depth is Depth.PAGE:
        return "\f".join(
            each.text for each in markdown_pages(extraction, options.tables, without=options.without)
        ).encode()
    if form is Form.TEXT and options.depth is Depth.PAGE:
        return "\f".join(each.text for each in text_pages(extraction, without=options.without)).encode()
    if form is Form.CSV:
        return "\n".join(table_csv(each.table, guard=options.guard) for each in tables_of(extraction)).encode()
    if form is Form.XLSX:
        return tables_xlsx(tables_of(extraction))
    if form is Form.HTML:
        return html_page(extraction, name, without=options.without, pictures=_inside(reading)).encode()
    texts: dict[Form, Callable[[], str]] = {
        Form.MARKDOWN: lambda: to_markdown(extraction, options.tables, without=options.without),
        Form.TEXT: lambda: to_text(extraction, without=options.without),
        Form.JSON: lambda: to_json(extraction),
        Form.METADATA: lambda: metadata_json(extraction),
    }
    if form not in texts:
        raise UsageError(f"The output {form.value} is several files.", hint="Name a folder for them.")
    return texts[form]().encode()


def can_draw(extraction: Extraction) -> bool:
    """Whether the document has pages that can be drawn, for `pages` and `overlay`."""
    return has_page_pictures(extraction.media_type)


def to_json(extraction: Extraction) -> str:
    """The whole extraction: elements with boxes, cells, lines and confidences, pages, outline, metadata, warnings."""
    return extraction.model_dump_json(indent=2, exclude_defaults=True) + "\n"


def metadata_json(extraction: Extraction) -> str:
    """What the document says of itself and how it was read, without its elements."""
    head = extraction.model_dump(mode="json", include={"media_type", "metadata", "outline", "pages", "warnings"})
    return json.dumps(head, ensure_ascii=False, indent=2) + "\n"


def _each_page(form: Form, pages: Sequence[PageText]) -> Iterator[tuple[str, bytes]]:
    """A file a page; what stands on no page is page 0."""
    for each in pages:
        yield f"pages/page-{each.page or 0:04d}.{SUFFIXES[form]}", each.text.encode()


def _markdown(reading: Reading, options: OutputOptions, folder: str) -> Iterator[tuple[str, bytes]]:
    """Markdown as one file or one a page; it shows the figures that lie in `folder`, none for ""."""
    by_page = options.depth is Depth.PAGE
    base = "../figures" if by_page else f"{quote(folder)}/figures"
    figures = figures_of(reading.extraction) if folder else ()
    addresses = {each.crop.sha256: f"{base}/{each.name}" for each in reversed(figures)}
    if by_page:
        pages = markdown_pages(reading.extraction, options.tables, without=options.without, pictures=addresses)
        yield from _each_page(Form.MARKDOWN, pages)
    else:
        text = to_markdown(reading.extraction, options.tables, without=options.without, pictures=addresses)
        yield "", text.encode()


def _inside(reading: Reading) -> dict[str, str]:
    """The document's pictures as addresses that hold them: such an HTML page needs no other file."""
    return {
        each.crop.sha256: f"data:{each.crop.media_type};base64,{base64.b64encode(data).decode()}"
        for each in figures_of(reading.extraction)
        if (data := reading.crops.get(each.crop.sha256)) is not None
    }


def _figures(reading: Reading) -> Iterator[tuple[str, bytes]]:
    for each in figures_of(reading.extraction):
        if (data := reading.crops.get(each.crop.sha256)) is not None:
            yield f"figures/{each.name}", data


def _drawn(form: Form, source: Source, extraction: Extraction, options: OutputOptions) -> Iterator[tuple[str, bytes]]:
    """A picture of each page that could be read, with its elements for the overlay."""
    readable = tuple((page.number, page.number) for page in extraction.pages if page.status is not PageStatus.FAILED)
    wanted = Wanted(readable, source.password)
    for page in page_pictures(source.data, extraction.media_type, dpi=options.dpi, wanted=wanted):
        if form is Form.OVERLAY:
            own = extraction.on_page(page.number)
            page = PagePicture(page.number, draw_overlay(page, own), page.scale)
        yield f"{form.value}/page-{page.number:04d}.png", page.png()
