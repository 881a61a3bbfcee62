"""Reads SVG files: their texts from the XML, and the drawing as a picture, or as a chart with its data."""

from __future__ import annotations

import re

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError
from docmill.extract.builder import Builder, Fields
from docmill.extract.drawings import page_size, read_drawing
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.svg_drawing import drawn_svg, local_name, made_safe, svg_root
from docmill.extract.untyped import XmlNode
from docmill.models import BBox, ElementType, Page, PageStatus

_SPACE = re.compile(r"\s+")


def read_svg(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a drawing; a user unit of it is a point. Raises CorruptDocumentError."""
    root = svg_root(data)
    builder = Builder(MEDIA_TYPES["svg"], config)
    taken = made_safe(root)
    if taken:
        builder.warn(f"{taken} scripts and references out of the drawing were left out: nothing is fetched or run.")
    page, size = (b"", (1.0, 1.0)) if config.mode is Mode.FAST else _page(root, builder)
    fields: Fields = {"page": 1, "page_size": size}
    texts = _texts(root)
    for title in texts["title"]:
        builder.title(title, 1, fields)
    drawn = read_drawing(page, margins=True) if page else None
    if drawn is not None:
        whole = BBox(x0=0, y0=0, x1=size[0], y1=size[1])
        about: Fields = {**fields, "bbox": whole, "table": drawn.table, "confidence": drawn.confidence}
        builder.picture(drawn.png, "\n".join(texts["desc"]), about, drawn.kind)
    if drawn is not None and drawn.table is not None:
        builder.elements[-1] = builder.elements[-1].model_copy(update={"text": drawn.text})
    else:
        for text in texts["text"]:
            builder.add(ElementType.TEXT, text, fields)
    status = PageStatus.OK if builder.elements else PageStatus.EMPTY
    builder.pages.append(Page(number=1, width=size[0], height=size[1], status=status))
    return builder.reading()


def _page(root: XmlNode, builder: Builder) -> tuple[bytes, tuple[float, float]]:
    """The drawing as a page of a PDF, and its size; no page, and a warning, where MuPDF cannot draw it."""
    try:
        page = drawn_svg(root)
        return page, page_size(page)
    except CorruptDocumentError as error:
        builder.warn(f"Only the texts of the drawing were read: {error.message}")
        return b"", (1.0, 1.0)


def _texts(root: XmlNode) -> dict[str, list[str]]:
    """The drawing's own title and description, and its texts in order, each once."""
    found: dict[str, list[str]] = {"title": [], "desc": [], "text": []}
    for element in root.iter():
        name = local_name(element)
        if name not in found or (name != "text" and element.getparent() is not root):
            continue
        text = _SPACE.sub(" ", "".join(_runs(element))).strip()
        if text:
            found[name].append(text)
    return found


def _runs(element: XmlNode) -> list[str]:
    """The texts of an element; a span with a place of its own begins a new word."""
    runs = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            runs += [" "] if {"x", "y", "dy"} & set(child.attrib) else []
            runs += _runs(child)
        runs.append(child.tail or "")
    return runs
