"""Builds result elements in a worker process: pictures are cut out by native code that broken files can crash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from docmill.artifacts import Artifacts
from docmill.config import ExtractConfig, Mode, PipelineConfig, RedactConfig
from docmill.enrich import Redactor
from docmill.errors import CorruptDocumentError
from docmill.extract.decoding import decode
from docmill.extract.media_type import MEDIA_TYPES, detect
from docmill.extract.page_pictures import page_pictures
from docmill.extract.pictures import PdfPictures
from docmill.ingestor.elements import Input, build
from docmill.ingestor.options import ExtractOptions
from docmill.ingestor.shape import Json, Place, Source, error_element, text_element
from docmill.models import Extraction, Page
from docmill.store import open_store

_NOTHING = RedactConfig()
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})(\d{2})?(\d{2})?(\d{2})?")


@dataclass(frozen=True)
class BuildTask:
    """Which document's elements are to be built. `artifact` is the key of its extraction, "" where it gave nothing.

    Such a document is a PDF of blank pages or a picture: there is still something to show.

    `plain` asks for the text of a PDF's pages as the file has it, without any extraction: `is_plain` says when.
    """

    source: Source
    store: str
    s3_endpoint_url: str | None
    bytes_url: str
    bytes_key: str
    artifact: str
    config: ExtractConfig
    options: ExtractOptions
    redact: RedactConfig = _NOTHING
    plain: bool = False


@dataclass(frozen=True)
class Built:
    """The elements, and the numbers of pages and of failed pages."""

    elements: list[Json]
    pages: int
    failed_pages: dict[int, str]
    language: str = ""


def build_elements(task: BuildTask) -> Built:
    """The elements of the document before any task but extract."""
    data = open_store(task.bytes_url, task.s3_endpoint_url).get(task.bytes_key)
    if task.source.document_type == "text":
        return _plain(task, data)
    if task.plain:
        return _plain_pages(task, data)
    artifacts = Artifacts(open_store(task.store, task.s3_endpoint_url))
    is_pdf = task.source.document_type == "pdf"
    if task.artifact:
        extraction = _redacted(artifacts.extraction_at(task.artifact), task.redact)
    else:
        extraction = Extraction(media_type=detect(data, task.bytes_key).media_type, elements=())
    if not is_pdf:
        sizes = {} if task.artifact else _frame_sizes(data, extraction.media_type)
        return _built(task, Input(task.source, data, extraction, task.options, artifacts, sizes))
    with PdfPictures(data, task.config) as pictures:
        created, modified = map(_iso, pictures.dates)
        sizes = dict(enumerate(pictures.sizes, start=1))
        given = Input(
            _dated(task.source, created, modified), data, extraction, task.options, artifacts, sizes, pictures
        )
        return _built(task, given)


def _frame_sizes(data: bytes, media_type: str) -> dict[int, tuple[float, float]]:
    """Width and height in pixels of each frame of a picture; nothing for a drawing."""
    if media_type == MEDIA_TYPES["svg"]:
        return {}
    drawn = page_pictures(data, media_type)
    return {each.number: (float(each.picture.width), float(each.picture.height)) for each in drawn}


def _redacted(extraction: Extraction, config: RedactConfig) -> Extraction:
    """The extraction without the personal data that the settings take out."""
    return Redactor(config).redact(extraction)[0] if config.active else extraction


def _built(task: BuildTask, given: Input) -> Built:
    pages = given.extraction.pages
    sizes = given.sizes or {page.number: (page.width, page.height) for page in pages}
    count = max(len(sizes), 1)
    source = Source(**vars(given.source) | {"pages": count})
    elements = build(Input(**vars(given) | {"source": source, "sizes": sizes}))
    return Built(elements, count, {page.number: page.reason for page in _failed(pages)})


def _failed(pages: tuple[Page, ...]) -> list[Page]:
    return [page for page in pages if page.status.value == "failed"]


def _dated(source: Source, created: str, modified: str) -> Source:
    changed = {"created": created or source.created, "modified": modified or created or source.modified}
    return Source(**vars(source) | changed)


def _iso(date: str) -> str:
    """A PDF's date as ISO 8601, "" where it is none."""
    found = _DATE.match(date)
    if not found:
        return ""
    year, month, day, hour, minute, second = (part or "00" for part in found.groups())
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}"


def _plain(task: BuildTask, data: bytes) -> Built:
    """A text file is one element, its content unchanged but for what no text may hold."""
    text = decode(data)[0].replace("\x00", "\ufffd")
    if task.redact.active:
        text = Redactor(task.redact).replace(text)[0]
    if not task.options.extract_text:
        return Built([], 1, {})
    return Built([text_element(task.source, Place(), text)], 1, {})


def is_plain(document_type: str, options: ExtractOptions, config: PipelineConfig) -> bool:
    """Whether nothing but the text of a PDF's pages is wanted, and as cheaply as can be: in mode fast."""
    others = (
        options.extract_tables,
        options.extract_charts,
        options.extract_infographics,
        options.extract_images,
        options.extract_page_as_image,
    )
    if options.is_by_ocr(document_type):
        return False
    cheap = config.extract.mode is Mode.FAST and not config.enrich.redact.active
    return document_type == "pdf" and cheap and options.extract_text and not any(others)


def _plain_pages(task: BuildTask, data: bytes) -> Built:
    """The text of each page, or of all; a page that cannot be read is named."""
    texts: dict[int, str] = {}
    failed: dict[int, str] = {}
    with PdfPictures(data, task.config) as pdf:
        sizes = pdf.sizes
        source = Source(**vars(_dated(task.source, *map(_iso, pdf.dates))) | {"pages": len(sizes)})
        for number in range(1, len(sizes) + 1):
            try:
                texts[number] = pdf.text(number)
            except CorruptDocumentError as error:
                failed[number] = error.message
    if len(failed) == len(sizes):
        raise CorruptDocumentError("None of the document's pages can be read.", pages=tuple(failed))
    if task.options.text_depth != "page":
        text = "\n".join(filter(None, texts.values()))
        elements = [text_element(source, Place(size=sizes[0] if len(sizes) == 1 else (0, 0)), text)]
    else:
        elements = [text_element(source, Place(page, size=sizes[page - 1]), text) for page, text in texts.items()]
    elements += [error_element(source, page, reason) for page, reason in failed.items()]
    return Built(elements, len(sizes), failed)


def extension_of(document_type: str, name: str) -> str:
    """The extension that a document's bytes are kept under: its own for text, else that of its type."""
    own = Path(name).suffix.lower()
    if document_type == "text":
        return own if own in (".txt", ".md", ".json", ".sh") else ".txt"
    return f".{document_type}"
