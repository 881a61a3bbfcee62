"""Takes embedded documents out of Office packages (docx, pptx, xlsx): packages and OLE objects, not charts' data."""

from __future__ import annotations

import io
import posixpath
import struct
from collections.abc import Iterator

from docmill.errors import CorruptDocumentError
from docmill.extract.archive import Archive
from docmill.extract.media_type import OLE2
from docmill.extract.ooxml import relations
from docmill.extract.parts import Budget, Part

_NATIVE = "\x01ole10native"
_FORMULA = ("equation native", "mathtype")
_OFFICE = {"worddocument": ".doc", "workbook": ".xls", "book": ".xls", "powerpoint document": ".ppt",
           "__properties_version1.0": ".msg"}  # fmt: skip
_BROKEN = (OSError, ValueError, IndexError, TypeError, struct.error, AttributeError)


def ooxml_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The documents embedded in an Office package. Raises CorruptDocumentError, LimitExceededError."""
    archive = Archive(data)
    for target in _targets(archive):
        name = posixpath.basename(target)
        part = archive.read(target)
        budget.spend(len(part))
        if part.startswith(OLE2):
            found = _object(part, name)
            if found is not None:
                yield found
        else:
            yield Part(name, part)


def _targets(archive: Archive) -> list[str]:
    """The names of the embedded parts; those that only charts name are their data, which the charts show."""
    found: dict[str, None] = {}
    for name in archive.names:
        folder, _, base = name.partition("_rels/")
        if not base.endswith(".rels") or "/charts/" in f"/{folder}":
            continue
        for relation in relations(archive, folder + base.removesuffix(".rels")).values():
            embedded = relation.kind in ("package", "oleObject") and not relation.external
            if embedded and archive.has(relation.target):
                found[relation.target] = None
    return sorted(found)


def _object(part: bytes, name: str) -> Part | None:
    """The document in an OLE object, None for a formula, which the text shows as a picture."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(part)) as ole:
            streams = {"/".join(entry).lower(): entry for entry in ole.listdir()}
            if any(each in _FORMULA for each in streams):
                return None
            if _NATIVE in streams:
                return _native(ole.openstream(streams[_NATIVE]).read(), name)
            for inner in ("package", "contents"):
                if inner in streams:
                    return Part(name.removesuffix(".bin"), ole.openstream(streams[inner]).read())
    except _BROKEN as error:
        return Part(name, b"", CorruptDocumentError(f"The embedded object {name} is damaged: {error}."))
    ending = next((ending for stream, ending in _OFFICE.items() if stream in streams), "")
    return Part(name.removesuffix(".bin") + ending if ending else name, part)


def _native(stream: bytes, name: str) -> Part:
    """The file in a Packager object ([MS-OLEDS] 2.3.6): size, label, path, command, then the bytes."""
    at = 6
    label_end = stream.index(b"\0", at)
    label = stream[at:label_end].decode("latin-1")
    at = stream.index(b"\0", label_end + 1) + 1
    at += 4
    (length,) = struct.unpack_from("<I", stream, at)
    at += 4 + length
    (size,) = struct.unpack_from("<I", stream, at)
    inside = posixpath.basename(label.replace("\\", "/"))
    return Part(inside or name, stream[at + 4 : at + 4 + size])
