"""Reads PowerPoint presentations with python-pptx, which resolves the places and placeholders that slides inherit.

Used directly rather than through unstructured, which gives no boxes in points, no spans, charts, notes by slide or
comments. Shapes come in the file's own order, the one that screen readers follow, titles first.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.archive import Archive, parse_xml
from docmill.extract.builder import Builder, Fields, table_of, tidy
from docmill.extract.charts import CX, DGM, add_chart, add_diagram
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.omml import latex
from docmill.extract.ooxml import MC, A, M, R, properties, transitional
from docmill.extract.reading import Reading
from docmill.extract.untyped import OfficeObject
from docmill.models import BBox, Cell, ElementType, Link, Page, PageStatus, Scalar

EMU = 12700
"""English metric units in a point."""


_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_SHAPES = frozenset(_P + name for name in ("sp", "pic", "graphicFrame", "grpSp", "cxnSp"))


@dataclass(frozen=True)
class _Place:
    """How a shape's own units become points on the slide: x * scale_x + dx."""

    scale_x: float = 1 / EMU
    scale_y: float = 1 / EMU
    dx: float = 0.0
    dy: float = 0.0

    def box(self, shape: OfficeObject) -> BBox | None:
        """The shape's box in points, None where it has no place of its own."""
        if shape.left is None or shape.top is None or shape.width is None or shape.height is None:
            return None
        x0, y0 = shape.left * self.scale_x + self.dx, shape.top * self.scale_y + self.dy
        x1, y1 = x0 + shape.width * self.scale_x, y0 + shape.height * self.scale_y
        return BBox(x0=round(x0, 2), y0=round(y0, 2), x1=round(x1, 2), y1=round(y1, 2))

    def inside(self, group: OfficeObject) -> _Place:
        """The place of a group's children."""
        frame = group._element.grpSpPr.find(A + "xfrm")
        if frame is None:
            return self
        off, ext, child_off, child_ext = (frame.find(A + name) for name in ("off", "ext", "chOff", "chExt"))
        if off is None or ext is None or child_off is None or child_ext is None:
            return self
        zoom_x = int(ext.get("cx")) / (int(child_ext.get("cx")) or 1)
        zoom_y = int(ext.get("cy")) / (int(child_ext.get("cy")) or 1)
        return _Place(
            self.scale_x * zoom_x,
            self.scale_y * zoom_y,
            self.dx + (int(off.get("x")) - int(child_off.get("x")) * zoom_x) * self.scale_x,
            self.dy + (int(off.get("y")) - int(child_off.get("y")) * zoom_y) * self.scale_y,
        )


def read_pptx(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a presentation; slides are pages. Raises CorruptDocumentError, LimitExceededError."""
    from lxml import etree
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    archive = Archive(data)
    archive.refuse_doctypes()
    builder = Builder(MEDIA_TYPES["pptx"], config)
    builder.metadata.update(properties(archive))
    try:
        deck = Presentation(io.BytesIO(transitional(archive, data)))
        size = (round(deck.slide_width / EMU, 2), round(deck.slide_height / EMU, 2))
        slides = list(deck.slides)
        if len(slides) > config.max_pages:
            raise LimitExceededError(
                f"The presentation has {len(slides)} slides, more than the {config.max_pages} allowed.",
                hint="Raise extract.max_pages or split the presentation.",
            )
        for number, slide in enumerate(slides, start=1):
            _Slide(builder, slide, number, size).read()
    except (PythonPptxError, etree.LxmlError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError,
            IndexError, OSError) as error:  # fmt: skip
        raise CorruptDocumentError(
            f"The presentation cannot be read: {type(error).__name__}: {error}.",
            hint="Open it in PowerPoint, let it be repaired, and save it again.",
        ) from error
    return builder.reading()


class _Slide:
    """One slide."""

    def __init__(self, builder: Builder, slide: OfficeObject, number: int, size: tuple[float, float]) -> None:
        self.builder = builder
        self.slide = slide
        self.number = number
        self.size = size
        self.hidden = slide._element.get("show") in ("0", "false")

    def read(self) -> None:
        """Adds the slide's elements, notes and comments, and its page."""
        if self.hidden and not self.builder.config.office.hidden:
            reason = "The slide is hidden, and extract.office.hidden leaves it out."
            page = Page(
                number=self.number, width=self.size[0], height=self.size[1], status=PageStatus.EMPTY, reason=reason
            )
            self.builder.pages.append(page)
            return
        before = len(self.builder.elements)
        self.builder.end_sections()
        _choose(self.slide._element)
        for shape, place in sorted(self._shapes(self.slide.shapes, _Place()), key=lambda pair: not _is_title(pair[0])):
            try:
                self._shape(shape, place)
            except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
                self.builder.warn(f"A shape of slide {self.number} could not be read: {type(error).__name__}: {error}.")
        self._notes()
        self._comments()
        found = any(each.text or each.crop for each in self.builder.elements[before:])
        self.builder.pages.append(
            Page(
                number=self.number, width=self.size[0], height=self.size[1],
                status=PageStatus.OK if found else PageStatus.EMPTY, reason="" if found else "The slide holds no text.",
            )
        )  # fmt: skip

    def _shapes(self, shapes: OfficeObject, place: _Place) -> Iterator[tuple[OfficeObject, _Place]]:
        """The shapes with groups opened."""
        from pptx.enum.shapes import MSO_SHAPE_TYPE

        for shape in shapes:
            if _type(shape) == MSO_SHAPE_TYPE.GROUP:
                yield from self._shapes(shape.shapes, place.inside(shape))
            else:
                yield shape, place

    def _fields(self, box: BBox | None, **metadata: Scalar) -> Fields:
        """The fields that all elements of the slide share."""
        if self.hidden:
            metadata["hidden"] = True
        return {"page": self.number, "page_size": self.size, "bbox": box, "metadata": metadata}

    def _shape(self, shape: OfficeObject, place: _Place) -> None:
        """Adds what a shape holds: text, table, chart, diagram or picture."""
        fields = self._fields(place.box(shape))
        if getattr(shape, "has_table", False):
            self._table(shape, fields)
        elif getattr(shape, "has_chart", False):
            add_chart(shape.chart._chartSpace, self.builder, fields)
        elif shape.has_text_frame:
            self._text(shape, fields)
        else:
            self._drawn(shape, fields)
        for blip in shape._element.iter(A + "blip"):
            part = _related(shape.part, blip.get(R + "embed") or "")
            if part is not None:
                self.builder.picture(part.blob, _description(shape), fields)

    def _text(self, shape: OfficeObject, fields: Fields) -> None:
        """Adds a shape's paragraphs: a title as one, lists item by item, other paragraphs in a row as one text."""
        if _is_title(shape):
            self.builder.title(shape.text_frame.text, 1, fields)
            return
        from pptx.enum.shapes import PP_PLACEHOLDER

        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind in (PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER):
            self.builder.add(ElementType.FOOTER, shape.text_frame.text, fields)
            return
        if kind == PP_PLACEHOLDER.HEADER:
            self.builder.add(ElementType.HEADER, shape.text_frame.text, fields)
            return
        bulleted = kind in (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT)
        self._paragraphs(list(shape.text_frame.paragraphs), bulleted, fields)

    def _paragraphs(self, paragraphs: list[OfficeObject], bulleted: bool, fields: Fields) -> None:
        """Adds paragraphs; neighbours that are no list items stay together."""
        lines: list[str] = []
        links: list[Link] = []
        for paragraph in paragraphs:
            text, found = _paragraph_text(paragraph), _paragraph_links(paragraph)
            if _is_formula(paragraph):
                self.builder.add(ElementType.TEXT, "\n".join(lines), {**fields, "links": tuple(links)})
                self.builder.add(ElementType.FORMULA, text, fields)
                lines, links = [], []
                continue
            if not _is_item(paragraph, bulleted and len(paragraphs) > 1):
                lines.append(text)
                links.extend(found)
                continue
            self.builder.add(ElementType.TEXT, "\n".join(lines), {**fields, "links": tuple(links)})
            lines, links = [], []
            level = min(paragraph.level + 1, 9)
            self.builder.add(ElementType.LIST_ITEM, text, {**fields, "level": level, "links": tuple(found)})
        self.builder.add(ElementType.TEXT, "\n".join(lines), {**fields, "links": tuple(links)})

    def _table(self, shape: OfficeObject, fields: Fields) -> None:
        """Adds a table with its spans."""
        cells = []
        for row, line in enumerate(shape.table._tbl.tr_lst):
            for column, cell in enumerate(line.tc_lst):
                if cell.get("hMerge") in ("1", "true") or cell.get("vMerge") in ("1", "true"):
                    continue
                text = "\n".join("".join(_runs(each)) for each in cell.iter(A + "p"))
                cells.append(Cell(row=row, column=column, text=text, row_span=int(cell.get("rowSpan") or 1),
                                  column_span=int(cell.get("gridSpan") or 1)))  # fmt: skip
        rows = len(shape.table._tbl.tr_lst)
        header = 1 if shape.table.first_row and rows > 1 else 0
        self.builder.table(table_of(cells, header_rows=header), fields)

    def _drawn(self, shape: OfficeObject, fields: Fields) -> None:
        """Adds the texts of SmartArt diagrams, and charts of the kind that python-pptx does not know."""
        for each in shape._element.iter(DGM + "relIds", CX + "chart"):
            add, key = (add_diagram, "dm") if each.tag == DGM + "relIds" else (add_chart, "id")
            part = _related(shape.part, each.get(R + key) or "")
            if part is not None:
                add(parse_xml(part.blob, "the drawing"), self.builder, fields)

    def _notes(self) -> None:
        """Adds the speaker's notes as one text."""
        if not self.slide.has_notes_slide:
            return
        frame = self.slide.notes_slide.notes_text_frame
        if frame is not None:
            self.builder.add(ElementType.TEXT, frame.text, self._fields(None, notes=True))

    def _comments(self) -> None:
        """Adds reviewers' comments, old and threaded ones; names embedded documents in the warnings."""
        for relation in self.slide.part.rels.values():
            if relation.reltype.endswith(("/oleObject", "/package")):
                self.builder.warn("An embedded document was not read: ingest it as a document of its own.")
            if relation.is_external or "comment" not in relation.reltype.rsplit("/", 1)[-1].lower():
                continue
            root = parse_xml(relation.target_part.blob, "the comments")
            for comment in root.iter():
                name = comment.tag.rsplit("}", 1)[-1]
                if name in ("cm", "reply"):
                    texts = [each.text or "" for child in comment if not str(child.tag).endswith("replyLst")
                             for each in child.iter() if each.tag.rsplit("}", 1)[-1] in ("text", "t")]  # fmt: skip
                    self.builder.add(ElementType.TEXT, "\n".join(texts), self._fields(None, comment=True))


def _choose(slide: OfficeObject) -> None:
    """The slide's shapes have those of the first choice where the file gives a choice: python-pptx sees neither."""
    for alternate in list(slide.iter(MC + "AlternateContent")):
        choice = alternate.find(MC + "Choice")
        chosen = choice if choice is not None else alternate.find(MC + "Fallback")
        parent = alternate.getparent()
        for each in list(chosen) if chosen is not None else ():
            if each.tag in _SHAPES:
                alternate.addprevious(each)
        if any(str(each.tag) in _SHAPES for each in parent):
            parent.remove(alternate)


def _type(shape: OfficeObject) -> OfficeObject:
    """The shape's type, None for kinds that python-pptx does not know."""
    try:
        return shape.shape_type
    except NotImplementedError:
        return None


def _is_title(shape: OfficeObject) -> bool:
    """Whether the shape is the slide's title."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    titles = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE)
    return bool(shape.is_placeholder and shape.placeholder_format.type in titles and shape.has_text_frame)


def _is_item(paragraph: OfficeObject, bulleted: bool) -> bool:
    """Whether a paragraph is a list item: by its own bullet, else by that of its placeholder."""
    own = paragraph._p.pPr
    if own is not None:
        if own.find(A + "buNone") is not None:
            return False
        if own.find(A + "buChar") is not None or own.find(A + "buAutoNum") is not None:
            return True
    return bulleted


def _runs(paragraph: OfficeObject) -> Iterator[str]:
    """The texts of a paragraph's runs, fields and breaks."""
    for each in paragraph.iter():
        if each.tag == A + "t":
            yield each.text or ""
        elif each.tag == A + "br":
            yield "\n"
        elif each.tag == M + "oMath":
            yield f" {latex(each)} "


def _is_formula(paragraph: OfficeObject) -> bool:
    """Whether the paragraph holds a formula and nothing besides."""
    runs = "".join(each.text or "" for each in paragraph._p.iter(A + "t"))
    return not runs.strip() and next(paragraph._p.iter(M + "oMath"), None) is not None


def _paragraph_text(paragraph: OfficeObject) -> str:
    return "".join(_runs(paragraph._p))


def _paragraph_links(paragraph: OfficeObject) -> list[Link]:
    """The links of a paragraph's runs."""
    found = []
    for run in paragraph.runs:
        try:
            address = run.hyperlink.address
        except KeyError:
            continue
        if address:
            found.append(Link(uri=address, text=tidy(run.text)))
    return found


def _related(part: OfficeObject, identifier: str) -> OfficeObject:
    """The part that a relationship names, None where it is missing or outside of the package."""
    relation = part.rels.get(identifier)
    return None if relation is None or relation.is_external else relation.target_part


def _description(shape: OfficeObject) -> str:
    """The picture's description, "" without one."""
    for each in shape._element.iter():
        if str(each.tag).endswith("}cNvPr"):
            return each.get("descr") or ""
    return ""
