"""Reads SVG drawings: their texts from the XML, and the drawing as a picture.

The drawing is made by MuPDF from a copy without scripts, foreign content and anything that points out of the file, so
nothing is fetched or run.
"""

from __future__ import annotations

import re

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError
from docmill.extract.archive import parse_xml
from docmill.extract.builder import Builder, Fields
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.untyped import XmlNode
from docmill.models import BBox, ElementType, Page, PageStatus

MAX_SIDE = 2_000
"""Pixels of the longer side of the picture."""
_UNSAFE = frozenset({"script", "foreignobject", "iframe", "object", "embed", "audio", "video", "handler", "listener"})
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_OUTWARD = re.compile(r"@import|url\(\s*[\"']?(?!#)", re.I)
_SPACE = re.compile(r"\s+")


def read_svg(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a drawing; a user unit of it is a point. Raises CorruptDocumentError."""
    root = parse_xml(data, "the drawing", recover=True)
    builder = Builder(MEDIA_TYPES["svg"], config)
    if _local(root) != "svg":
        raise CorruptDocumentError("The drawing has no svg element.", hint="Save it again with its own program.")
    taken = _made_safe(root)
    if taken:
        builder.warn(f"{taken} scripts and references out of the drawing were left out: nothing is fetched or run.")
    picture, size = (None, (1.0, 1.0)) if config.mode is Mode.FAST else _drawn(root)
    fields: Fields = {"page": 1, "page_size": size}
    texts = _texts(root)
    for title in texts["title"]:
        builder.title(title, 1, fields)
    if picture is not None:
        whole = BBox(x0=0, y0=0, x1=size[0], y1=size[1])
        builder.picture(picture, " ".join(texts["desc"]), {**fields, "bbox": whole})
    elif config.mode is not Mode.FAST:
        builder.warn("The drawing could not be drawn: only its texts were read.")
    for text in texts["text"]:
        builder.add(ElementType.TEXT, text, fields)
    status = PageStatus.OK if builder.elements else PageStatus.EMPTY
    builder.pages.append(Page(number=1, width=size[0], height=size[1], status=status))
    return builder.reading()


def drawn_svg(data: bytes) -> bytes:
    """The drawing as PNG, without what it would run or fetch; raises CorruptDocumentError where it cannot be drawn."""
    root = parse_xml(data, "the drawing", recover=True)
    _made_safe(root)
    picture, _ = _drawn(root)
    if picture is None:
        raise CorruptDocumentError("The drawing cannot be drawn.", hint="Save it again with its own program.")
    return picture


def _local(element: XmlNode) -> str:
    return str(element.tag).rsplit("}", 1)[-1].lower() if isinstance(element.tag, str) else ""


def _made_safe(root: XmlNode) -> int:
    """How many elements and attributes were taken out of the tree because they run or fetch something."""
    taken = 0
    for element in list(root.iter()):
        name = _local(element)
        if name in _UNSAFE or (name == "style" and _OUTWARD.search(element.text or "")):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
                taken += 1
            continue
        for key, value in list(element.attrib.items()):
            points = key in _HREF and not value.strip().startswith(("#", "data:image/"))
            if points and name == "a":
                continue
            if points or key.lower().startswith("on") or _OUTWARD.search(value):
                del element.attrib[key]
                taken += 1
    return taken


def _texts(root: XmlNode) -> dict[str, list[str]]:
    """The drawing's own title and description, and its texts in order, each once."""
    found: dict[str, list[str]] = {"title": [], "desc": [], "text": []}
    for element in root.iter():
        name = _local(element)
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


def _drawn(root: XmlNode) -> tuple[bytes | None, tuple[float, float]]:
    """The drawing as PNG and its size in points; no picture where MuPDF cannot draw it."""
    import pymupdf
    from lxml import etree

    from docmill.extract.pdf.engine import ENGINE_ERRORS

    try:
        with pymupdf.open(stream=etree.tostring(root), filetype="svg") as drawing:
            page = drawing[0]
            width, height = page.rect.width, page.rect.height
            if not (0 < width < 1e6 and 0 < height < 1e6):
                return None, (1.0, 1.0)
            zoom = min(MAX_SIDE / max(width, height), 2.0)
            pixels = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False)
            return pixels.tobytes("png"), (round(width, 2), round(height, 2))
    except ENGINE_ERRORS:
        return None, (1.0, 1.0)
