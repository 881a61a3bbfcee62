"""Turns bytes of text into text: byte order mark, declared charset, UTF-8, UTF-16, then the likeliest charset."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_WEB_NAMES = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
              "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "x-sjis": "cp932", "ks_c_5601-1987": "cp949",
              "euc-kr": "cp949", "windows-950": "cp950", "windows-936": "gb18030", "windows-949": "cp949",
              "windows-932": "cp932", "big5": "cp950", "windows-874": "cp874", "iso-8859-8-i": "iso-8859-8",
              "iso-8859-9": "cp1254"}  # fmt: skip
ENOUGH = 400
"""Bytes from which the statistics of letters tell charsets apart; shorter texts are taken as Windows-1252."""


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text and the name of its charset; bytes that fit no charset become U+FFFD."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace").lstrip("\ufeff"), name
    for name in filter(None, (known_charset(declared), "utf-8")):
        try:
            return data.decode(name), name
        except UnicodeError:
            continue
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace"), wide
    return _guess(data)


def declared_charset(data: bytes) -> str:
    """The charset that HTML or XML declares in its first 2,048 bytes, "" without one."""
    found = _DECLARED.search(data[:2048])
    name = found.group(1).decode("ascii") if found else ""
    return "" if name.lower().startswith(("utf-16", "utf-32")) else name


def known_charset(name: str) -> str:
    """Python's name of the charset as browsers understand it, "" for an unknown one."""
    name = _WEB_NAMES.get(name.strip().lower(), name.strip())
    try:
        return codecs.lookup(name).name if name else ""
    except LookupError:
        return ""


def looks_textual(data: bytes) -> bool:
    """Whether the first 4,096 bytes hold no binary control characters (wide charsets allowed)."""
    head = data[:4096]
    if any(head.startswith(mark) for mark, _ in _MARKS) or _wide(head):
        return True
    control = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    return control == 0


def _wide(data: bytes) -> str:
    """The UTF-16 flavour of data without a mark: every other byte of western text is zero."""
    head = data[:4096]
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > 0.4 * half and head[::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if head[::2].count(0) > 0.4 * half and head[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    return ""


def _guess(data: bytes) -> tuple[str, str]:
    """The likeliest charset of bytes that are not UTF-8."""
    if sum(byte > 127 for byte in data[:100_000]) >= ENOUGH // 10 and len(data) >= ENOUGH:
        from charset_normalizer import from_bytes

        best = from_bytes(data[:100_000]).best()
        if best is not None:
            return data.decode(best.encoding, "replace"), best.encoding
    return data.decode("cp1252", "replace"), "cp1252"
