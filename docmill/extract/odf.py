"""Reads OpenDocument texts, sheets and presentations (odt, ods, odp) from their XML.

Read from the package itself: unstructured needs pandoc for odt and has no reader for ods and odp.
"""

from __future__ import annotations

import re

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.archive import Archive
from docmill.extract.builder import Builder, Fields, table_of, table_text, tidy
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.omml import mathml_text
from docmill.extract.reading import Reading
from docmill.extract.sheets import Sheet, SheetCell, add_sheet
from docmill.extract.untyped import XmlNode
from docmill.models import BBox, Cell, ElementType, Link, Page, PageStatus, Scalar, Table

_URN = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TEXT, TABLE, DRAW, STYLE, META, PRESENTATION, CHART = (
    _URN % name for name in ("office", "text", "table", "drawing", "style", "meta", "presentation", "chart")
)
SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
XLINK = "{http://www.w3.org/1999/xlink}"
DC = "{http://purl.org/dc/elements/1.1/}"
FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_POINTS = {"cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}
_SKIPPED = frozenset({
    TEXT + "tracked-changes", OFFICE + "annotation-end", TEXT + "sequence-decls", OFFICE + "forms", TEXT + "bookmark",
    TEXT + "page-number", DRAW + "frame", DRAW + "g", DRAW + "custom-shape",
})  # fmt: skip
MAX_REPEATS = 1000
MAX_HIDDEN = 1_048_576
_REFERENCE = re.compile(r"\[\.?([^\]]+)\]")


def read_odt(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an OpenDocument text."""
    archive, builder, body = _open(data, config, "odt")
    story = _Story(archive, builder)
    _page_parts(archive, builder, "header", ElementType.HEADER)
    story.blocks(body)
    builder.end_sections()
    for note in body.iter(TEXT + "note"):
        inner = note.find(TEXT + "note-body")
        kind = note.get(TEXT + "note-class") or "footnote"
        if inner is not None:
            text = "\n".join(story.inline(each)[0] for each in inner.iter(TEXT + "p"))
            builder.add(ElementType.FOOTNOTE, text, {"metadata": {"note": kind}})
    for remark in body.iter(OFFICE + "annotation"):
        text = "\n".join(story.inline(each)[0] for each in remark.iter(TEXT + "p"))
        builder.add(ElementType.TEXT, text, {"metadata": {"note": "comment"}})
    _page_parts(archive, builder, "footer", ElementType.FOOTER)
    return builder.reading()


def read_ods(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an OpenDocument spreadsheet, by sheet and region."""
    archive, builder, body = _open(data, config, "ods")
    story = _Story(archive, builder)
    hidden_styles = _hidden_styles(archive)
    for table in body.iter(TABLE + "table"):
        sheet = Sheet(table.get(TABLE + "name") or "", hidden=(table.get(TABLE + "style-name") or "") in hidden_styles)
        sheet.hidden_rows, sheet.hidden_columns = _hidden_parts(table)
        for cell, number in story.cells(table):
            sheet.cells[cell.row, cell.column] = SheetCell(
                cell.text, number, cell.row_span, cell.column_span, cell.formula
            )
        add_sheet(sheet, builder)
        for frame in table.iter(DRAW + "frame") if config.office.hidden or not sheet.hidden else ():
            story.picture(frame, {"sheet": sheet.name})
    return builder.reading()


def _hidden_parts(table: XmlNode) -> tuple[set[int], set[int]]:
    """The hidden rows and columns of a sheet, from 0, those that a filter hides among them."""
    rows: set[int] = set()
    columns: set[int] = set()
    own = ((rows, _own_rows(table), "rows"), (columns, table.iter(TABLE + "table-column"), "columns"))
    for found, parts, kind in own:
        at = 0
        for each in parts:
            times = _count(each, f"number-{kind}-repeated")
            if each.get(TABLE + "visibility") in ("collapse", "filter"):
                found.update(range(at, at + min(times, MAX_HIDDEN)))
            at += times
    return rows, columns


def _formula(cell: XmlNode) -> str:
    """The formula of a cell as spreadsheets show it, `=B2*2` for `of:=[.B2]*2`; "" without one."""
    written = (cell.get(TABLE + "formula") or "").partition(":=")
    return "=" + _REFERENCE.sub(r"\1", written[2]).replace(":.", ":") if written[2] else ""


def read_odp(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an OpenDocument presentation; slides are pages."""
    archive, builder, body = _open(data, config, "odp")
    size = _page_size(archive)
    hidden_styles = _hidden_styles(archive)
    for number, page in enumerate(body.iter(DRAW + "page"), start=1):
        before = len(builder.elements)
        marks: dict[str, Scalar] = {"hidden": True} if page.get(DRAW + "style-name") in hidden_styles else {}
        builder.end_sections()
        for frame in page:
            if frame.tag == PRESENTATION + "notes":
                for paragraph in frame.iter(TEXT + "p"):
                    fields: Fields = {"page": number, "page_size": size, "metadata": {**marks, "notes": True}}
                    builder.add(ElementType.TEXT, _Story(archive, builder).inline(paragraph)[0], fields)
            else:
                place: Fields = {"page": number, "page_size": size, "bbox": _box(frame), "metadata": dict(marks)}
                _frame(archive, builder, frame, place)
        found = len(builder.elements) > before
        status = PageStatus.OK if found else PageStatus.EMPTY
        reason = "" if found else "The slide holds no text."
        builder.pages.append(Page(number=number, width=size[0], height=size[1], status=status, reason=reason))
    return builder.reading()


def _frame(archive: Archive, builder: Builder, frame: XmlNode, fields: Fields) -> None:
    """Adds what a shape of a slide holds."""
    story = _Story(archive, builder, fields)
    if frame.get(PRESENTATION + "class") == "title":
        text = "\n".join(story.inline(each)[0] for each in frame.iter(TEXT + "p"))
        builder.title(text, 1, fields)
        return
    tables = list(frame.iter(TABLE + "table"))
    for table in tables:
        builder.table(story.grid(table), fields)
    boxes = list(frame.iter(DRAW + "text-box")) or ([] if tables else [frame])
    for box in boxes:
        story.blocks(box)
    story.picture(frame, fields)


def _open(data: bytes, config: ExtractConfig, label: str) -> tuple[Archive, Builder, XmlNode]:
    """The package, a builder and the body. Raises CorruptDocumentError, EncryptedDocumentError."""
    archive = Archive(data)
    archive.refuse_doctypes()
    if archive.has("META-INF/manifest.xml") and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise EncryptedDocumentError("The document is protected by a password.", hint="Save a copy without a password.")
    builder = Builder(MEDIA_TYPES[label], config)
    body = archive.xml("content.xml").find(OFFICE + "body")
    if body is None or not len(body):
        raise CorruptDocumentError("The document has no body.", hint="Open and save it again with its own program.")
    if archive.has("meta.xml"):
        for each in archive.xml("meta.xml").iter():
            key = {DC + "title": "title", META + "initial-creator": "author", DC + "subject": "subject"}.get(each.tag)
            if key and tidy(each.text or ""):
                builder.metadata[key] = tidy(each.text)
    return archive, builder, body[0] if len(body) == 1 else body


def _page_parts(archive: Archive, builder: Builder, name: str, kind: ElementType) -> None:
    """Adds the headers or footers of the master pages, each text once."""
    if not archive.has("styles.xml"):
        return
    seen: set[str] = set()
    for part in archive.xml("styles.xml").iter(STYLE + name, STYLE + f"{name}-first", STYLE + f"{name}-left"):
        for paragraph in part.iter(TEXT + "p", TEXT + "h"):
            text = tidy(_Story(archive, builder).inline(paragraph)[0])
            if text and text not in seen:
                seen.add(text)
                builder.add(kind, text)


def _hidden_styles(archive: Archive) -> set[str]:
    """The names of the styles of sheets and slides that are not shown."""
    return {style.get(STYLE + "name") or "" for style in archive.xml("content.xml").iter(STYLE + "style")
            for each in style if each.get(TABLE + "display") == "false"
            or each.get(PRESENTATION + "visibility") == "hidden"}  # fmt: skip


def _page_size(archive: Archive) -> tuple[float, float]:
    """Width and height of the slides in points; 16:9 of 720 points width where the file does not say."""
    if archive.has("styles.xml"):
        for each in archive.xml("styles.xml").iter(STYLE + "page-layout-properties"):
            width, height = _points(each.get(FO + "page-width")), _points(each.get(FO + "page-height"))
            if width and height:
                return width, height
    return 720.0, 405.0


def _points(length: str | None) -> float:
    """A length in points, 0 where it is none."""
    match = re.fullmatch(r"(-?[\d.]+)(cm|mm|in|pt|pc|px)", length or "")
    return round(float(match.group(1)) * _POINTS[match.group(2)], 2) if match else 0.0


def _box(frame: XmlNode) -> BBox | None:
    """The place of a shape in points."""
    width, height = _points(frame.get(SVG + "width")), _points(frame.get(SVG + "height"))
    if not width or not height:
        return None
    x, y = _points(frame.get(SVG + "x")), _points(frame.get(SVG + "y"))
    return BBox(x0=x, y0=y, x1=round(x + width, 2), y1=round(y + height, 2))


class _Story:
    """A flow of paragraphs, lists and tables."""

    def __init__(self, archive: Archive, builder: Builder, fields: Fields | None = None) -> None:
        self.archive = archive
        self.builder = builder
        self.fields: Fields = fields or {}

    def blocks(self, parent: XmlNode, level: int = 0, item: bool = False) -> None:
        """Adds the blocks below the parent; `level` is the nesting of lists."""
        for each in parent:
            if each.tag in (TEXT + "p", TEXT + "h"):
                self.paragraph(each, level, item)
                item = False
            elif each.tag == TEXT + "list":
                for entry in each:
                    self.blocks(entry, level + 1, True)
                item = False
            elif each.tag == TABLE + "table":
                self.table(each)
            elif isinstance(each.tag, str) and each.tag not in _SKIPPED:
                self.blocks(each, level, item)
            elif each.tag in (DRAW + "frame", DRAW + "g", DRAW + "custom-shape"):
                self.frame(each)

    def paragraph(self, element: XmlNode, level: int, item: bool) -> None:
        """Adds a title, list item or text, then the frames anchored in it."""
        text, links = self.inline(element)
        fields: Fields = {**self.fields, "links": tuple(links)}
        outline = element.get(TEXT + "outline-level") or "1"
        style = (element.get(TEXT + "style-name") or "").lower()
        if element.tag == TEXT + "h":
            self.builder.title(text, int(outline) if outline.isdigit() else 1, fields)
        elif style in ("title", "subtitle"):
            self.builder.title(text, 1 if style == "title" else 2, fields)
        elif level:
            fields["level"] = level
            self.builder.add(ElementType.LIST_ITEM if item else ElementType.TEXT, text, fields)
        else:
            kind = ElementType.CAPTION if style in ("caption", "illustration", "drawing") else ElementType.TEXT
            self.builder.add(kind, text, fields)
        for frame in element.iter(DRAW + "frame", DRAW + "custom-shape"):
            if not _nested(frame, element):
                self.frame(frame)

    def frame(self, frame: XmlNode) -> None:
        """Adds the text boxes, tables, formulas and picture of a frame."""
        for box in frame.iter(DRAW + "text-box"):
            self.blocks(box)
        if frame.tag == DRAW + "custom-shape":
            self.blocks(frame)
        self.picture(frame, self.fields)

    def picture(self, frame: XmlNode, fields: Fields) -> None:
        """Adds the frame's picture or formula."""
        titles = [tidy(each.text or "") for each in frame if each.tag in (SVG + "desc", SVG + "title")]
        for each in frame:
            name = (each.get(XLINK + "href") or "").removeprefix("./")
            if each.tag == DRAW + "object" and self.archive.has(f"{name}/content.xml"):
                root = self.archive.xml(f"{name}/content.xml")
                if str(root.tag).endswith("}math"):
                    self.builder.add(ElementType.FORMULA, mathml_text(root), fields)
                    return
                if (chart := root.find(f".//{CHART}chart")) is not None:
                    self.chart(chart, fields)
                    return
            if each.tag == DRAW + "image" and self.archive.has(name):
                self.builder.picture(self.archive.read(name), titles[-1] if titles else "", fields)
                return

    def chart(self, chart: XmlNode, fields: Fields) -> None:
        """Adds a chart with its data, of which the package keeps a table."""
        title = chart.find(CHART + "title")
        name = tidy("".join(title.itertext())) if title is not None else ""
        data = chart.find(f".//{TABLE}table")
        grid = self.grid(data) if data is not None else table_of([])
        text = "\n".join(part for part in (name, table_text(grid)) if part)
        kind = (chart.get(CHART + "class") or "chart").rpartition(":")[2]
        given: Fields = {**fields, "metadata": {**fields.get("metadata", {}), "chart": kind}}
        if grid.cells:
            given["table"] = grid
        self.builder.add(ElementType.CHART, text, given)

    def table(self, element: XmlNode) -> None:
        """Adds a table, then its pictures."""
        self.builder.table(self.grid(element), {**self.fields})
        for frame in element.iter(DRAW + "frame"):
            self.picture(frame, self.fields)

    def inline(self, element: XmlNode) -> tuple[str, list[Link]]:
        """The text of a paragraph with its links, notes and frames left out."""
        parts: list[str] = [element.text or ""]
        links: list[Link] = []
        for each in element:
            tag = each.tag
            if tag == TEXT + "s":
                count = each.get(TEXT + "c") or "1"
                parts.append(" " * min(int(count) if count.isdigit() else 1, 100))
            elif tag == TEXT + "tab":
                parts.append("\t")
            elif tag == TEXT + "line-break":
                parts.append("\n")
            elif isinstance(tag, str) and tag not in _SKIPPED and tag not in (TEXT + "note", OFFICE + "annotation"):
                text, found = self.inline(each)
                parts.append(text)
                links.extend(found)
                if tag == TEXT + "a" and each.get(XLINK + "href") and not each.get(XLINK + "href").startswith("#"):
                    links.append(Link(uri=each.get(XLINK + "href"), text=tidy(text)))
            parts.append(each.tail or "")
        return "".join(parts), links

    def grid(self, table: XmlNode) -> Table:
        """The table as cells."""
        rows = _own_rows(table)
        headers = sum(line.getparent().tag == TABLE + "table-header-rows" for line in rows)
        return table_of([cell for cell, _ in self.cells(table)], header_rows=headers if headers < len(rows) else 0)

    def cells(self, table: XmlNode) -> list[tuple[Cell, bool]]:
        """The filled cells and whether each is a number or date; repeated empty ones only move on."""
        cells: list[tuple[Cell, bool]] = []
        row = 0
        for line in _own_rows(table):
            times = _count(line, "number-rows-repeated")
            found = self._row(line, row)
            for again in range(min(times, MAX_REPEATS) if found else 0):
                cells.extend((cell.model_copy(update={"row": row + again}), number) for cell, number in found)
            row += times
        return cells

    def _row(self, line: XmlNode, row: int) -> list[tuple[Cell, bool]]:
        found = []
        column = 0
        for cell in line:
            if cell.tag not in (TABLE + "table-cell", TABLE + "covered-table-cell"):
                continue
            times = _count(cell, "number-columns-repeated")
            text = "\n".join(self.inline(each)[0] for each in cell.iter(TEXT + "p", TEXT + "h")
                             if not _nested(each, cell))  # fmt: skip
            number = (cell.get(OFFICE + "value-type") or "string") != "string"
            formula = _formula(cell) if self.builder.config.office.formulas else ""
            text = text if text.strip() else formula
            rows = min(_count(cell, "number-rows-spanned"), MAX_REPEATS)
            columns = min(_count(cell, "number-columns-spanned"), MAX_REPEATS)
            for again in range(min(times, MAX_REPEATS) if text.strip() else 0):
                made = Cell(
                    row=row, column=column + again, text=text, row_span=rows, column_span=columns, formula=formula
                )
                found.append((made, number))
            column += times
        return found


def _count(element: XmlNode, name: str) -> int:
    """A repeat or span attribute, 1 without one."""
    value = element.get(TABLE + name) or "1"
    return max(int(value), 1) if value.isdigit() and len(value) < 9 else 1


def _own_rows(table: XmlNode) -> list[XmlNode]:
    """The table's rows, groups and header groups opened, nested tables left out."""
    found = []
    for each in table:
        if each.tag == TABLE + "table-row":
            found.append(each)
        elif each.tag in (TABLE + "table-rows", TABLE + "table-header-rows", TABLE + "table-row-group"):
            found.extend(_own_rows(each))
    return found


def _nested(element: XmlNode, top: XmlNode) -> bool:
    """Whether another frame or a note stands between the element and the top."""
    node = element.getparent()
    while node is not None and node is not top:
        if node.tag in (DRAW + "text-box", DRAW + "custom-shape", TEXT + "note", OFFICE + "annotation"):
            return True
        node = node.getparent()
    return False
