"""Reads HTML with lxml: headings with levels, nested lists, tables with spans, code, pictures, links.

Written on lxml rather than unstructured's HTML partitioner: that one costs 2.3 CPU-s to import, drops row and column
spans and nested list levels, and has no place for header cells. Markdown, EPUB chapters and HTML mail pass through here
too.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError
from docmill.extract.builder import Builder, Fields, clean, table_of
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.svg_drawing import svg_of_html
from docmill.extract.untyped import XmlNode
from docmill.models import Cell, ElementType, Link, Table

_SKIPPED = "script style template noscript head iframe object canvas datalist svg audio video map"
_BLOCKS = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu nav ol optgroup option p "
    "plaintext pre search section summary table tbody td tfoot th thead tr ul xmp"
)
SKIPPED = frozenset(_SKIPPED.split())
BLOCKS = frozenset(_BLOCKS.split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_INLINE_SPACE = re.compile(r"[ \t\r\n\f]+")
MAX_SPAN = 1000
MAX_DEPTH = 120
"""Elements nested deeper lose their tags, not their text: the walk is recursive, four calls a level."""
MAX_CELLS = 5_000_000


def read_html(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an HTML document. Raises CorruptDocumentError where it holds no markup at all."""
    text, charset = decode(data, declared_charset(data))
    builder = Builder(MEDIA_TYPES["html"], config)
    root = parse_html(text)
    title = root.findtext(".//title")
    if title and title.strip():
        builder.metadata["title"] = " ".join(clean(title).split())
    builder.metadata["charset"] = charset
    if root.get("lang"):
        builder.metadata["language"] = root.get("lang")
    add_html(root, builder)
    return builder.reading()


def parse_html(text: str) -> XmlNode:
    """The root element of HTML, however broken. Raises CorruptDocumentError where there is nothing to parse."""
    from lxml import etree, html

    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", clean(text), count=1)
    parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(text, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise CorruptDocumentError(f"The HTML cannot be read: {error}.", hint="Save the page again.") from error
    deep = []
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "end" and depth >= MAX_DEPTH and isinstance(element.tag, str):
            deep.append(element)
    for element in deep:
        element.tail = f" {element.tail or ''}"
        element.drop_tag()
    return root


def add_html(root: XmlNode, builder: Builder, *, base_level: int = 0, images: dict[str, bytes] | None = None) -> None:
    """Adds the elements of a parsed page; `images` holds pictures by the `src` that names them."""
    walker = _Walker(builder, base_level, images or {})
    walker.block(root)
    walker.flush()


@dataclass
class _Inline:
    """Text collected up to the next block, with its links."""

    parts: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    def take(self) -> tuple[str, tuple[Link, ...]]:
        """The collected text with single spaces, and its links; empties both."""
        text = _collapse("".join(self.parts))
        links = tuple(self.links)
        self.parts, self.links = [], []
        return text, links


def _collapse(text: str) -> str:
    """Text with HTML's white space collapsed; "\\v" stands for a line break."""
    return _INLINE_SPACE.sub(" ", text).replace(" \v", "\n").replace("\v ", "\n").replace("\v", "\n").strip()


class _Walker:
    """Walks the tree once; text gathers in `inline` until a block begins or ends."""

    def __init__(self, builder: Builder, base_level: int, images: dict[str, bytes]) -> None:
        self.builder = builder
        self.base_level = base_level
        self.images = images
        self.inline = _Inline()
        self.lists: list[str] = []
        self.kind = ElementType.TEXT
        self.pending = False
        self.missing: set[str] = set()

    def flush(self) -> None:
        """Makes an element of the text gathered so far."""
        text, links = self.inline.take()
        if not text:
            return
        fields: Fields = {"links": links}
        if self.kind is ElementType.LIST_ITEM and self.pending:
            fields["level"] = max(len(self.lists), 1)
            fields["metadata"] = {"list": self.lists[-1] if self.lists else "ul"}
            self.builder.add(ElementType.LIST_ITEM, text, fields)
            self.pending = False
            return
        kind = ElementType.TEXT if self.kind is ElementType.LIST_ITEM else self.kind
        for piece in re.split(r"\n\s*\n", text):
            here = tuple(link for link in links if link.text in piece)
            self.builder.add(kind, piece, {**fields, "links": here})

    def block(self, element: XmlNode) -> None:
        """Walks an element that begins and ends lines."""
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in SKIPPED or _hidden(element):
            return
        self.flush()
        if re.fullmatch("h[1-6]", tag):
            self.heading(element, int(tag[1]))
        elif tag == "table":
            self.table(element)
        elif tag in ("pre", "listing", "xmp", "plaintext"):
            self.code(element)
        else:
            self.container(element, tag)

    def heading(self, element: XmlNode, level: int) -> None:
        """Adds a title."""
        inside = inline_text(element)
        self.builder.title(inside.take()[0], level + self.base_level, {"links": tuple(_links(element))})
        self.pictures(element)

    def code(self, element: XmlNode) -> None:
        """Adds preformatted text as code, with its language where a class names it."""
        classes = " ".join(each.get("class", "") for each in element.iter() if isinstance(each.tag, str))
        language = re.search(r"\b(?:language|lang|highlight-source)-([\w+#-]+)", classes)
        fields: Fields = {"metadata": {"code_language": language.group(1)}} if language else {}
        text = "".join("\n" if each.tag == "br" else "" for each in element) + "".join(element.itertext())
        self.builder.add(ElementType.CODE, text.strip("\n"), fields)

    def container(self, element: XmlNode, tag: str) -> None:
        """Walks a block's content with its meaning set, and sets it back."""
        outer, was_pending = self.kind, self.pending
        if tag in ("ul", "ol", "menu", "dir"):
            self.lists.append("ol" if tag == "ol" else "ul")
        elif tag == "li":
            self.kind, self.pending = ElementType.LIST_ITEM, True
        elif tag in ("figcaption", "caption"):
            self.kind = ElementType.CAPTION
        self.children(element)
        self.flush()
        if tag in ("ul", "ol", "menu", "dir"):
            self.lists.pop()
        self.kind = outer
        self.pending = was_pending if tag == "li" else self.pending

    def children(self, element: XmlNode) -> None:
        """Walks text and children in document order."""
        self.inline.parts.append(element.text or "")
        for child in element:
            if isinstance(child.tag, str):
                self.child(child)
            self.inline.parts.append(child.tail or "")

    def child(self, child: XmlNode) -> None:
        """Walks one child: block, line break, picture, form field or inline text."""
        tag = child.tag
        if tag in BLOCKS:
            self.block(child)
        elif tag == "svg" and not _hidden(child):
            self.flush()
            self.builder.picture(svg_of_html(child), "")
        elif tag in SKIPPED or _hidden(child):
            return
        elif tag == "br":
            self.inline.parts.append("\v")
        elif tag == "img":
            self.image(child)
        elif tag in ("input", "textarea", "select", "button"):
            self.field(child)
        elif tag == "math":
            self.formula(child)
        else:
            if tag == "a" and child.get("href"):
                self.inline.links.extend(_links(child, own=True))
            self.children(child)

    def field(self, child: XmlNode) -> None:
        """Adds a form field's value or choices as inline text; hidden fields and passwords are left out."""
        if child.tag == "select":
            chosen = [each for each in child.iter("option") if each.get("selected") is not None]
            self.inline.parts.append(" " + ", ".join("".join(each.itertext()).strip() for each in chosen) + " ")
        elif child.tag == "input":
            if child.get("type", "text").lower() in (
                "text",
                "submit",
                "button",
                "email",
                "tel",
                "number",
                "date",
                "url",
            ):
                self.inline.parts.append(f" {child.get('value') or child.get('placeholder') or ''} ")
        else:
            self.children(child)

    def formula(self, element: XmlNode) -> None:
        """Adds MathML as inline text: its TeX annotation where there is one."""
        for annotation in element.iter("annotation"):
            if "tex" in annotation.get("encoding", "").lower():
                self.inline.parts.append(f" {''.join(annotation.itertext())} ")
                return
        self.inline.parts.append(" " + "".join(element.itertext()) + " ")

    def image(self, element: XmlNode) -> None:
        """Adds a picture that the document holds itself; of others the description stays."""
        source, text = element.get("src") or "", element.get("alt") or ""
        data = self.images.get(source) or _inline_picture(source)
        if data:
            self.flush()
            self.builder.picture(data, text)
            return
        if text.strip():
            self.inline.parts.append(f" {text} ")
        if source and source not in self.missing:
            self.missing.add(source)
            self.builder.warn("A linked picture was not read: only pictures inside the document are.")

    def pictures(self, element: XmlNode) -> None:
        """Adds the pictures inside a title, after it."""
        for each in element.iter("img"):
            data = self.images.get(each.get("src") or "") or _inline_picture(each.get("src") or "")
            if data:
                self.builder.picture(data, each.get("alt") or "")

    def table(self, element: XmlNode) -> None:
        """Adds a table with spans; a table that only lays out other blocks is walked instead."""
        if _is_layout(element):
            for row in _rows(element):
                for cell in _cells(row):
                    self.block(cell)
            return
        caption = element.find("caption")
        title = inline_text(caption).take()[0] if caption is not None else ""
        table = html_table(element, title)
        ordinal = self.builder.table(table, {"links": tuple(_links(element))}) if table.cells else None
        if title:
            fields: Fields = {"describes": ordinal} if ordinal is not None else {}
            self.builder.add(ElementType.CAPTION, title, fields)
        self.pictures(element)
        for inner in element.iter("table"):
            if inner is not element and not _is_layout(inner):
                self.builder.table(html_table(inner), {"metadata": {"nested": True}})


def inline_text(element: XmlNode) -> _Inline:
    """All text below an element; blocks and line breaks begin new lines, nested tables' cells are spaced."""
    found = _Inline()

    def walk(node: XmlNode) -> None:
        found.parts.append(node.text or "")
        for child in node:
            if isinstance(child.tag, str) and child.tag not in SKIPPED and not _hidden(child):
                is_block = child.tag in BLOCKS or child.tag == "br"
                found.parts.append("\v" if is_block and child.tag not in ("td", "th") else "")
                found.parts.append(" " if child.tag in ("td", "th") else "")
                if child.tag == "img":
                    found.parts.append(f" {child.get('alt') or ''} ")
                walk(child)
                found.parts.append("\v" if child.tag in BLOCKS and child.tag not in ("td", "th") else "")
            found.parts.append(child.tail or "")

    walk(element)
    return found


def html_table(element: XmlNode, title: str = "") -> Table:
    """The table's cells at their grid positions; header rows are those of `thead`, or leading rows of `th` only."""
    taken: set[tuple[int, int]] = set()
    cells: list[Cell] = []
    head_rows, leading = 0, True
    rows = _rows(element)
    for number, row in enumerate(rows):
        column, here = 0, _cells(row)
        for cell in here:
            while (number, column) in taken:
                column += 1
            height = min(_span(cell, "rowspan") or len(rows) - number, len(rows) - number)
            width = max(_span(cell, "colspan"), 1)
            if len(taken) + height * width > MAX_CELLS:
                break
            taken.update((number + down, column + right) for down in range(height) for right in range(width))
            cells.append(Cell(row=number, column=column, text=inline_text(cell).take()[0], row_span=height,
                              column_span=width, header=cell.tag == "th"))  # fmt: skip
            column += width
        parent = row.getparent()
        is_head = (parent is not None and parent.tag == "thead") or (bool(here) and all(c.tag == "th" for c in here))
        leading = leading and is_head
        head_rows += leading
    return table_of(cells, header_rows=head_rows if head_rows < len(rows) else 0, title=title)


def _rows(table: XmlNode) -> list[XmlNode]:
    """The table's own rows, head first and foot last; rows of nested tables are not among them."""
    parts: dict[str, list[XmlNode]] = {"thead": [], "tbody": [], "tfoot": []}
    for child in table:
        if child.tag == "tr":
            parts["tbody"].append(child)
        elif child.tag in parts:
            parts[child.tag].extend(each for each in child if each.tag == "tr")
    return [row for row in parts["thead"] + parts["tbody"] + parts["tfoot"] if not _hidden(row)]


def _cells(row: XmlNode) -> list[XmlNode]:
    """The cells of a row."""
    return [each for each in row if each.tag in ("td", "th")]


def _span(cell: XmlNode, name: str) -> int:
    """A span attribute as a number from 0 (to the end of the table) to MAX_SPAN; 1 where it is no number."""
    digits = re.match(r"\s*(\d{1,6})", cell.get(name) or "")
    return min(int(digits.group(1)), MAX_SPAN) if digits else 1


def _is_layout(table: XmlNode) -> bool:
    """Whether a table only places blocks: it says so, has one cell, or its cells hold tables or headings."""
    if table.get("role") in ("presentation", "none"):
        return True
    cells = [cell for row in _rows(table) for cell in _cells(row)]
    if any(cell.tag == "th" for cell in cells):
        return False
    blocks = sum(cell.find(".//h1") is not None or cell.find(".//h2") is not None or cell.find(".//table") is not None
                 for cell in cells)  # fmt: skip
    return len(cells) <= 1 or blocks * 2 > len(cells) or (blocks > 0 and len(cells) <= 4)


def _hidden(element: XmlNode) -> bool:
    """Whether the element is never shown."""
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))


def _links(element: XmlNode, *, own: bool = False) -> list[Link]:
    """The links below an element (or the element's own), anchors within the page left out."""
    found = []
    for each in [element] if own else element.iter("a"):
        uri = clean(each.get("href") or "").strip()
        if uri and not uri.startswith(("#", "javascript:")):
            found.append(Link(uri=uri, text=_collapse("".join(each.itertext()))))
    return found


def _inline_picture(source: str) -> bytes:
    """The picture of a data: address, b"" for any other."""
    match = re.match(r"data:image/[\w.+-]+(;[^,]*)?,", source, re.I)
    if not match:
        return b""
    body = source[match.end() :]
    if "base64" in (match.group(1) or "").lower():
        try:
            return base64.b64decode(re.sub(r"\s", "", body), validate=False)
        except (binascii.Error, ValueError):
            return b""
    return unquote_to_bytes(body)
