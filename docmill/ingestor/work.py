"""One document through its tasks: read it, build its elements, filter, split, describe, embed and store them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docmill.artifacts import member_key
from docmill.errors import (
    CorruptDocumentError,
    DocmillError,
    EmptyDocumentError,
    EncryptedDocumentError,
    UnsupportedTypeError,
)
from docmill.extract.worker import read_document
from docmill.ingestor.build import BuildTask, Built, build_elements, is_plain
from docmill.ingestor.captions import caption, vision_of
from docmill.ingestor.options import Tasks
from docmill.ingestor.pictures import filtered, without_repeats
from docmill.ingestor.shape import Json, Source
from docmill.ingestor.splitting import split
from docmill.ingestor.storing import store_pictures
from docmill.ingestor.tokenizers import folder_of, named_tokenizer
from docmill.ingestor.vectors import embed
from docmill.models import Document
from docmill.stages.extracted_elements import elements_artifact, extract_one
from docmill.workers import Isolated
from docmill.workspace import Workspace

TYPES = ("pdf", "docx", "pptx", "html", "text", "png", "jpeg", "bmp", "tiff", "svg", "mp3", "wav", "mp4", "mov", "avi",
         "mkv")  # fmt: skip
"""The document types of the protocol."""
_TEXTUAL = {"text", "html", "svg"}
_TEXTS = {"text/plain", "text/markdown", "text/csv", "text/tab-separated-values", "text/x-source"}
KNOWN_METHODS = {"pdfium", "pdfium_hybrid", "ocr", "python_docx", "python_pptx", "audio", "image", "none", ""}
_OTHER_METHODS = {"nemotron_parse", "nemoretriever_parse", "adobe", "haystack", "llama_parse", "tika",
                  "unstructured_io", "unstructured_local", "render_as_pdf"}  # fmt: skip


@dataclass
class Trace:
    """When each stage began and ended, in nanoseconds since the epoch."""

    times: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The stage is timed."""
        self.times[f"trace::entry::{name}"] = time.time_ns()
        try:
            yield
        finally:
            self.times[f"trace::exit::{name}"] = time.time_ns()


@dataclass(frozen=True)
class Done:
    """What became of a document: its elements, pages, the pages that failed with their reasons, notes, times."""

    elements: list[Json]
    pages: int
    failed_pages: dict[int, str]
    notes: tuple[str, ...]
    trace: dict[str, int]

    def lines(self) -> Iterator[bytes]:
        """The elements as lines of JSON."""
        for element in self.elements:
            yield json.dumps(element, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


@dataclass(frozen=True)
class Bench:
    """Where documents are worked on: the workspace, worker processes, and a folder for what these leave."""

    workspace: Workspace
    pool: Isolated[Any, Any]
    folder: Path


def refuse_unknown(document_type: str) -> None:
    """Raises UnsupportedTypeError for a type that the protocol does not know."""
    if document_type not in TYPES:
        raise UnsupportedTypeError(f"The document type {document_type!r} is not supported.")


def _refuse_text(document_type: str, media_type: str) -> None:
    """Raises CorruptDocumentError for bytes that are text though a picture, recording or file of pages was sent."""
    if document_type not in _TEXTUAL and media_type in _TEXTS:
        raise CorruptDocumentError(
            f"The document is no {document_type}: it holds plain text.", hint="Send it again, or as a text."
        )


def process(bench: Bench, source: Source, document: Document, tasks: Tasks) -> Done:
    """The document has been through its tasks. Raises the DocmillError that says why nothing of it is usable."""
    refuse_unknown(source.document_type)
    trace = Trace()
    with trace.stage("extract"):
        plain = is_plain(source.document_type, tasks.extract, bench.workspace.config)
        by_ocr = tasks.extract.is_by_ocr(source.document_type)
        artifact = "" if plain or source.document_type == "text" else extract(bench, document, by_ocr=by_ocr)
    return finish(bench, source, document, tasks, artifact, trace)


def finish(bench: Bench, source: Source, document: Document, tasks: Tasks, artifact: str, trace: Trace) -> Done:
    """The document, already read, has been through its tasks; `artifact` is where its elements lie."""
    _refuse_text(source.document_type, document.media_type)
    with trace.stage("build"):
        built = _build(bench, source, document, tasks, artifact)
    elements = built.elements
    for name, step in _steps(bench, tasks):
        with trace.stage(name):
            elements = step(elements)
    return Done(elements, built.pages, built.failed_pages, tuple(_notes(bench.workspace, tasks)), trace.times)


def extract(bench: Bench, document: Document, *, by_ocr: bool) -> str:
    """The key of the document's elements, "" where there is nothing to read; raises the DocmillError that says why."""
    workspace = bench.workspace.by_ocr if by_ocr else bench.workspace
    result = extract_one(workspace, bench.pool.running(read_document), bench.folder, document)
    if isinstance(result.error, EmptyDocumentError) and is_showable(document.media_type, result.error.pages):
        return ""
    if isinstance(result.error, EncryptedDocumentError):
        message = f"The document is encrypted. {result.error.message}"
        raise EncryptedDocumentError(message, hint=result.error.hint)
    if result.error is not None:
        raise result.error
    return elements_artifact(workspace, document)


def is_showable(media_type: str, pages: Sequence[int]) -> bool:
    """Whether a document in which nothing was read can be shown: a PDF of blank pages, or a picture."""
    return bool(pages) and (media_type.startswith("image/") or media_type == "application/pdf")


def _build(bench: Bench, source: Source, document: Document, tasks: Tasks, artifact: str) -> Built:
    settings = bench.workspace.settings
    task = BuildTask(
        source=source,
        store=settings.store,
        s3_endpoint_url=settings.s3_endpoint_url,
        bytes_url=settings.store if document.container else document.source,
        bytes_key=member_key(document.version) if document.container else document.key,
        artifact=artifact,
        config=bench.workspace.config.extract,
        options=tasks.extract,
        redact=bench.workspace.config.enrich.redact,
        plain=is_plain(source.document_type, tasks.extract, bench.workspace.config),
    )
    ((_, answer, _),) = bench.pool.running(build_elements).run([task])
    if isinstance(answer, DocmillError):
        raise answer
    built: Built = answer
    return built


def _steps(bench: Bench, tasks: Tasks) -> Iterator[tuple[str, Callable[[list[Json]], list[Json]]]]:
    """The tasks after extract that are wanted, in order."""
    workspace = bench.workspace
    for each in tasks.filters:
        yield "filter", lambda elements, options=each: filtered(elements, options)  # type: ignore[misc]
    for every in tasks.dedups:
        yield "dedup", lambda elements, options=every: without_repeats(elements, options)  # type: ignore[misc]
    if (cut := tasks.split) is not None:
        tokenize = named_tokenizer(workspace, cut.tokenizer) or workspace.embedder.tokenize
        yield "split", lambda elements: split(elements, cut, tokenize)
    if (described := tasks.caption) is not None:
        yield "caption", lambda elements: caption(elements, described, vision_of(workspace.config.enrich.caption))
    if (vectors := tasks.embed) is not None:
        yield "embed", lambda elements: embed(elements, vectors, workspace.embedder)
    if (kept := tasks.store) is not None:
        yield "store", lambda elements: store_pictures(elements, kept, workspace.store)


def _notes(workspace: Workspace, tasks: Tasks) -> Iterator[str]:
    """What was done otherwise than asked for."""
    method = tasks.extract.method.lower()
    if method in _OTHER_METHODS:
        yield f"The extract method {method} is done by docmill's own reader."
    elif method not in KNOWN_METHODS:
        yield f"The extract method {method!r} is not known: pdfium was taken."
    if tasks.split is not None and named_tokenizer(workspace, tasks.split.tokenizer) is None:
        where = folder_of(workspace) / tasks.split.tokenizer / "tokenizer.json"
        yield f"Texts were split by docmill's tokenizer, for {where} is not there."
