"""The one way from bytes to elements: tells the type, checks the limits, calls the reader, refuses what is unreadable.

Only errors of docmill leave `read`.
"""

from __future__ import annotations

import functools
import importlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from docmill.config import ExtractConfig, Mode
from docmill.errors import (
    CorruptDocumentError,
    EmptyDocumentError,
    LimitExceededError,
    UnsupportedTypeError,
)
from docmill.extract.extractors import Installed, extractor_of
from docmill.extract.language import with_language
from docmill.extract.media_type import MEDIA_TYPES, Detected, detect
from docmill.extract.picture_kinds import with_chart_notes
from docmill.extract.picture_text import with_text_of_pictures
from docmill.extract.reading import Reading
from docmill.extract.repeats import with_repeats
from docmill.extract.unpacking import ARCHIVES, listing, unpack
from docmill.extract.vectors import VECTORS
from docmill.extract.wanted import ALL, Wanted, only_wanted
from docmill.models import PICTURES, Member, PageStatus

if TYPE_CHECKING:
    from docmill.extract.pdf import PageOcr

Reader = Callable[[bytes, ExtractConfig], Reading]
PagedReader = Callable[[bytes, ExtractConfig, Wanted], Reading]

_READERS: dict[str, tuple[str, str]] = {
    "docx": ("docx", "read_docx"),
    "pptx": ("pptx", "read_pptx"),
    "ppt": ("ppt", "read_ppt"),
    "doc": ("doc", "read_doc"),
    "xlsx": ("xlsx", "read_xlsx"),
    "xlsb": ("xlsb", "read_xlsb"),
    "xls": ("xls", "read_xls"),
    "odt": ("odf", "read_odt"),
    "ods": ("odf", "read_ods"),
    "odp": ("odf", "read_odp"),
    "epub": ("epub", "read_epub"),
    "msg": ("mail", "read_msg"),
    "eml": ("mail", "read_eml"),
    "rtf": ("rtf", "read_rtf"),
    "html": ("html", "read_html"),
    "md": ("textual", "read_md"),
    "csv": ("delimited", "read_csv"),
    "tsv": ("delimited", "read_tsv"),
    "txt": ("plain", "read_txt"),
    "rst": ("plain", "read_rst"),
    "org": ("plain", "read_org"),
    "code": ("textual", "read_code"),
    "json": ("textual", "read_json"),
    "jsonl": ("textual", "read_jsonl"),
    "yaml": ("textual", "read_yaml"),
    "xml": ("textual", "read_xml"),
    **dict.fromkeys(("png", "jpeg", "tiff", "bmp", "webp", "gif", "heic", "avif"), ("image", "read_image")),
    "svg": ("svg", "read_svg"),
    **dict.fromkeys(("mp3", "wav", "m4a", "flac", "ogg"), ("media", "read_media")),
    **dict.fromkeys(("mp4", "mov", "mkv", "webm", "avi"), ("media", "read_media")),
}
SUPPORTED: dict[str, str] = {"pdf": MEDIA_TYPES["pdf"]} | {
    label: MEDIA_TYPES[label] for label in (*_READERS, *sorted(ARCHIVES))
}
"""Label to media type of every type that is read."""

_PAGED = ("pdf", *(label for label, (module, _) in _READERS.items() if module == "image"))
"""Labels whose readers read wanted pages only, and tell of each."""

_BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError,
           EOFError, zipfile.BadZipFile, zlib.error, struct.error)  # fmt: skip
"""What libraries raise on malformed bytes that a reader did not foresee; never an error of memory, disk or import."""

_WAYS_OUT = {
    **dict.fromkeys(("7z", "rar"), "Unpack it and ingest the files in it, or pack it as zip."),
}


def read(
    data: bytes, name: str, config: ExtractConfig, wanted: Wanted = ALL, keep: Callable[[bytes], None] | None = None
) -> Reading:
    """The elements of a document, of the wanted pages alone, and what documents are inside of it.

    `name` helps to tell text formats apart. `keep` is given the bytes of each member as it is taken out; without it
    they are only named.

    Raises EmptyDocumentError, CorruptDocumentError, EncryptedDocumentError, UnsupportedTypeError, LimitExceededError,
    UsageError where it has none of the wanted pages, ConfigError for a setting or an installation that cannot work.
    """
    detected = accepted(data, name, config)
    if detected.label == "encrypted":
        from docmill.extract.protected import decrypted

        return read(decrypted(data, wanted.password), name, config, wanted, keep)
    plugin = extractor_of(detected.media_type)
    if plugin is not None:
        with malformed(detected):
            return finished(only_wanted(_plugged(plugin, data, name, config), wanted), detected.disagreement)
    if detected.label in ARCHIVES:
        with malformed(detected):
            members = members_of(data, detected.label, config, keep)
            reading = listing(detected.label, members, config)
    else:
        reader = _reader(detected)
        with malformed(detected):
            if detected.label in _PAGED:
                found = cast(PagedReader, reader)(data, config, wanted)
            else:
                found = only_wanted(reader(data, config), wanted)
            reading = with_text_of_pictures(_with_drawings(found, config), config)
            members = members_of(data, detected.label, config, keep, wanted.password)
    return finished(with_members(reading, members), detected.disagreement)


def members_of(
    data: bytes, label: str, config: ExtractConfig, keep: Callable[[bytes], None] | None, password: str = ""
) -> tuple[Member, ...]:
    """The members of a document. Raises the first one's error where an archive has none that can be taken out."""
    members = []
    for unpacked in unpack(data, label, config, password):
        members.append(unpacked.member)
        if keep is not None and not unpacked.member.error:
            keep(unpacked.data)
    if label in ARCHIVES and members and all(each.error for each in members):
        raise CorruptDocumentError(f"None of the {len(members)} members can be taken out: {members[0].error}")
    return tuple(members)


def with_members(reading: Reading, members: tuple[Member, ...]) -> Reading:
    """The reading with the members; it lacks those that could not be taken out."""
    lacking = [f"{each.path} was not read: {each.error}" for each in members if each.error]
    update = {"members": members, "lacking": (*reading.extraction.lacking, *lacking)}
    return Reading(reading.extraction.model_copy(update=update), reading.crops)


def accepted(data: bytes, name: str, config: ExtractConfig) -> Detected:
    """What the bytes are. Raises EmptyDocumentError for bytes that hold nothing, LimitExceededError for too many."""
    if not data:
        raise EmptyDocumentError("The document has no bytes.", hint="Upload it again.")
    if len(data) > config.max_bytes:
        raise LimitExceededError(
            f"The document has {len(data)} bytes, more than the {config.max_bytes} allowed.",
            hint="Raise extract.max_bytes or split the document.",
        )
    if not data.strip(b" \t\r\n\0\x0c"):
        raise EmptyDocumentError("The document holds nothing but white space.", hint="Upload it again.")
    return detect(data, name)


@contextmanager
def malformed(detected: Detected) -> Iterator[None]:
    """Makes what libraries raise on malformed bytes a CorruptDocumentError."""
    try:
        yield
    except _BROKEN as error:
        raise CorruptDocumentError(
            f"The {detected.label} document cannot be read: {type(error).__name__}: {error}.",
            hint="Open and save it again with its own program.",
        ) from error


def finished(reading: Reading, disagreement: str) -> Reading:
    """The reading with its language, repeats and unread charts told and a warning if its name disagrees with its bytes.

    Raises EmptyDocumentError if it is empty.
    """
    _refuse_empty(reading)
    reading = Reading(with_language(with_repeats(with_chart_notes(reading.extraction))), reading.crops)
    return _with_warning(reading, disagreement)


def _with_drawings(reading: Reading, config: ExtractConfig) -> Reading:
    """The reading whose vector drawings are pictures; what draws them is imported where there are any."""
    crops = (each.crop for each in reading.extraction.elements if each.crop is not None)
    if not any(crop.media_type in VECTORS for crop in crops):
        return reading
    from docmill.extract.drawings import with_drawings

    return with_drawings(reading, config)


def _plugged(plugin: Installed, data: bytes, name: str, config: ExtractConfig) -> Reading:
    """What an installed extractor reads; it is named in the document's metadata."""
    found = plugin.extractor.read(data, name, config)
    metadata = {**found.extraction.metadata, "extractor": plugin.identity}
    return Reading(found.extraction.model_copy(update={"metadata": metadata}), found.crops)


def _reader(detected: Detected) -> Reader:
    """The reader of a type. Raises UnsupportedTypeError."""
    label = detected.label
    if label == "pdf":
        return _read_pdf
    if label not in _READERS:
        way_out = _WAYS_OUT.get(label, f"Convert it to one of: {', '.join(sorted(SUPPORTED))}.")
        raise UnsupportedTypeError(f"There is no reader for {label} ({detected.media_type}).", hint=way_out)
    module, function = _READERS[label]
    reader: Reader = getattr(importlib.import_module(f"docmill.extract.{module}"), function)
    return reader


def _read_pdf(data: bytes, config: ExtractConfig, wanted: Wanted = ALL) -> Reading:
    """Reads a PDF, with OCR for the pages that need it."""
    from docmill.extract.pdf import read_pdf

    config, ocr = pdf_options(config)
    return read_pdf(data, config, ocr=ocr, wanted=wanted)


def pdf_options(config: ExtractConfig) -> tuple[ExtractConfig, PageOcr | None]:
    """How PDFs are read: in mode fast nothing is rendered, neither for OCR nor for crops."""
    if config.mode is Mode.FAST:
        return config.model_copy(update={"crops": False}), None
    from docmill.extract.ocr import ocr_page

    ocr = functools.partial(ocr_page, languages=config.languages, engine=config.ocr_engine)
    ocr.engine = config.ocr_engine.value  # type: ignore[attr-defined]  # names the method of the pages that it reads
    return config, ocr


def _refuse_empty(reading: Reading) -> None:
    """Raises EmptyDocumentError where no element has a text and none is a picture, with what the pages say."""
    elements = reading.extraction.elements
    if any(each.text or each.type in PICTURES for each in elements):
        return
    reasons = list(dict.fromkeys(page.reason for page in reading.extraction.pages if page.reason))
    raise EmptyDocumentError(
        f"The document holds nothing readable. {' '.join(reasons)}".strip(),
        hint=" ".join(reading.extraction.warnings) or "Check that it is the right file.",
        pages=tuple(page.number for page in reading.extraction.pages if page.status is not PageStatus.OK),
    )


def _with_warning(reading: Reading, warning: str) -> Reading:
    """The reading with one more warning, first."""
    if not warning:
        return reading
    warnings = (warning, *reading.extraction.warnings)
    return Reading(reading.extraction.model_copy(update={"warnings": warnings}), reading.crops)
