"""Opens zip packages (docx, pptx, xlsx, odt, epub) without falling for zip bombs or XML entities.

The sizes in a zip's directory bound what `zipfile` unpacks (it stops there and then fails on the checksum), so checking
them before the first byte is unpacked is enough.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.untyped import XmlNode

MAX_UNPACKED = 1_000_000_000
MAX_RATIO = 200
MAX_ENTRIES = 50_000
SMALL = 50_000_000
"""Bytes; a package that unpacks to less is harmless whatever its ratio."""


class Archive:
    """A zip package: names and parts."""

    def __init__(self, data: bytes, max_unpacked: int = MAX_UNPACKED) -> None:
        """Raises CorruptDocumentError where it is no zip, LimitExceededError where it unpacks to too much."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise CorruptDocumentError(
                f"The zip package cannot be opened: {error}.", hint="Open and save it again with its own program."
            ) from error
        infos = self._zip.infolist()
        total = sum(info.file_size for info in infos)
        if len(infos) > MAX_ENTRIES or total > max_unpacked or (total > SMALL and total > MAX_RATIO * len(data)):
            raise LimitExceededError(
                f"The zip package of {len(data)} bytes unpacks to {total} bytes in {len(infos)} parts, not safely.",
                hint=f"At most {max_unpacked} bytes, {MAX_RATIO} times its size and {MAX_ENTRIES} parts are unpacked.",
            )
        self.infos = infos
        self.names = [info.filename for info in infos]
        self._by_name = {name.lower().lstrip("/").replace("\\", "/"): name for name in reversed(self.names)}

    def has(self, name: str) -> bool:
        """Whether the part exists; letter case and a leading slash do not count."""
        return name.lower().lstrip("/") in self._by_name

    def read(self, name: str) -> bytes:
        """The part's bytes. Raises CorruptDocumentError where it is missing or damaged."""
        try:
            return self._zip.read(self._by_name[name.lower().lstrip("/")])
        except KeyError as error:
            raise CorruptDocumentError(
                f"The package lacks its part {name}.", hint="Open and save it again with its own program."
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            raise CorruptDocumentError(
                f"The part {name} of the package cannot be unpacked: {error}.",
                hint="The file is damaged or its parts are encrypted: open and save it again with its own program.",
            ) from error

    def rewritten(self, change: Callable[[str, bytes], bytes]) -> bytes:
        """The package again, each part as `change(name, bytes)` gives it; parts without bytes are left out."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
            for name in self.names:
                part = change(name, self.read(name))
                if part:
                    package.writestr(name, part)
        return out.getvalue()

    def xml(self, name: str) -> XmlNode:
        """The part's root element. Raises CorruptDocumentError where it is no XML."""
        return parse_xml(self.read(name), name)

    def _head(self, name: str) -> bytes:
        """The first 1,024 bytes of a part; none where it is damaged, which only matters if it is needed."""
        try:
            with self._zip.open(name) as part:
                return part.read(1024)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
            return b""

    def refuse_doctypes(self) -> None:
        """Raises CorruptDocumentError where an XML part declares a document type: office files never do, attacks do."""
        for name in self.names:
            if name.lower().endswith((".xml", ".rels")) and b"<!DOCTYPE" in self._head(name):
                raise CorruptDocumentError(
                    f"The part {name} declares a document type, which no office file needs and attacks use.",
                    hint="Open and save it again with its own program.",
                )


def parse_xml(data: bytes, name: str = "the document", *, recover: bool = False) -> XmlNode:
    """The root element; entities are not expanded and nothing is fetched. Raises CorruptDocumentError."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CorruptDocumentError(
            f"The XML of {name} cannot be read: {error}.", hint="Save the document again with its own program."
        ) from error
    if root is None:
        raise CorruptDocumentError(f"The XML of {name} holds no element.", hint="Save the document again.")
    return root
