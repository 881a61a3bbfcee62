"""Tells what a document is by its content; the name only helps where the content cannot tell, as with CSV or Markdown.

Own signatures come first because they are exact and free (micro-seconds). magika, whose import and model cost about 0.4
CPU-s a process, is asked only about bytes that no signature and no text rule knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePosixPath

from docmill.errors import CorruptDocumentError
from docmill.extract.archive import Archive
from docmill.extract.decoding import declared_charset, decode, looks_textual
from docmill.extract.mailbox import BEGIN
from docmill.extract.signatures import media_label
from docmill.extract.untyped import Foreign

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

MEDIA_TYPES: dict[str, str] = {
    "pdf": "application/pdf",
    "docx": _OFFICE + "wordprocessingml.document",
    "pptx": _OFFICE + "presentationml.presentation",
    "xlsx": _OFFICE + "spreadsheetml.sheet",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "odt": _ODF + "text",
    "ods": _ODF + "spreadsheet",
    "odp": _ODF + "presentation",
    "epub": "application/epub+zip",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "rtf": "application/rtf",
    "html": "text/html",
    "md": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "rst": "text/x-rst",
    "org": "text/x-org",
    "code": "text/x-source",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "eml": "message/rfc822",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "heic": "image/heic",
    "avif": "image/avif",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "zip": "application/zip",
    "tar": "application/x-tar",
    "gz": "application/gzip",
    "bz2": "application/x-bzip2",
    "xz": "application/x-xz",
    "zst": "application/zstd",
    "mbox": "application/mbox",
    "tnef": "application/vnd.ms-tnef",
    "7z": "application/x-7z-compressed",
    "rar": "application/vnd.rar",
    "encrypted": "application/x-ole-encrypted-package",
}
"""Label to media type of everything told apart here; `registry.SUPPORTED` holds those with a reader."""

_EXTENSIONS: dict[str, str] = {
    **{label: label for label in MEDIA_TYPES if label not in ("code", "encrypted")},
    **dict.fromkeys(("docm", "dotx", "dotm"), "docx"),
    **dict.fromkeys(("pptm", "ppsx", "ppsm", "potx"), "pptx"),
    **dict.fromkeys(("xlsm", "xltx", "xltm"), "xlsx"),
    **dict.fromkeys(("htm", "xhtml"), "html"),
    **dict.fromkeys(("markdown", "mdown", "mkd"), "md"),
    **dict.fromkeys(("text", "log"), "txt"),
    **dict.fromkeys(("jpg", "jpe", "jfif"), "jpeg"),
    **dict.fromkeys(("ndjson",), "jsonl"),
    **dict.fromkeys(("tif",), "tiff"),
    **dict.fromkeys(("oga", "opus"), "ogg"),
    **dict.fromkeys(("m4v",), "mp4"),
    **dict.fromkeys(("m4b",), "m4a"),
    **dict.fromkeys(("wave",), "wav"),
    **dict.fromkeys(("yml",), "yaml"),
    **dict.fromkeys(("tgz",), "gz"),
    **dict.fromkeys(("tbz", "tbz2"), "bz2"),
    **dict.fromkeys(("txz",), "xz"),
    **dict.fromkeys(("mbx",), "mbox"),
    **dict.fromkeys(("heif", "hif"), "heic"),
    **dict.fromkeys(("tab",), "tsv"),
    **dict.fromkeys(("ott",), "odt"),
    **dict.fromkeys(("dot",), "doc"),
    **dict.fromkeys(("xlt",), "xls"),
    **dict.fromkeys(("pps", "pot"), "ppt"),
    **dict.fromkeys(("py", "js", "ts", "jsx", "tsx", "java", "c", "h", "cc", "cpp", "hpp", "cs", "go", "rs"), "code"),
    **dict.fromkeys(("rb", "php", "sh", "bash", "pl", "r", "sql", "swift", "kt", "scala", "lua", "toml"), "code"),
    **dict.fromkeys(("ini", "cfg", "css", "tex"), "code"),
}  # fmt: skip
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"{\\rtf", "rtf"),
    (b"\x1f\x8b\x08", "gz"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
)
_PICTURE_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "heic"),
    **dict.fromkeys((b"avif", b"avis"), "avif"),
}
_NAMED_TEXT = frozenset({"md", "csv", "tsv", "txt", "rst", "org", "code", "yaml", "jsonl"})
_PLAIN = frozenset({"csv", "tsv", "txt", "md", "rst", "org", "code", "yaml", "json", "jsonl", "xml", "html", "eml"})
_LEAD = r"\s*(?:<\?xml[^>]*>\s*)?(?>(?:<!--.*?-->\s*)*)"
"""What may stand before the first tag; comments are matched once each, or many of them would take for ever."""
_HTML = re.compile(_LEAD + r"<(!doctype\s+html|html|head|body|title|meta)\b", re.I | re.S)
_SVG = re.compile(
    _LEAD + r"(?:<!DOCTYPE\s+svg\b[^\[>]*(?:\[.*?\]\s*)?>\s*)?(?>(?:<!--.*?-->\s*)*)<(?:svg:)?svg\b", re.I | re.S
)
_HEADER = re.compile(r"^(From|To|Subject|Date|Received|Return-Path|Delivered-To|MIME-Version|Message-ID|Content-Type|"
                     r"X-[\w-]+|Reply-To|DKIM-Signature|Cc):[ \t]*\S?", re.I | re.M)  # fmt: skip


@dataclass(frozen=True)
class Detected:
    """What the bytes are. `disagreement` is a sentence where the name says otherwise, "" where it agrees."""

    media_type: str
    label: str
    disagreement: str = ""


def extension_label(name: str) -> str:
    """The label that the name's extension stands for, "" for an unknown one."""
    return _EXTENSIONS.get(PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip("."), "")


def detect(data: bytes, name: str) -> Detected:
    """What the bytes are: by installed extractors, then signatures, text rules with the name, and magika."""
    from docmill.extract.extractors import claimed

    if media_type := claimed(data, name):
        return Detected(media_type, media_type)
    named = extension_label(name)
    label = _by_signature(data) or (_text_label(data, named) if looks_textual(data) else "")
    found = Detected(MEDIA_TYPES.get(label, "application/octet-stream"), label) if label else _by_magika(data)
    if not label and found.label not in MEDIA_TYPES and looks_textual(data):
        found = Detected(MEDIA_TYPES["txt"], "txt")
    return replace(found, disagreement=_disagreement(named, found.label, name))


def _disagreement(named: str, label: str, name: str) -> str:
    """The sentence about a name that does not fit, "" where it fits."""
    if not named or named == label or label == "encrypted" or (named in _PLAIN and label in _PLAIN):
        return ""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    what = (
        "picture"
        if MEDIA_TYPES.get(label, "").startswith("image/")
        else "recording"
        if MEDIA_TYPES.get(label, "").startswith(("audio/", "video/"))
        else "document"
    )
    return f"The name ends in {suffix}, but the content is that of a {label.upper()} {what}."


def _by_signature(data: bytes) -> str:
    """The label by exact signatures, "" where none fits."""
    for magic, label in _MAGIC:
        if data.startswith(magic):
            return label
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"BM") and data[6:10] == b"\0\0\0\0" and len(data) > 26:
        return "bmp"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and data[8:12] in _PICTURE_BRANDS:
        return _PICTURE_BRANDS[data[8:12]]
    if data.startswith(b"BZh") and data[4:10] == b"1AY&SY":
        return "bz2"
    if data[257:262] == b"ustar":
        return "tar"
    if data.startswith(b"From ") and (match := BEGIN.match(data)) and BEGIN.search(data, match.end()):
        return "mbox"
    if data.startswith(OLE2):
        return _ole_label(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_label(data)
    if b"%PDF-" in data[:1024]:  # after the containers: what they hold unpacked may begin that early
        return "pdf"
    return media_label(data)


def _zip_label(data: bytes) -> str:
    """The label of a zip package by its parts; a damaged package is still told by the names in its local headers."""
    try:
        archive = Archive(data)
        names = {each.lstrip("/").lower() for each in archive.names}
        mimetype = archive.read("mimetype").decode("ascii", "replace").strip() if "mimetype" in names else ""
    except CorruptDocumentError:
        names = {
            each.decode("ascii", "replace").lower()
            for each in re.findall(rb"PK\x03\x04.{26}([\w/.\[\]-]+)", data, re.S)
        }
        mimetype = ""
    for label in ("odt", "ods", "odp", "epub"):
        if mimetype.startswith(MEDIA_TYPES[label]):
            return label
    if any(each.startswith("xl/workbook.bin") for each in names):
        return "xlsb"
    for folder, label in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if any(each.startswith(folder) for each in names):
            return label
    return "epub" if "meta-inf/container.xml" in names and any(e.endswith(".opf") for e in names) else "zip"


def _ole_label(data: bytes) -> str:
    """The label of an OLE2 compound file by its streams."""
    import olefile

    try:
        with olefile.OleFileIO(data) as ole:
            names = {"/".join(entry).lower() for entry in ole.listdir()}
    except (OSError, ValueError, IndexError, TypeError, AttributeError, RecursionError):
        names = {label for label, stream in (("worddocument", "WordDocument"), ("workbook", "Workbook"),
                 ("powerpoint document", "PowerPoint Document")) if stream.encode("utf-16-le") in data}  # fmt: skip
    if "encryptedpackage" in names:
        return "encrypted"
    for stream, label in (("worddocument", "doc"), ("workbook", "xls"), ("book", "xls"), ("powerpoint document", "ppt"),
                          ("__properties_version1.0", "msg")):  # fmt: skip
        if stream in names:
            return label
    return "ole"


def _text_label(data: bytes, named: str) -> str:
    """The label of a text: by what it looks like where that is certain, else by the name, else plain text."""
    text, _ = decode(data[:65_536], declared_charset(data))
    head = text.lstrip("\ufeff \t\r\n")
    if named in ("md", "txt", "code", "rst", "org", "csv", "tsv", "yaml") and not _HTML.match(head):
        return named
    if _HTML.match(head):
        return "html"
    if _SVG.match(head):
        return "svg"
    if head.startswith("<?xml") or (named == "xml" and head.startswith("<")):
        return "html" if "<html" in head[:2000].lower() else "xml"
    if named == "mbox" and head.startswith("From "):
        return "mbox"
    if named == "eml" or _is_mail(head):
        return "eml"
    if named in ("json", "jsonl", "html"):
        return named
    if _is_json(data, head):
        return "json"
    if named in _NAMED_TEXT:
        return named
    return _untold(head)


def _is_mail(head: str) -> bool:
    """Whether the text begins with at least three mail headers."""
    block = re.split(r"\r?\n\r?\n", head, maxsplit=1)[0]
    first = block.split("\n", 1)[0]
    return bool(re.match(r"[\w-]+:|From ", first)) and len({m.group(1).lower() for m in _HEADER.finditer(block)}) >= 3


def _is_json(data: bytes, head: str) -> bool:
    """Whether the whole text is JSON."""
    import json

    if not head.startswith(("{", "[")) or len(data) > 50_000_000:
        return False
    try:
        json.loads(decode(data)[0])
    except (ValueError, RecursionError):
        return False
    return True


def _untold(head: str) -> str:
    """The label of a text whose name tells nothing: HTML by its tags; "" leaves it to magika."""
    tags = re.findall(r"<(p|div|table|span|h[1-6]|ul|br|a)\b[^<>]*>", head[:4096], re.I)
    return "html" if len(tags) >= 3 and head.startswith("<") else ""


@cache
def _magika() -> Foreign:
    """The magika model, loaded once a process."""
    from magika import Magika

    return Magika()


def _by_magika(data: bytes) -> Detected:
    """What magika says, in our words where we have one."""
    output = _magika().identify_bytes(data[:1_000_000]).output
    label = {"markdown": "md", "outlookmsg": "msg", "ooxml": "zip"}.get(str(output.label), str(output.label))
    if output.group == "code" and label not in MEDIA_TYPES:
        label = "code"
    return Detected(MEDIA_TYPES.get(label) or str(output.mime_type), label)
