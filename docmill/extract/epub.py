"""Reads EPUB books: the chapters in the order of the spine, each through the HTML reader.

Read from the package itself: unstructured needs pandoc for EPUB, which comes in no Python package.
"""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from docmill.config import ExtractConfig
from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.archive import Archive, parse_xml
from docmill.extract.builder import Builder, tidy
from docmill.extract.decoding import declared_charset, decode
from docmill.extract.html import add_html, parse_html
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.untyped import XmlNode

_CONTAINER = "META-INF/container.xml"
_FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def read_epub(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a book. Raises CorruptDocumentError, EncryptedDocumentError, LimitExceededError."""
    archive = Archive(data)
    _refuse_encrypted(archive)
    builder = Builder(MEDIA_TYPES["epub"], config)
    package_name = _package_name(archive)
    package = parse_xml(archive.read(package_name), package_name, recover=True)
    _metadata(package, builder)
    folder = posixpath.dirname(package_name)
    items = {_local(each, "id"): each for each in package.iter() if _tag(each) == "item"}
    for reference in (each for each in package.iter() if _tag(each) == "itemref"):
        item = items.get(reference.get("idref") or "")
        if item is None:
            builder.warn(f"The chapter {reference.get('idref')} is not in the book's list.")
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
        if not archive.has(name):
            builder.warn(f"The chapter {name} is missing from the book.")
        elif "html" in (item.get("media-type") or "") or name.lower().endswith(("html", "htm")):
            _chapter(archive, name, builder)
        else:
            builder.warn(f"The part {name} is no HTML chapter and was not read.")
    return builder.reading()


def _chapter(archive: Archive, name: str, builder: Builder) -> None:
    """Adds a chapter with its pictures."""
    data = archive.read(name)
    text = decode(data, declared_charset(data))[0]
    if not text.strip():
        return
    root = parse_html(text)
    images = {}
    for each in root.iter("img"):
        source = each.get("src") or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(source)))
        if archive.has(path):
            images[source] = archive.read(path)
    add_html(root, builder, images=images)


def _refuse_encrypted(archive: Archive) -> None:
    """Raises EncryptedDocumentError where more than fonts is encrypted."""
    if not archive.has("META-INF/encryption.xml"):
        return
    methods = [each.get("Algorithm") or "" for each in archive.xml("META-INF/encryption.xml").iter()
               if _tag(each) == "EncryptionMethod"]  # fmt: skip
    if any(method not in _FONTS_ONLY for method in methods):
        raise EncryptedDocumentError(
            "The book is protected (DRM): its chapters are encrypted.", hint="Get a copy without protection."
        )


def _package_name(archive: Archive) -> str:
    """The name of the package document."""
    if archive.has(_CONTAINER):
        for each in archive.xml(_CONTAINER).iter():
            if _tag(each) == "rootfile" and archive.has(each.get("full-path") or ""):
                return str(each.get("full-path"))
    for name in archive.names:
        if name.lower().endswith(".opf"):
            return name
    raise CorruptDocumentError("The book names no package document.", hint="Export the EPUB again.")


def _metadata(package: XmlNode, builder: Builder) -> None:
    """Title, author, language and date."""
    for each in package.iter():
        key = {"title": "title", "creator": "author", "language": "language", "date": "date"}.get(_tag(each))
        if key and tidy(each.text or "") and key not in builder.metadata:
            builder.metadata[key] = tidy(each.text)


def _tag(element: XmlNode) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def _local(element: XmlNode, name: str) -> str:
    return element.get(name) or ""
