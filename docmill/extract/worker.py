"""Reads one document in a worker process and keeps what was read. Imports no more than readers need."""

from __future__ import annotations

from dataclasses import dataclass

from docmill.artifacts import Artifacts, extension
from docmill.config import ExtractConfig
from docmill.errors import TransientError
from docmill.extract.overlay import page_overlay
from docmill.extract.registry import read
from docmill.ids import content_version
from docmill.models import ElementType, Extraction
from docmill.store import ObjectStore, open_store

_PREVIEW_WIDTH = 480


@dataclass(frozen=True)
class Task:
    """All that a worker process needs to read one document.

    `artifact` and `preview` are keys in `store`; an empty `preview` asks for no picture of the first page.
    """

    source: str
    key: str
    version: str
    artifact: str
    reuse: bool
    store: str
    s3_endpoint_url: str | None
    config: ExtractConfig
    preview: str


@dataclass(frozen=True)
class Answer:
    """What a worker tells of a document that it read."""

    counts: dict[str, int]
    failed_pages: tuple[int, ...]
    note: str


_stores: dict[tuple[str, str | None], ObjectStore] = {}


def _store(url: str, s3_endpoint_url: str | None) -> ObjectStore:
    """The store at an address, opened once a process."""
    if (url, s3_endpoint_url) not in _stores:
        _stores[url, s3_endpoint_url] = open_store(url, s3_endpoint_url)
    return _stores[url, s3_endpoint_url]


def read_document(task: Task) -> Answer:
    """The document's elements and pictures are in the store afterwards."""
    artifacts = Artifacts(_store(task.store, task.s3_endpoint_url))
    if task.reuse and artifacts.store.head(task.artifact) is not None:
        return _describe(artifacts.extraction_at(task.artifact))
    data = _store(task.source, task.s3_endpoint_url).get(task.key)
    if content_version(data) != task.version:
        raise TransientError(f"{task.source}{task.key} changed while it was read.", hint="The next run reads it anew.")
    reading = read(data, f"document{extension(task.key)}", task.config)
    for picture in reading.crops.values():
        artifacts.put_crop(picture)
    artifacts.put_extraction(task.artifact, reading.extraction)
    if task.preview and artifacts.store.head(task.preview) is None:
        picture = page_overlay(data, reading.extraction, page=1, width=_PREVIEW_WIDTH)
        artifacts.store.put(task.preview, picture)
    return _describe(reading.extraction)


def _describe(extraction: Extraction) -> Answer:
    types = [element.type for element in extraction.elements]
    counts = {
        "pages": max(1, len(extraction.pages)),
        "elements": len(types),
        "tables": types.count(ElementType.TABLE),
        "pictures": types.count(ElementType.IMAGE),
        "ocr_pages": sum(page.method.startswith("ocr") for page in extraction.pages),
        "characters": (characters := sum(len(element.text) for element in extraction.elements)),
        "without_text": int(characters == 0),
    }
    return Answer(counts, extraction.failed_pages, "; ".join(extraction.warnings)[:1_000])
