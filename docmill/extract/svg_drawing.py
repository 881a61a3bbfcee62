"""SVG drawings made safe and drawn.

The drawing is made by MuPDF from a copy without scripts, foreign content and anything that points out of the file, so
nothing is fetched or run.
"""

from __future__ import annotations

import re

from docmill.errors import CorruptDocumentError
from docmill.extract.archive import parse_xml
from docmill.extract.untyped import XmlNode

_UNSAFE = frozenset({"script", "foreignobject", "iframe", "object", "embed", "audio", "video", "handler", "listener"})
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_OUTWARD = re.compile(r"@import|url\(\s*[\"']?(?!#)", re.I)
_FAR = 1e6
_CAPITALED = (
    "clipPath clipPathUnits gradientTransform gradientUnits linearGradient lengthAdjust markerHeight markerUnits "
    "markerWidth maskContentUnits maskUnits patternContentUnits patternTransform patternUnits preserveAspectRatio "
    "radialGradient refX refY spreadMethod startOffset textLength textPath viewBox"
)
_CAPITALS = {name.lower(): name for name in _CAPITALED.split()}
"""The names of SVG with capitals that change what is drawn."""


def svg_of_html(element: XmlNode) -> bytes:
    """A drawing that stands in a web page as a file of its own: HTML knows no capitals and no namespaces."""
    from lxml import etree

    copy = etree.fromstring(etree.tostring(element, with_tail=False), etree.XMLParser(recover=True, no_network=True))
    for each in copy.iter():
        if not isinstance(each.tag, str):
            continue
        each.tag = _CAPITALS.get(each.tag, each.tag)
        for name in list(each.attrib):
            right = "href" if name == "xlink:href" else _CAPITALS.get(name, name)
            if right != name:
                each.set(right, each.attrib.pop(name))
    copy.set("xmlns", "http://www.w3.org/2000/svg")
    return bytes(etree.tostring(copy))


def svg_root(data: bytes) -> XmlNode:
    """The drawing's root element. Raises CorruptDocumentError."""
    root = parse_xml(data, "the drawing", recover=True)
    if local_name(root) != "svg":
        raise CorruptDocumentError("The drawing has no svg element.", hint="Save it again with its own program.")
    return root


def svg_pdf(data: bytes) -> bytes:
    """The drawing as a PDF of one page, safe. Raises CorruptDocumentError."""
    root = svg_root(data)
    made_safe(root)
    return drawn_svg(root)


def drawn_svg(root: XmlNode) -> bytes:
    """A drawing that was made safe, as a PDF of one page. Raises CorruptDocumentError."""
    import pymupdf
    from lxml import etree

    from docmill.extract.pdf.engine import ENGINE_ERRORS

    try:
        with pymupdf.open(stream=etree.tostring(root), filetype="svg") as drawing:
            width, height = drawing[0].rect.width, drawing[0].rect.height
            if not (0 < width < _FAR and 0 < height < _FAR):
                raise CorruptDocumentError(f"The drawing is {width:g} x {height:g} points large.", hint="Scale it.")
            return bytes(drawing.convert_to_pdf())
    except ENGINE_ERRORS as error:
        raise CorruptDocumentError(f"The drawing cannot be drawn: {error}.", hint="Save it as PNG.") from error


def made_safe(root: XmlNode) -> int:
    """How many elements and attributes were taken out of the tree because they run or fetch something."""
    taken = 0
    for element in list(root.iter()):
        name = local_name(element)
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


def local_name(element: XmlNode) -> str:
    """The name of an element in small letters without its namespace."""
    return str(element.tag).rsplit("}", 1)[-1].lower() if isinstance(element.tag, str) else ""
