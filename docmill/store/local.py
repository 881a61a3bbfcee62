"""A folder as an object store. Hidden names (a leading dot) and links that leave the folder are not objects."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from docmill.errors import DocmillError, MissingObjectError, SourceError, SystemicError, TransientError
from docmill.store.base import ObjectInfo

_log = logging.getLogger(__name__)
_FULL = {errno.ENOSPC, errno.EDQUOT}


def _write_error(error: OSError, path: Path) -> SystemicError:
    """What an OSError at writing or deleting `path` means to the caller: no other file would fare better."""
    if error.errno in _FULL:
        return SystemicError(f"The disk that holds {path.parent} is full.", hint="Free some space, then run again.")
    if isinstance(error, PermissionError):
        return SystemicError(f"{path} may not be written by this user.", hint="Give write permission, then run again.")
    return SystemicError(f"{path} cannot be written: {error.strerror or error}.")


def _read_error(error: OSError, path: Path) -> DocmillError:
    """What an OSError at reading `path` means to the caller."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return MissingObjectError(f"{path} is not there any more.")
    if isinstance(error, PermissionError):
        return TransientError(f"{path} may not be read by this user.", hint="Give read permission, then retry.")
    return SystemicError(f"{path}: {error.strerror or error}.")


def _is_text(entry: os.DirEntry[str]) -> bool:
    """Whether the name is UTF-8; keys are text, so any other file is left out, and said to be."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        _log.warning("%s is left out: its name is not UTF-8. Rename it.", ascii(entry.path))
        return False
    return True


class LocalStore:
    """Files below `root`; the etag is made of the time of the last change (ns), the size and the inode."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.url = f"file://{self.root}/".replace("////", "///")

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Files below the folder in byte order of their keys."""
        if not self.root.is_dir():
            raise SourceError(f"{self.root} is not a folder.", hint="Check the path.")
        yield from self._walk(self.root, "", prefix, after, ())

    def _walk(self, folder: Path, base: str, prefix: str, after: str, above: tuple[Path, ...]) -> Iterator[ObjectInfo]:
        """Files below `folder`, whose keys begin with `base`; links to a folder `above` are not followed round.

        Nothing is asked of what sorts before `after`: a source that is listed in steps is not gone through in each.
        """
        here = folder.resolve()
        if here in above:
            return
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry in entries if not entry.name.startswith(".") and _is_text(entry)]
            folders = {entry.name for entry in found if entry.is_dir() and self._inside(Path(entry.path))}
        except OSError as error:
            raise SourceError(f"{folder} cannot be listed: {error.strerror}.", hint="Check its permissions.") from error
        for entry in sorted(found, key=lambda each: each.name + ("/" if each.name in folders else "")):
            key = base + entry.name
            if entry.name in folders:
                below = key + "/"
                wanted = below.startswith(prefix) or prefix.startswith(below)
                if wanted and (below > after or after.startswith(below)):
                    yield from self._walk(Path(entry.path), below, prefix, after, (*above, here))
            elif key > after and key.startswith(prefix) and self._inside(Path(entry.path)):
                info = self.head(key)
                if info is not None:
                    yield info

    def _inside(self, path: Path) -> bool:
        return not path.is_symlink() or path.resolve().is_relative_to(self.root)

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root):
            raise SourceError(f"The key {key!r} leaves the folder {self.root}.")
        return path

    def head(self, key: str) -> ObjectInfo | None:
        """The file's description, None if it is not a file."""
        path = self._path(key)
        try:
            stat = path.stat()
        except OSError:
            return None
        if not path.is_file():
            return None
        etag = f"{stat.st_mtime_ns:x}-{stat.st_size:x}-{stat.st_ino:x}"
        return ObjectInfo(key=key, size=stat.st_size, etag=etag, modified=stat.st_mtime)

    def get(self, key: str) -> bytes:
        """The file's bytes."""
        path = self._path(key)
        try:
            return path.read_bytes()
        except OSError as error:
            raise _read_error(error, path) from error

    def put(self, key: str, data: bytes) -> None:
        """The file holds `data`, whole or not at all: written beside its place, then moved there."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".put-", delete=False) as file:
                try:
                    file.write(data)
                    file.flush()
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError as error:
            raise _write_error(error, path) from error

    def delete(self, key: str) -> None:
        """The file is gone."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _write_error(error, path) from error
