"""Reads each document into elements, in a worker process of its own kind, and keeps them as artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docmill.artifacts import Artifacts, extension
from docmill.config import ExtractConfig
from docmill.errors import DocmillError, PermanentError, TransientError
from docmill.extract.overlay import page_overlay
from docmill.ids import content_version
from docmill.models import Document, ElementType, Extraction, Stage
from docmill.stages.base import Job, Result
from docmill.store import ObjectStore, open_store
from docmill.workers import Isolated
from docmill.workspace import Workspace

_PDF = "application/pdf"
_PREVIEW_WIDTH = 480


@dataclass(frozen=True)
class _Task:
    """All that a worker process needs to read one document."""

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
class _Answer:
    """What a worker tells of a document that it read."""

    counts: dict[str, int]
    failed_pages: tuple[int, ...]
    note: str


def extract_elements(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's elements and pictures are artifacts afterwards."""
    if not jobs:
        return
    preload = {module for job in jobs for module in _modules(job.document.media_type)}
    with Isolated(_run, workspace.settings.workers, sorted(preload)) as pool:
        firsts, twins = _apart(workspace, jobs)
        read: set[str] = set()
        for result in _extract(workspace, pool, firsts):
            if result.error is None:
                read.add(_artifact(workspace, result.document))
            yield result
        yield from _extract(
            workspace, pool, [_reusing(job, _artifact(workspace, job.document) in read) for job in twins]
        )


def _apart(workspace: Workspace, jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
    """The first job of each artifact, and the twins: documents with the same bytes, which are parsed once."""
    firsts: dict[str, Job] = {}
    for job in jobs:
        firsts.setdefault(_artifact(workspace, job.document), job)
    return list(firsts.values()), [job for job in jobs if firsts[_artifact(workspace, job.document)] is not job]


def _artifact(workspace: Workspace, document: Document) -> str:
    """Where the document's elements are to lie."""
    return workspace.artifacts.elements_key(document, workspace.fingerprints[Stage.EXTRACTED_ELEMENTS])


def _reusing(job: Job, reuse: bool) -> Job:
    """The job, which may take an artifact that was made just now."""
    return Job(job.document, job.reuse or reuse)


def _extract(workspace: Workspace, pool: Isolated[_Task, _Answer], jobs: Sequence[Job]) -> Iterator[Result]:
    """Results in order of completion; an error that is no document's is raised."""
    for index, answer, seconds in pool.run([_task(workspace, job) for job in jobs]):
        document = jobs[index].document
        if isinstance(answer, PermanentError | TransientError):
            yield Result(document, seconds, error=answer)
        elif isinstance(answer, DocmillError):
            raise answer
        else:
            yield Result(document, seconds, answer.counts, failed_pages=answer.failed_pages, note=answer.note)


def _modules(media_type: str) -> tuple[str, ...]:
    """What the fork server imports once so that no worker has to."""
    common = ("docmill.stages.extracted_elements", "docmill.extract.registry")
    return (*common, "docmill.extract.pdf") if media_type == _PDF else common


def preview_key(batch: str) -> str:
    """Where the picture of the first page of the first PDF of the batch to be read lies."""
    return f"previews/{batch}.png"


def _task(workspace: Workspace, job: Job) -> _Task:
    return _Task(
        source=job.document.source,
        key=job.document.key,
        version=job.document.version,
        artifact=_artifact(workspace, job.document),
        reuse=job.reuse,
        store=workspace.settings.store,
        s3_endpoint_url=workspace.settings.s3_endpoint_url,
        config=workspace.config.extract,
        preview=preview_key(job.document.batch) if job.document.media_type == _PDF else "",
    )


_stores: dict[tuple[str, str | None], ObjectStore] = {}


def _store(url: str, s3_endpoint_url: str | None) -> ObjectStore:
    """The store at an address, opened once a process."""
    if (url, s3_endpoint_url) not in _stores:
        _stores[url, s3_endpoint_url] = open_store(url, s3_endpoint_url)
    return _stores[url, s3_endpoint_url]


def _run(task: _Task) -> _Answer:
    """Read one document; runs in a worker process."""
    from docmill.extract.registry import read

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


def _describe(extraction: Extraction) -> _Answer:
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
    return _Answer(counts, extraction.failed_pages, "; ".join(extraction.warnings)[:1_000])
