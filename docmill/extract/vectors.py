"""Tells vector drawings (SVG, EMF, WMF, packed or not) by their first bytes, and how large they are shown."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

VECTORS = {"image/svg+xml": "svg", "image/emf": "emf", "image/wmf": "wmf"}
"""Media type to label."""
_MOST = 50_000_000
"""Bytes that a packed drawing may have unpacked."""
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]")
_SIDE = re.compile(rb"""\s(width|height)\s*=\s*["']\s*([\d.]+)\s*(px|pt|mm|cm|in|)\s*["']""")
_VIEW = re.compile(rb"""\sviewBox\s*=\s*["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)""")
_UNITS = {b"": 1.0, b"px": 1.0, b"pt": 96 / 72, b"in": 96.0, b"cm": 96 / 2.54, b"mm": 96 / 25.4}


@dataclass(frozen=True)
class Vector:
    """A drawing, unpacked; its sides in pixels of 1/96 inch, 0 where it does not say."""

    data: bytes
    media_type: str
    width: int
    height: int


def vector_of(data: bytes) -> Vector | None:
    """The bytes as a drawing, None where they are none ([MS-EMF] 2.3.4.2, [MS-WMF] 2.3.2.3)."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, _MOST)
        except zlib.error:
            return None
    if data[:4] == b"\x01\0\0\0" and data[40:44] == b" EMF":
        left, top, right, bottom = struct.unpack_from("<4i", data, 24)
        return Vector(data, "image/emf", *_sides(right - left, bottom - top, 96 / 2540))
    if data[:4] == b"\xd7\xcd\xc6\x9a" and len(data) >= 22:
        left, top, right, bottom, inch = struct.unpack_from("<4hH", data, 6)
        return Vector(data, "image/wmf", *_sides(right - left, bottom - top, 96 / (inch or 1440)))
    if data[:6] in (b"\x01\0\x09\0\0\x03", b"\x02\0\x09\0\0\x03"):
        return Vector(data, "image/wmf", 0, 0)
    begin = _SVG.search(data[:4096])
    return Vector(data, "image/svg+xml", *_svg_sides(data, begin.start())) if begin else None


def _svg_sides(data: bytes, begin: int) -> tuple[int, int]:
    head = data[begin : data.find(b">", begin) + 1]
    sides = {name: _number(number) * _UNITS[unit] for name, number, unit in _SIDE.findall(head)}
    view = _VIEW.search(head)
    width, height = (_number(view.group(1)), _number(view.group(2))) if view else (0.0, 0.0)
    return _sides(sides.get(b"width", width), sides.get(b"height", height), 1.0)


def _number(digits: bytes) -> float:
    try:
        return float(digits)
    except ValueError:
        return 0.0


def _sides(width: float, height: float, scale: float) -> tuple[int, int]:
    return round(abs(width) * scale), round(abs(height) * scale)
