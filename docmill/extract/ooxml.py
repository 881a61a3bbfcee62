"""What docx and xlsx packages share: namespaces (transitional and strict), relationships, document properties."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from docmill.errors import CorruptDocumentError
from docmill.extract.archive import Archive, parse_xml
from docmill.extract.builder import tidy
from docmill.extract.untyped import XmlNode
from docmill.models import Scalar

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
V = "{urn:schemas-microsoft-com:vml}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
DOCUMENT = "officeDocument"

_STRICT = (
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    (b"http://purl.oclc.org/ooxml/wordprocessingml/", b"http://schemas.openxmlformats.org/wordprocessingml/2006/"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/", b"http://schemas.openxmlformats.org/spreadsheetml/2006/"),
)


@dataclass(frozen=True)
class Relation:
    """A relationship: the last word of its type and its target (a part's name, or an address when external)."""

    kind: str
    target: str
    external: bool


def ooxml_xml(archive: Archive, name: str) -> XmlNode:
    """The part's root element, strict namespaces changed into transitional ones."""
    return parse_xml(_transitional_part(name if name.endswith(".xml") else f"{name}.xml", archive.read(name)), name)


def relations(archive: Archive, part: str) -> dict[str, Relation]:
    """The relationships of a part ("" for the package) by id; none where the package lists none."""
    folder, base = posixpath.split(part)
    name = posixpath.join(folder, "_rels", f"{base}.rels")
    if not archive.has(name):
        return {}
    found = {}
    for each in archive.xml(name):
        target = each.get("Target") or ""
        external = each.get("TargetMode") == "External"
        if not external:
            target = (
                target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            )
        found[each.get("Id") or ""] = Relation((each.get("Type") or "").rsplit("/", 1)[-1], target, external)
    return found


def main_part(archive: Archive, usual: str) -> str:
    """The name of the document's main part. Raises CorruptDocumentError where there is none."""
    for relation in relations(archive, "").values():
        if relation.kind == DOCUMENT and archive.has(relation.target):
            return relation.target
    if archive.has(usual):
        return usual
    raise CorruptDocumentError(
        f"The package names no main part and has no {usual}.", hint="Open and save it again with its own program."
    )


def properties(archive: Archive) -> dict[str, Scalar]:
    """Title, author, subject, keywords and dates of the document, those that are set."""
    if not archive.has("docProps/core.xml"):
        return {}
    try:
        root = archive.xml("docProps/core.xml")
    except CorruptDocumentError:
        return {}
    names = {"title": "title", "creator": "author", "subject": "subject", "keywords": "keywords", "created": "created",
             "modified": "modified", "language": "language"}  # fmt: skip
    found: dict[str, Scalar] = {}
    for each in root:
        key = names.get(each.tag.rsplit("}", 1)[-1]) if isinstance(each.tag, str) else None
        if key and tidy(each.text or ""):
            found[key] = tidy(each.text or "")
    return dict(sorted(found.items()))


def transitional(archive: Archive, data: bytes) -> bytes:
    """The package with strict namespaces changed into transitional ones; the same bytes where it is not strict."""
    main = next((name for name in ("xl/workbook.xml", "ppt/presentation.xml") if archive.has(name)), "")
    if not main or b"purl.oclc.org" not in archive.read(main):
        return data
    return archive.rewritten(_transitional_part)


def _transitional_part(name: str, part: bytes) -> bytes:
    """An XML part with transitional namespaces; other parts as they are."""
    if name.endswith((".xml", ".rels")):
        for strict, other in _STRICT:
            part = part.replace(strict, other)
    return part
