"""Reads Word documents (docx, docm) from their XML.

Written on the XML rather than python-docx or unstructured: both refuse strict packages, and leave out text boxes,
content controls, foot- and endnotes, comments, embedded HTML (altChunk) and formulas, and unstructured repeats merged
cells. Word files hold no page boxes, so elements have no page.
"""

from __future__ import annotations

from collections.abc import Iterator

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.archive import Archive
from docmill.extract.builder import Builder, Fields, table_of, tidy
from docmill.extract.charts import CX, DGM, C, add_chart, add_diagram
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.delimited import has_header
from docmill.extract.docx_styles import Numbering, Styles
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.omml import latex
from docmill.extract.ooxml import MC, WP, A, M, R, Relation, V, W, main_part, ooxml_xml, properties, relations
from docmill.extract.reading import Reading
from docmill.extract.untyped import XmlNode
from docmill.models import Cell, ElementType, Link, Scalar, Table

_WORD_WRAPPERS = "sdt sdtContent ins moveTo smartTag fldSimple ruby rubyBase customXml dir bdo"
_WRAPPERS = frozenset(W + name for name in _WORD_WRAPPERS.split()) | {
    MC + name for name in ("AlternateContent", "Choice", "Fallback")
}
_DELETED = frozenset({W + "del", W + "moveFrom"})
_PAGE_PARTS = (("header", ElementType.HEADER), ("footer", ElementType.FOOTER))


def read_docx(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a Word document. Raises CorruptDocumentError, LimitExceededError."""
    archive = Archive(data)
    archive.refuse_doctypes()
    builder = Builder(MEDIA_TYPES["docx"], config)
    part = main_part(archive, "word/document.xml")
    root = ooxml_xml(archive, part)
    body = root.find(W + "body")
    if body is None:
        raise CorruptDocumentError("The Word document has no body.", hint="Open and save it again with Word.")
    builder.metadata.update(properties(archive))
    related = relations(archive, part)
    styles, numbering = Styles(archive, related), Numbering(archive, related)
    _page_parts(archive, related, styles, numbering, builder, _PAGE_PARTS[0])
    story = _Story(archive, related, styles, numbering, builder)
    story.blocks(body)
    for relation in related.values():
        if relation.kind in ("oleObject", "package"):
            builder.warn("An embedded document was not read: ingest it as a document of its own.")
    _notes(archive, related, styles, numbering, builder)
    _page_parts(archive, related, styles, numbering, builder, _PAGE_PARTS[1])
    return builder.reading()


def _page_parts(
    archive: Archive, related: dict[str, Relation], styles: Styles, numbering: Numbering, builder: Builder,
    wanted: tuple[str, ElementType],
) -> None:  # fmt: skip
    """Adds the headers or footers of all sections, each text once."""
    kind, element_type = wanted
    seen: set[str] = set()
    for relation in sorted((each for each in related.values() if each.kind == kind), key=lambda each: each.target):
        if relation.external or not archive.has(relation.target):
            continue
        story = _Story(archive, relations(archive, relation.target), styles, numbering, builder)
        root = ooxml_xml(archive, relation.target)
        text = tidy(story.cell(root)[0])
        if text and text not in seen:
            seen.add(text)
            builder.add(element_type, text)


def _notes(
    archive: Archive, related: dict[str, Relation], styles: Styles, numbering: Numbering, builder: Builder
) -> None:
    """Adds footnotes, endnotes and comments after the body, each with its kind and number."""
    builder.end_sections()
    for kind, tag in (("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment")):
        for relation in related.values():
            if relation.kind != kind or relation.external or not archive.has(relation.target):
                continue
            story = _Story(archive, relations(archive, relation.target), styles, numbering, builder)
            for note in ooxml_xml(archive, relation.target).iter(W + tag):
                if note.get(W + "type") in ("separator", "continuationSeparator", "continuationNotice"):
                    continue
                text = "\n".join(tidy(story.inline(paragraph)[0]) for paragraph in note.iter(W + "p"))
                marks: dict[str, Scalar] = {"note": tag, "number": note.get(W + "id") or ""}
                if tag == "comment" and note.get(W + "author"):
                    marks["author"] = note.get(W + "author")
                kind_of_note = ElementType.TEXT if tag == "comment" else ElementType.FOOTNOTE
                builder.add(kind_of_note, text, {"metadata": marks})


class _Story:
    """One flow of paragraphs and tables: the body, a header, the notes."""

    def __init__(
        self, archive: Archive, related: dict[str, Relation], styles: Styles, numbering: Numbering, builder: Builder,
    ) -> None:  # fmt: skip
        self.archive = archive
        self.related = related
        self.styles = styles
        self.numbering = numbering
        self.builder = builder

    def blocks(self, parent: XmlNode) -> None:
        """Adds all blocks below the parent in order."""
        for each in block_children(parent):
            if each.tag == W + "p":
                self.paragraph(each)
            elif each.tag == W + "tbl":
                self.table(each)
            elif each.tag == W + "altChunk":
                self.chunk(each)

    def paragraph(self, paragraph: XmlNode) -> None:
        """Adds a paragraph as title, list item, caption, formula or text, then its pictures and text boxes."""
        text, links = self.inline(paragraph)
        properties = paragraph.find(W + "pPr")
        style = self.styles.of(properties)
        fields: Fields = {"links": tuple(links)}
        level = self.styles.heading_level(properties, style)
        item = self.numbering.item(properties, self.styles.numbering(style))
        if level:
            label = self.numbering.label(item) if item else ""
            self.builder.title(f"{label} {text}" if label and tidy(text) else text, level, fields)
        elif item and tidy(text):
            fields["level"] = item.level + 1
            label = self.numbering.label(item)
            marks: dict[str, Scalar] = {"list": "ol", "label": label} if label else {"list": "ul"}
            fields["metadata"] = marks
            self.builder.add(ElementType.LIST_ITEM, text, fields)
        else:
            formula = paragraph.find(M + "oMathPara") is not None and not "".join(self._plain(paragraph)).strip()
            kind = ElementType.FORMULA if formula else self.styles.kind(style)
            if kind is ElementType.LIST_ITEM:
                fields["level"] = self.styles.list_level(style)
            self.builder.add(kind, text, fields)
        self.pictures(paragraph)
        for box in own_boxes(paragraph):
            self.blocks(box)

    def _plain(self, paragraph: XmlNode) -> Iterator[str]:
        """The paragraph's plain text runs."""
        return (each.text or "" for each in paragraph.iter(W + "t"))

    def inline(self, parent: XmlNode) -> tuple[str, list[Link]]:
        """The text of a paragraph with its links; text boxes and deleted text are left out."""
        parts: list[str] = []
        links: list[Link] = []
        self._inline(parent, parts, links, [])
        return "".join(parts), links

    def _inline(self, parent: XmlNode, parts: list[str], links: list[Link], field: list[str]) -> None:
        for each in parent:
            tag = each.tag
            if tag == W + "t":
                parts.append(each.text or "")
            elif tag in (W + "tab", W + "ptab"):
                parts.append("\t")
            elif tag in (W + "br", W + "cr"):
                parts.append("\n")
            elif tag == W + "noBreakHyphen":
                parts.append("-")
            elif tag == W + "sym":
                parts.append(_symbol(each))
            elif tag in (M + "oMath", M + "oMathPara"):
                parts.append(f" {latex(each)} ")
            elif tag == W + "hyperlink":
                self._link(each, parts, links, field)
            elif tag == W + "delText":
                parts.append(each.text or "")
            elif tag == W + "r" or tag in _WRAPPERS or (tag in _DELETED and self.builder.config.office.deleted):
                inner = _choice(each) if tag == MC + "AlternateContent" else each
                self._inline(inner, parts, links, field)

    def _link(self, element: XmlNode, parts: list[str], links: list[Link], field: list[str]) -> None:
        start = len(parts)
        self._inline(element, parts, links, field)
        relation = self.related.get(element.get(R + "id") or "")
        if relation is not None and relation.external:
            anchor = element.get(W + "anchor")
            uri = relation.target + (f"#{anchor}" if anchor else "")
            links.append(Link(uri=uri, text=tidy("".join(parts[start:]))))

    def pictures(self, parent: XmlNode) -> None:
        """Adds the pictures of a paragraph (text boxes apart), with their descriptions."""
        for drawing in parent.iter(A + "blip", V + "imagedata"):
            if any(each.tag == W + "txbxContent" for each in _above(drawing, parent)) or _is_fallback(drawing, parent):
                continue
            key = drawing.get(R + "embed") or drawing.get(R + "id") or drawing.get(R + "link") or ""
            relation = self.related.get(key)
            if relation is None or relation.external or not self.archive.has(relation.target):
                self.builder.warn("A linked picture was not read: only pictures inside the document are.")
                continue
            self.builder.picture(self.archive.read(relation.target), _description(drawing, parent))
        for drawn in parent.iter(C + "chart", CX + "chart", DGM + "relIds"):
            if not _is_fallback(drawn, parent):
                self.drawn(drawn)

    def drawn(self, element: XmlNode) -> None:
        """Adds a chart with its data, or the texts of a diagram."""
        add = add_diagram if element.tag == DGM + "relIds" else add_chart
        relation = self.related.get(element.get(R + ("dm" if add is add_diagram else "id")) or "")
        if relation is not None and self.archive.has(relation.target):
            add(ooxml_xml(self.archive, relation.target), self.builder, {})
        else:
            self.builder.warn("A chart or diagram was not read: the document names it and lacks it.")

    def chunk(self, element: XmlNode) -> None:
        """Adds a document embedded as HTML or text; other kinds are named in the warnings."""
        from docmill.extract.html import add_html, parse_html

        relation = self.related.get(element.get(R + "id") or "")
        if relation is None or not self.archive.has(relation.target):
            return
        data = self.archive.read(relation.target)
        if relation.target.lower().rsplit(".", 1)[-1] in ("html", "htm", "xhtml", "mht", "txt"):
            add_html(parse_html(decode(data, declared_charset(data))[0]), self.builder)
        else:
            self.builder.warn(f"The embedded document {relation.target} was not read.")

    def table(self, element: XmlNode) -> None:
        """Adds a table; its pictures follow it. A table of one cell is a frame: its blocks are added instead."""
        rows = [each for each in block_children(element) if each.tag == W + "tr" and not self._deleted(each)]
        cells = [cell for row in rows for cell in block_children(row) if cell.tag == W + "tc"]
        if len(cells) == 1:
            self.blocks(cells[0])
            return
        self.builder.table(self._grid(rows), {"links": tuple(link for cell in cells for link in self.cell(cell)[1])})
        self.pictures(element)

    def _deleted(self, row: XmlNode) -> bool:
        """Whether tracked changes delete the row, and what they delete does not count."""
        return row.find(f"{W}trPr/{W}del") is not None and not self.builder.config.office.deleted

    def _grid(self, rows: list[XmlNode]) -> Table:
        """The cells at their grid positions, vertical merges joined."""
        cells: list[Cell] = []
        above: dict[int, int] = {}
        headers = 0
        for number, row in enumerate(rows):
            column = _number(row.find(f"{W}trPr/{W}gridBefore"))
            current: dict[int, int] = {}
            for cell in (each for each in block_children(row) if each.tag == W + "tc"):
                width = max(_number(cell.find(f"{W}tcPr/{W}gridSpan")), 1)
                merge = cell.find(f"{W}tcPr/{W}vMerge")
                if merge is not None and merge.get(W + "val") != "restart" and column in above:
                    index = above[column]
                    cells[index] = cells[index].model_copy(update={"row_span": number - cells[index].row + 1})
                    current[column] = index
                else:
                    cells.append(Cell(row=number, column=column, text=self.cell(cell)[0], column_span=width))
                    current[column] = len(cells) - 1
                column += width
            above = current
            header = row.find(f"{W}trPr/{W}tblHeader")
            headers += headers == number and header is not None and header.get(W + "val") not in ("0", "false")
        headers = headers or int(_looks_headed(rows, cells))
        return table_of(cells, header_rows=headers if headers < len(rows) else 0)

    def cell(self, cell: XmlNode) -> tuple[str, list[Link]]:
        """The text of a cell or page part: its paragraphs as lines, nested tables' rows as lines."""
        lines: list[str] = []
        links: list[Link] = []
        for each in block_children(cell):
            if each.tag == W + "p":
                text, found = self.inline(each)
                lines.append(text)
                links.extend(found)
                lines.extend(self.cell(box)[0] for box in own_boxes(each))
            elif each.tag == W + "tbl":
                for row in (inner for inner in block_children(each) if inner.tag == W + "tr"):
                    inner = [self.cell(c) for c in block_children(row) if c.tag == W + "tc"]
                    lines.append(" | ".join(" ".join(text.split()) for text, _ in inner))
                    links.extend(link for _, found in inner for link in found)
        return "\n".join(lines), links


def _looks_headed(rows: list[XmlNode], cells: list[Cell]) -> bool:
    """Whether the table's look sets off its first row and that one names every column, each otherwise."""
    look = rows[0].getparent().find(f"{W}tblPr/{W}tblLook") if rows else None
    if look is None or len(rows) < 2:
        return False
    value = look.get(W + "val") or "0"
    is_set = look.get(W + "firstRow") in ("1", "true") or (value.isalnum() and int(value, 16) & 0x20 != 0)
    first = [" ".join(cell.text.split()) for cell in cells if cell.row == 0]
    return is_set and len(first) > 1 and has_header([first, first])


def block_children(parent: XmlNode) -> Iterator[XmlNode]:
    """The blocks, rows or cells below a parent, wrappers (content controls, insertions) opened."""
    for each in parent:
        if each.tag == MC + "AlternateContent":
            yield from block_children(_choice(each))
        elif each.tag in _WRAPPERS:
            yield from block_children(each)
        elif isinstance(each.tag, str):
            yield each


def own_boxes(paragraph: XmlNode) -> Iterator[XmlNode]:
    """The text boxes anchored in a paragraph, each once though Word writes it twice (drawing and fallback)."""
    for box in paragraph.iter(W + "txbxContent"):
        path = _above(box, paragraph)
        if not _is_fallback(box, paragraph) and not any(each.tag == W + "txbxContent" for each in path):
            yield box


def _choice(alternate: XmlNode) -> XmlNode:
    """The branch to read: the first choice, else the fallback."""
    choice = alternate.find(MC + "Choice")
    fallback = alternate.find(MC + "Fallback")
    return choice if choice is not None else fallback if fallback is not None else alternate


def _above(element: XmlNode, top: XmlNode) -> list[XmlNode]:
    """The ancestors of an element up to, not including, the top."""
    found = []
    node = element.getparent()
    while node is not None and node is not top:
        found.append(node)
        node = node.getparent()
    return found


def _is_fallback(element: XmlNode, top: XmlNode) -> bool:
    """Whether the element stands in a fallback whose choice is read."""
    return any(each.tag == MC + "Fallback" and each.getparent().find(MC + "Choice") is not None
               for each in _above(element, top))  # fmt: skip


def _description(drawing: XmlNode, top: XmlNode) -> str:
    """The description of a picture, "" without one."""
    for each in _above(drawing, top):
        if each.tag in (WP + "inline", WP + "anchor"):
            named = each.find(WP + "docPr")
            return (named.get("descr") or "") if named is not None else ""
        if each.tag == V + "shape":
            return each.get("alt") or ""
    return ""


def _symbol(element: XmlNode) -> str:
    """The character of a symbol; private-use codes of symbol fonts have no meaning and give a bullet-like mark."""
    try:
        code = int(element.get(W + "char") or "", 16)
    except ValueError:
        return ""
    return "•" if 0xE000 <= code <= 0xF8FF else chr(code) if code < 0xD800 else ""


def _number(element: XmlNode) -> int:
    """The value of a number element, 0 without one; at most 1,000."""
    value = element.get(W + "val") if element is not None else None
    return min(int(value), 1000) if value and value.isdigit() else 0
