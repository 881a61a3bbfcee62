"""What the user named, as documents of object stores: paths, globs, folders, URLs and buffers."""

from __future__ import annotations

import glob
import hashlib
import io
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from docmill.errors import DocmillError, MissingObjectError, SourceError
from docmill.fetch import fetch, rules_of
from docmill.ids import document_id
from docmill.models import Document
from docmill.store import canonical_url
from docmill.workspace import Workspace

_log = logging.getLogger(__name__)
_TYPES = {
    "txt": "text", "md": "text", "json": "text", "sh": "text", "jpg": "jpeg", "htm": "html", "tif": "tiff",
}  # fmt: skip
_UNREADABLE = {"", "exe", "dll", "so", "bin", "7z", "rar", "db", "pyc"}
_ARCHIVES = {"zip", "tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz", "zst", "mbox"}


@dataclass(frozen=True)
class Named:
    """A document as the user named it: a path or URL, or a buffer's name with its bytes."""

    name: str
    data: bytes | None = None

    @property
    def document_type(self) -> str:
        """The type that the name's extension says."""
        suffix = Path(self.name.partition("?")[0]).suffix.lower().removeprefix(".")
        return _TYPES.get(suffix, suffix)

    @property
    def is_archive(self) -> bool:
        """Whether it is a document only for the documents in it."""
        return self.document_type in _ARCHIVES


def named_files(given: str | Sequence[str]) -> Iterator[Named]:
    """The files that paths, globs, folders and URLs name, in the order given; globs and folders sorted.

    Raises SourceError for a path that is not there. Files of an unreadable kind are passed over, with a line of log.
    """
    for pattern in [given] if isinstance(given, str | os.PathLike) else given:
        pattern = str(pattern)
        if "://" in pattern and not pattern.startswith("file://"):
            yield Named(pattern)
            continue
        pattern = pattern.removeprefix("file://")
        if os.path.isdir(pattern):
            found = sorted(str(each) for each in Path(pattern).rglob("*") if each.is_file() and each.name[0] != ".")
        elif os.path.isfile(pattern):
            found = [pattern]
        else:
            found = sorted(each for each in glob.glob(pattern, recursive=True) if os.path.isfile(each))
            if not found and not glob.has_magic(pattern):
                raise SourceError(f"{pattern} does not exist.", hint="Check the path.")
        for path in found:
            if Named(path).document_type in _UNREADABLE:
                _log.warning("%s is passed over: no reader takes files of this kind.", path)
            else:
                yield Named(path)


def named_buffer(name: str, buffer: io.BytesIO | bytes) -> Named:
    """A buffer under a name; its type comes from the name's extension."""
    return Named(name, buffer if isinstance(buffer, bytes) else buffer.getvalue())


def located(workspace: Workspace, collection: str, named: Named) -> Document:
    """The document in the object store that holds it; buffers and web pages are put into docmill's own first.

    Raises the DocmillError that says why it cannot be had.
    """
    if named.data is not None:
        return _kept(workspace, collection, Path(named.name).name, named.data)
    if named.name.startswith(("http://", "https://")):
        found = fetch(named.name, rules_of(workspace.settings, own=True))
        return _kept(workspace, collection, found.name, found.data)
    if named.name.startswith("s3://"):
        bucket, _, key = named.name.removeprefix("s3://").partition("/")
        return _listed(workspace, collection, f"s3://{bucket}/", key)
    if "://" in named.name:
        raise SourceError(f"{named.name} is not an address that can be read.", hint="Use a path, s3:// or https://.")
    path = Path(named.name).absolute()
    return _listed(workspace, collection, canonical_url(str(path.parent)), path.name)


def _kept(workspace: Workspace, collection: str, name: str, data: bytes) -> Document:
    key = f"uploads/{hashlib.sha256(data).hexdigest()}/{name}"
    if workspace.store.head(key) is None:
        workspace.store.put(key, data)
    folder, _, file = f"{workspace.store.url}{key}".rpartition("/")
    return _listed(workspace, collection, folder + "/", file)


def _listed(workspace: Workspace, collection: str, source: str, key: str) -> Document:
    info = workspace.source(source).head(key)
    if info is None:
        raise MissingObjectError(f"There is no object {source}{key}.", hint="Check the path.")
    return Document(
        document_id=document_id(collection, source + key),
        collection=collection,
        source=source,
        source_key=source + key,
        etag=info.etag,
        size=info.size,
        modified=info.modified,
    )


@dataclass(frozen=True)
class Found:
    """A named document with its place, or with the reason why it cannot be had."""

    index: int
    named: Named
    document: Document | None = None
    error: DocmillError | None = None


def find_all(workspace: Workspace, collection: str, named: Sequence[Named]) -> Iterator[Found]:
    """Each named document, found or not."""
    for index, each in enumerate(named):
        try:
            yield Found(index, each, located(workspace, collection, each))
        except DocmillError as error:
            yield Found(index, each, error=error)
