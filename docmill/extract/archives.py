"""Opens archives: zip, tar, and single files or tars compressed by gzip, bzip2, xz or Zstandard.

Nothing is written to disk, so paths can do no harm; those that lead out of the archive are refused all the same, for
whoever made them meant harm. Sizes are bounded before (zip) or while (all others) bytes are unpacked.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from docmill.errors import CorruptDocumentError, DocmillError, EncryptedDocumentError, LimitExceededError
from docmill.extract.archive import Archive
from docmill.extract.parts import Budget, Part
from docmill.extract.untyped import Foreign

_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)")
_OUTSIDE = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)")
_ENCRYPTED = 0x1
_DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError, RuntimeError)


def zip_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The files of a zip archive. Raises CorruptDocumentError, LimitExceededError."""
    archive = Archive(data, budget.bytes)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for info in archive.infos:
            name = info.filename.replace("\\", "/")
            if info.is_dir() or _LITTER.search(name):
                continue
            error = _refused(name)
            if error is None and info.flag_bits & _ENCRYPTED:
                hint = "Unpack the archive with its password and ingest the files in it."
                error = EncryptedDocumentError(f"{name} is protected by a password.", hint=hint)
            if error is not None:
                yield Part(name, b"", error)
                continue
            budget.spend(info.file_size)
            yield _unzipped(package, info, name)


def _unzipped(package: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Part:
    try:
        return Part(name, package.read(info))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError) as error:
        return Part(name, b"", CorruptDocumentError(f"{name} cannot be unpacked: {error}.", hint="Pack it again."))


def _refused(name: str) -> DocmillError | None:
    """The error of a path that leads out of the archive."""
    if not _OUTSIDE.search(name):
        return None
    return CorruptDocumentError(
        f"The path {name} leads out of the archive, as attacks do.", hint="Pack it again with relative paths."
    )


def tar_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The files of a tar archive; links and devices are left out. What follows a damaged place is one broken part."""
    return _tar(io.BytesIO(data), budget)


def compressed_parts(data: bytes, budget: Budget) -> Iterator[Part]:
    """The files of a compressed tar, or the one file of any other compressed file. Raises LimitExceededError."""
    limit = budget.share(len(data))
    stream = _Bounded(_decompressor(data), limit)
    if _is_tar(data):
        yield from _tar(stream, budget)
        return
    name = _gzip_name(data) or "content"
    try:
        unpacked = stream.read()
    except _DAMAGED as error:
        yield Part(name, b"", CorruptDocumentError(f"{name} cannot be unpacked: {error}.", hint="Pack it again."))
        return
    budget.spend(len(unpacked))
    yield Part(name, unpacked)


class _Bounded(io.RawIOBase):
    """A stream that raises LimitExceededError once it has given `limit` bytes."""

    def __init__(self, stream: Foreign, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; all of them if that is negative."""
        data: bytes = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise LimitExceededError(
                f"The compressed file unpacks to more than {self._limit} bytes, not safely.",
                hint="Unpack it and ingest the files in it.",
            )
        return data


def _decompressor(data: bytes) -> Foreign:
    """The unpacked bytes as a stream, by the kind of compression that the first bytes tell."""
    stream = io.BytesIO(data)
    if data.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=stream)
    if data.startswith(b"BZh"):
        return bz2.BZ2File(stream)
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(stream)
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(stream)


def _is_tar(data: bytes) -> bool:
    """Whether the unpacked bytes begin as a tar archive does."""
    try:
        return bool(_decompressor(data).read(512)[257:262] == b"ustar")
    except _DAMAGED:
        return False


def _gzip_name(data: bytes) -> str:
    """The name that gzip kept of the file, "" where it kept none."""
    if not data.startswith(b"\x1f\x8b") or len(data) < 12 or data[3] & 0x0C != 0x08:
        return ""
    return data[10 : data.find(b"\0", 10, 300)].decode("latin-1").replace("/", "_")


def _tar(stream: Foreign, budget: Budget) -> Iterator[Part]:
    """The files of a tar stream in the order in which they lie there."""
    last = ""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                name = info.name.removeprefix("./")
                if not info.isfile() or _LITTER.search(name):
                    continue
                error = _refused(name)
                if error is not None:
                    yield Part(name, b"", error)
                    continue
                budget.spend(info.size)
                file = archive.extractfile(info)
                yield Part(name, file.read() if file else b"")
                last = name
    except _DAMAGED as error:
        after = f" after {last}" if last else ""
        damaged = CorruptDocumentError(f"The archive is damaged{after}: {error}.", hint="Pack it again.")
        yield Part("the rest of the archive", b"", damaged)
