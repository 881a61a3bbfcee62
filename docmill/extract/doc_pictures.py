"""The pictures that stand in the text of a Word 97-2003 document, by [MS-DOC] (PICF) and [MS-ODRAW] (blips)."""

from __future__ import annotations

import bisect
import struct
import zlib
from collections.abc import Iterator

_CHARACTERS = 0xFA
"""Offset in the file information block: the place of the table of runs of characters with the same properties."""
_PAGE = 512
_LOCATION, _IS_DATA = 0x6A03, 0x0806
"""Properties of a character: where its picture lies in the stream `Data`, and that it is something else there."""
_SHAPE_FILE = 0x66
"""The kind of a picture that has its file's name before it."""
_CONTAINER = 0xF
_STORED = 0xF007
"""A record of a blip with what is known of it in 36 bytes, and its name, before it."""
_METAFILES = {0xF01A: (0x3D5,)}
_BITMAPS = {0xF01D: (0x46B, 0x6E3), 0xF01E: (0x6E1,), 0xF01F: (0x7A9,), 0xF029: (0x6E5,), 0xF02A: (0x46B, 0x6E3)}
"""Records of blips (EMF; JPEG, PNG, DIB, TIFF, JPEG), and their instances that have two hashes before the data."""
_MOST = 100_000_000
"""Bytes of a metafile."""


class Pictures:
    """Which pictures the characters of a document stand for; where that cannot be told, none."""

    def __init__(self, main: bytes, table: bytes, data: bytes) -> None:
        self._data = data
        try:
            runs = sorted(_located_runs(main, table)) if data else []
        except struct.error:  # damage here costs the pictures, not the text
            runs = []
        self._starts = [start for start, _, _ in runs]
        self._runs = runs

    def at(self, offset: int) -> list[bytes]:
        """The pictures, as files, of the character at an offset of the file; none where it stands for nothing known."""
        index = bisect.bisect_right(self._starts, offset) - 1
        if index < 0 or offset >= self._runs[index][1]:
            return []
        place = self._runs[index][2]
        if place + 8 > len(self._data):
            return []
        size, head, kind = struct.unpack_from("<IHH", self._data, place)
        start, end = place + head, min(place + size, len(self._data))
        if kind == _SHAPE_FILE and start < end:
            start += 1 + self._data[start]
        return list(_blips(self._data, start, end))


def _located_runs(main: bytes, table: bytes) -> Iterator[tuple[int, int, int]]:
    """Begin and end, as offsets in the file, of each run of characters that has a picture, and the picture's place."""
    offset, length = struct.unpack_from("<2I", main, _CHARACTERS)
    count = max((length - 4) // 8, 0)
    for page in struct.unpack_from(f"<{count}I", table, offset + 4 * (count + 1)):
        block = main[(page & 0x3F_FFFF) * _PAGE :][:_PAGE]
        if len(block) < _PAGE:
            continue
        runs = min(block[-1], 101)
        for run in range(runs):
            start, end = struct.unpack_from("<2I", block, 4 * run)
            at = 2 * block[4 * (runs + 1) + run]
            changes = dict(property_changes(block[at + 1 : at + 1 + block[at]])) if at else {}
            if _LOCATION in changes and not changes.get(_IS_DATA):
                yield start, end, changes[_LOCATION]


def _blips(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """The pictures in the records between two offsets, those in containers too."""
    while start + 8 <= end:
        head, kind, size = struct.unpack_from("<HHI", data, start)
        start, stop = start + 8, min(start + 8 + size, end)
        if head & 0xF == _CONTAINER and kind != _STORED:
            yield from _blips(data, start, stop)
        elif kind == _STORED and stop - start > 36:
            yield from _blips(data, start + 36 + data[start + 33], stop)
        elif kind in _BITMAPS:
            yield data[start + (33 if head >> 4 in _BITMAPS[kind] else 17) : stop]
        elif kind in _METAFILES:
            yield _metafile(data[start + (32 if head >> 4 in _METAFILES[kind] else 16) : stop])
        start = stop


def _metafile(data: bytes) -> bytes:
    """A metafile, which mostly is compressed, after its head of 34 bytes; b"" where it is damaged."""
    if len(data) < 34 or data[32] != 0:
        return data[34:]
    try:
        return zlib.decompressobj().decompress(data[34:], _MOST)
    except zlib.error:
        return b""


_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}


def property_changes(grpprl: bytes) -> Iterator[tuple[int, int]]:
    """Code and value of each property change; those of many bytes are passed over."""
    at = 0
    while at + 3 <= len(grpprl):
        code = struct.unpack_from("<H", grpprl, at)[0]
        kind = code >> 13
        at += 2
        if kind == 6:
            at += 1 + (grpprl[at] if code != 0xD608 else struct.unpack_from("<H", grpprl + b"\0\0", at)[0])
            continue
        width = _WIDTHS[kind]
        yield code, int.from_bytes(grpprl[at : at + width], "little")
        at += width
