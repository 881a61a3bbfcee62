"""Does an extraction that was asked for: reads the document in a worker process, runs the engine, keeps the record.

Every extraction is a durable job, whoever waits for it; those who stream listen to a hub in the same process.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from docmill.config import ExtractConfig
from docmill.errors import (
    DocmillError,
    EmptyDocumentError,
    EncryptedDocumentError,
    LimitExceededError,
    PermanentError,
    UnsupportedTypeError,
)
from docmill.extract.page_urls import PictureTask, page_urls
from docmill.ids import digest
from docmill.service.retab.request import ExtractionRequest, task_of
from docmill.service.runner import Context
from docmill.settings import Settings
from docmill.structured.documents import ReadDocument, ReadTask, read_document
from docmill.structured.engine import ExtractionEngine, extract
from docmill.structured.extractions import Extractions, StoredExtraction
from docmill.structured.record import Json, Record

KIND = "extraction"
_PAUSE = 0.1
"""Seconds between two partials: a line a cell would be quadratic in the length of a table."""

_CODES: tuple[tuple[type[DocmillError], str], ...] = (
    (EmptyDocumentError, "document_empty"),
    (EncryptedDocumentError, "document_encrypted"),
    (UnsupportedTypeError, "document_type_unsupported"),
    (LimitExceededError, "document_too_large"),
    (PermanentError, "document_unreadable"),
)


def code_of(error: DocmillError) -> str:
    """The SDK's word for an error of the library."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), "engine_unavailable")


@dataclass
class Hub:
    """Who listens to the extractions of this process, and the loop that they listen in."""

    _listeners: dict[str, list[asyncio.Queue[Json]]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, extraction_id: str) -> asyncio.Queue[Json]:
        """The partial outputs from now on."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        with self._lock:
            self._listeners[extraction_id].append(queue)
        return queue

    def leave(self, extraction_id: str, queue: asyncio.Queue[Json]) -> None:
        """Nobody listens at the queue any more."""
        with self._lock:
            left = [each for each in self._listeners.pop(extraction_id, []) if each is not queue]
            if left:
                self._listeners[extraction_id] = left

    def tell(self, loop: asyncio.AbstractEventLoop | None, extraction_id: str, output: Json) -> None:
        """The listeners get the output; safe from any thread."""
        with self._lock:
            queues = list(self._listeners.get(extraction_id, []))
        for queue in queues:
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, output)


@dataclass(frozen=True)
class Work:
    """What the handler of extraction jobs needs beside its context."""

    hub: Hub
    loop: Callable[[], asyncio.AbstractEventLoop | None]
    engine_of: Callable[[str, Settings], ExtractionEngine]

    def run(self, context: Context) -> bytes:
        """The extraction is completed or failed; a passing fault is raised, and the job tried again."""
        extractions = Extractions(context.workspace.ledger.database, context.workspace.store)
        stored = extractions.find(str(context.job.payload["extraction_id"]))
        if stored is None or not extractions.begin(stored.extraction_id):
            return b"{}"
        try:
            self._extract(context, extractions, stored)
        except PermanentError as error:
            extractions.fail(stored.extraction_id, code_of(error), str(error))
        return b"{}"

    def _extract(self, context: Context, extractions: Extractions, stored: StoredExtraction) -> None:
        wanted = ExtractionRequest.model_validate(context.job.payload["request"])
        engine = self.engine_of(wanted.model, context.workspace.settings)
        data = context.file("document")
        version = str(context.job.payload["version"])
        key = digest("cache", version, engine.fingerprint, json.dumps(wanted.settings(), sort_keys=True))
        cached = None if wanted.bust_cache else extractions.cached(key)
        told: Json = {
            "engine": engine_view(engine, wanted, "bypass" if wanted.bust_cache else "hit" if cached else "miss")
        }
        if cached is not None:
            self.hub.tell(self.loop(), stored.extraction_id, cached.value)
            extractions.complete(stored.extraction_id, cached, told)
            return
        document = _read(context, ReadTask(data, wanted.document.filename, config_of(context, wanted)))
        record = self._run(context, engine, document, wanted, stored)
        extractions.keep(key, record)
        extractions.complete(stored.extraction_id, record, told)

    def _run(
        self,
        context: Context,
        engine: ExtractionEngine,
        document: ReadDocument,
        wanted: ExtractionRequest,
        stored: StoredExtraction,
    ) -> Record:
        """The record; what is known so far is told to the listeners now and then, and a cancelled job ends."""
        last = 0.0
        task = replace(task_of(wanted), pictures=_pictures(context, engine, wanted))
        for part in extract(engine, document.layout, task, wanted.n_consensus):
            if part.record is not None:
                return part.record
            if time.monotonic() - last >= _PAUSE:
                last = time.monotonic()
                context.report({})
                self.hub.tell(self.loop(), stored.extraction_id, part.value)
        raise AssertionError("an engine ends with a record")


def config_of(context: Context, wanted: ExtractionRequest) -> ExtractConfig:
    """How the document is read: as the workspace says, scans at the resolution that was asked for."""
    return context.workspace.config.extract.model_copy(update={"ocr_dpi": wanted.image_resolution_dpi})


def engine_view(engine: ExtractionEngine, wanted: ExtractionRequest, cache: str) -> Json:
    """Which engine worked, and whether it had to."""
    return {
        "name": engine.name,
        "version": engine.fingerprint,
        "model": getattr(engine, "model", None),
        "image_resolution_dpi": wanted.image_resolution_dpi,
        "cache": cache,
    }


def _pictures(context: Context, engine: ExtractionEngine, wanted: ExtractionRequest) -> tuple[str, ...]:
    """The pages as data URLs, for an engine that looks at them."""
    if not engine.wants_pictures:
        return ()
    task = PictureTask(context.file("document"), wanted.image_resolution_dpi)
    for _, answer, _ in context.pool.running(page_urls).run([task]):
        if isinstance(answer, DocmillError):
            raise answer
        return tuple(cast(list[str], answer))
    return ()


def _read(context: Context, task: ReadTask) -> ReadDocument:
    """The document's words, read in a worker process; raises what the reader raised."""
    for _, answer, _ in context.pool.running(read_document).run([task]):
        if isinstance(answer, DocmillError):
            raise answer
        return cast(ReadDocument, answer)
    raise AssertionError("a task has an answer")


def handler(work: Work) -> Callable[[Context], bytes]:
    """The handler of extraction jobs."""
    return partial(_call, work)


def _call(work: Work, context: Context) -> bytes:
    return work.run(context)
