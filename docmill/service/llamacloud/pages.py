"""An extraction as the pages of the protocol: text, Markdown, items with boxes, layout, links; pure.

Boxes of items are in points from the top left of the page, those of the layout in shares of the page.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docmill.extract.render import TableStyle, to_markdown, to_text
from docmill.models import BBox, Element, ElementType, Extraction, Page, PageStatus, Table
from docmill.service.llamacloud.bundle import MERGED
from docmill.service.llamacloud.options import ParseOptions, with_page
from docmill.structured.record import Json

_RULE = re.compile(r"(?m)^---[ \t]*$")
_PIPE = re.compile(r" *(?<!\\)\| *")
_PRINTED = re.compile(
    r"(?:page|p\.|seite)?\s*[-–]?\s*(\d{1,4}|(?=[ivxl])(?:x[cl]|l?x{0,3})(?:i[xv]|v?i{0,3}))\s*[-–]?"
    r"(?:\s*(?:/|of|von)\s*\d{1,4})?",
    re.IGNORECASE,
)
"""A page number as it stands in a head or foot: 7, - 7 -, Page 7 of 20, vii."""
_LETTER = (612.0, 792.0)
_LABELS = {
    ElementType.TITLE: "title",
    ElementType.TABLE: "table",
    ElementType.LIST_ITEM: "list",
    ElementType.HEADER: "header",
    ElementType.FOOTER: "footer",
    ElementType.IMAGE: "figure",
    ElementType.CHART: "figure",
    ElementType.INFOGRAPHIC: "figure",
}


@dataclass(frozen=True)
class Side:
    """What stands on one page."""

    page: Page
    elements: tuple[Element, ...]


def sides_of(extraction: Extraction, options: ParseOptions) -> list[Side]:
    """The wanted pages, blank and failed ones too; a document without pages has one, a workbook one a sheet."""
    if extraction.pages:
        first = extraction.pages[0].number
        loose = [each for each in extraction.elements if each.page is None]
        found = [
            Side(page, (*(loose if page.number == first else ()), *extraction.on_page(page.number)))
            for page in extraction.pages
        ]
    else:
        found = _without_pages(extraction)
    wanted = options.pages
    return [
        Side(side.page, _inside(side, options))
        for side in found
        if not wanted or any(first <= side.page.number <= last for first, last in wanted)
    ]


def _without_pages(extraction: Extraction) -> list[Side]:
    groups: dict[str, list[Element]] = {}
    sheet = ""
    for each in extraction.elements:
        sheet = each.sheet or sheet
        groups.setdefault(sheet, []).append(each)
    return [
        Side(Page(number=number, width=_LETTER[0], height=_LETTER[1]), (*_sheet_heading(name), *elements))
        for number, (name, elements) in enumerate((groups or {"": []}).items(), 1)
    ]


def _sheet_heading(name: str) -> tuple[Element, ...]:
    return (Element(ordinal=0, type=ElementType.TITLE, text=name, level=1, sheet=name),) if name else ()


def _inside(side: Side, options: ParseOptions) -> tuple[Element, ...]:
    """The elements whose middle lies within the margins, links taken out where they are not asked for."""
    top, right, bottom, left = options.margins
    width, height = side.page.width, side.page.height
    kept = []
    for each in side.elements:
        box = each.bbox
        if box is not None and (top or right or bottom or left):
            x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            if not (left * width <= x <= (1 - right) * width and top * height <= y <= (1 - bottom) * height):
                continue
        kept.append(each if options.annotate_links else each.model_copy(update={"links": ()}))
    return tuple(kept)


def page_of(side: Side, extraction: Extraction, options: ParseOptions, pictures: Mapping[str, str]) -> Json:
    """The page; `pictures` names the file of the picture with a sha256. Its images and charts are still empty."""
    page, elements = side.page, side.elements
    tables: TableStyle = "html" if options.tables_as_html else "markdown"
    shown = pictures if options.inline_images_in_markdown else {}
    hidden = {ElementType.HEADER} if options.hide_headers else set()
    hidden |= {ElementType.FOOTER} if options.hide_footers else set()
    here = extraction.model_copy(update={"elements": elements})
    text = _RULE.sub("- - -", to_text(here)).rstrip("\n")
    md = _RULE.sub("***", to_markdown(here, tables, without=hidden, pictures=shown)).rstrip("\n")
    if options.compact_markdown_table:
        md = _compact(md)
    found: Json = {
        "page": page.number,
        "status": _STATUS.get(page.status, "OK") if text or page.status is PageStatus.FAILED else "BLANK",
        "width": page.width,
        "height": page.height,
        "text": text,
        "md": md,
        "items": [_item(each, here, options) for each in elements if _has_content(each)],
        "images": [],
        "charts": [],
        "tables": [],
        "layout": [_layout(each, page) for each in elements if each.bbox is not None],
        "links": [{"url": link.uri, "text": link.text} for each in elements for link in each.links],
        "structuredData": None,
        "noStructuredContent": True,
        "noTextContent": not text,
        "triggeredAutoMode": False,
        "parsingMode": options.mode,
        "confidence": _confidence(elements),
    }
    found |= _edges(here, options)
    if page.status is PageStatus.FAILED:
        found["error"] = page.reason or "The page could not be read."
        found["md"] = _replaced(found, options)
    found["md"] = _around(str(found["md"]), page.number, options)
    return found


def _compact(md: str) -> str:
    """The Markdown with pipe tables whose cells have no blanks around them."""
    lines = md.split("\n")
    return "\n".join(_PIPE.sub("|", line) if line.startswith("|") and line.endswith("|") else line for line in lines)


def add_merged(
    pages: Sequence[Json],
    sides: Sequence[Side],
    extraction: Extraction,
    options: ParseOptions,
    pictures: Mapping[str, str],
) -> None:
    """Pages of a table that goes on have another Markdown for the joined text: it stands whole on its first page."""
    whole = {each.ordinal: each for each in extraction.elements if each.continued and each.table is not None}
    wanted = {side.page.number for side in sides}
    for page, side in zip(pages, sides, strict=True):
        if side.page.status is PageStatus.FAILED or not any(each.ordinal in whole for each in side.elements):
            continue
        kept = []
        for each in side.elements:
            table = whole.get(each.ordinal)
            first = min((number for number in _pages_of(table) if number in wanted), default=0) if table else 0
            if table is None:
                kept.append(each)
            elif first == side.page.number:
                kept.append(table.model_copy(update={"continued": ()}))
        other = page_of(Side(side.page, tuple(kept)), extraction, options, pictures)
        page[MERGED] = other["md"]


def _pages_of(element: Element) -> list[int]:
    return [number for number in (element.page, *(each.page for each in element.continued)) if number is not None]


_STATUS = {PageStatus.FAILED: "FAILED", PageStatus.EMPTY: "BLANK"}


def _has_content(element: Element) -> bool:
    return bool(element.text.strip()) or element.table is not None


def _around(text: str, number: int, options: ParseOptions) -> str:
    return with_page(options.page_prefix, number) + text + with_page(options.page_suffix, number)


def _replaced(page: Json, options: ParseOptions) -> str:
    """What stands in place of a page that could not be read."""
    if options.replace_failed_page_mode == "blank_page":
        return ""
    if options.replace_failed_page_mode == "raw_text":
        return str(page["text"])
    before, after = (
        options.replace_failed_page_with_error_message_prefix,
        options.replace_failed_page_with_error_message_suffix,
    )
    return f"{before}{page['error']}{after}"


def _edges(extraction: Extraction, options: ParseOptions) -> Json:
    """Header and footer of the page where it has some."""
    found: Json = {}
    ends = (
        (ElementType.HEADER, "pageHeaderMarkdown", options.page_header_prefix, options.page_header_suffix),
        (ElementType.FOOTER, "pageFooterMarkdown", options.page_footer_prefix, options.page_footer_suffix),
    )
    for kind, name, before, after in ends:
        texts = [each.text.strip() for each in extraction.elements if each.type is kind and each.text.strip()]
        if texts:
            found[name] = before + "\n".join(texts) + after
    if options.extract_printed_page_number:
        found["printedPageNumber"] = _printed_number(extraction)
    return found


def _printed_number(extraction: Extraction) -> str | None:
    """The number that the page bears in its foot or head, None where none is told apart."""
    edges = (ElementType.FOOTER, ElementType.HEADER)
    lines = [
        line for kind in edges for each in extraction.elements if each.type is kind for line in each.text.split("\n")
    ]
    return next((match[1] for line in lines if (match := _PRINTED.fullmatch(line.strip()))), None)


def _item(element: Element, extraction: Extraction, options: ParseOptions) -> Json:
    tables: TableStyle = "html" if options.tables_as_html else "markdown"
    md = to_markdown(extraction.model_copy(update={"elements": (element,)}), tables).rstrip("\n")
    item: Json = {"type": "text", "value": element.text, "md": md}
    if element.table is not None:
        rows = table_rows(element.table)
        item = {"type": "table", "md": md, "html": element.table.html(), "rows": [*rows]}  # type: ignore[list-item]
        item |= {"csv": quoted_csv(rows), "isPerfectTable": len({len(row) for row in rows}) <= 1}
    elif element.type is ElementType.TITLE:
        item |= {"type": "heading", "lvl": element.level or 1}
    if element.bbox is not None:
        item["bBox"] = box_of(element.bbox)
    if element.confidence is not None:
        item["confidence"] = element.confidence
    if options.line_level_bounding_box and element.lines:
        item["lines"] = [*_lines(element)]
    return item


def _lines(element: Element) -> list[Json]:
    found: list[Json] = []
    start = 0
    for line in element.lines:
        at = element.text.find(line.text, start)
        start = at if at >= 0 else start
        end = start + len(line.text)
        found.append(
            {"md": line.text, "text": line.text, "bBox": box_of(line.bbox), "startIndex": start, "endIndex": end}
        )
        start = end
    return found


def table_rows(table: Table) -> list[list[str]]:
    """The rows that repeat nothing, all of one length; a merged cell's text stands at all of its places."""
    grid = [[""] * table.columns for _ in range(table.rows)]
    for cell in table.cells:
        for row in range(cell.row, min(cell.row + cell.row_span, table.rows)):
            for column in range(cell.column, min(cell.column + cell.column_span, table.columns)):
                grid[row][column] = cell.text
    return [grid[row] for row in table.shown_rows()]


def quoted_csv(rows: Sequence[Sequence[str]]) -> str:
    """The rows as CSV with every cell quoted, without a line end at the end."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return out.getvalue().removesuffix("\n")


def box_of(box: BBox) -> Json:
    """The box as the protocol writes it."""
    return {"x": box.x0, "y": box.y0, "w": box.x1 - box.x0, "h": box.y1 - box.y0}


def _layout(element: Element, page: Page) -> Json:
    assert element.bbox is not None
    box, width, height = element.bbox, page.width or 1.0, page.height or 1.0
    x, y = _share(box.x0, width), _share(box.y0, height)
    return {
        "image": "",
        "label": _LABELS.get(element.type, "text"),
        "confidence": element.confidence if element.confidence is not None else 1.0,
        "bbox": {"x": x, "y": y, "w": _share(box.x1, width) - x, "h": _share(box.y1, height) - y},
        "isLikelyNoise": False,
    }


def _share(length: float, whole: float) -> float:
    return min(1.0, max(0.0, length / whole))


def _confidence(elements: Sequence[Element]) -> float:
    """The mean of what was recognised; 1 where all is the document's own text."""
    known = [each.confidence for each in elements if each.confidence is not None]
    return round(sum(known) / len(known), 4) if known else 1.0
