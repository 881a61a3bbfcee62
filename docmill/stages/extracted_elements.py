"""Reads each document into elements, in a worker process of its own, and keeps them as artifacts."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from docmill.errors import DocmillError, IncompleteDocumentError, PermanentError, TransientError
from docmill.extract.extractors import extractor_of
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.worker import Answer, Task, Unfinished, read_document
from docmill.inference.places import served
from docmill.models import Document, Stage
from docmill.stages.base import Job, Result
from docmill.stages.page_ranges import PdfInWork
from docmill.workers import Isolated
from docmill.workspace import Workspace

_PDF = "application/pdf"
PRELOAD = ("docmill.extract.worker", "docmill.extract.preload")
"""The modules that reading any document needs."""
_PLAIN = {MEDIA_TYPES[label] for label in ("txt", "rst", "org")}


def extract_elements(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's elements and pictures are artifacts afterwards."""
    if not jobs:
        return
    preload = {module for job in jobs for module in _modules(job.document.media_type)}
    with (
        TemporaryDirectory(prefix="docmill-") as folder,
        Isolated(
            read_document, workspace.settings.workers, sorted(preload), is_long=lambda task: task.is_recording
        ) as pool,
    ):
        extract = functools.partial(_extract, workspace, pool, Path(folder))
        firsts, twins = _apart(workspace, jobs)
        read: set[str] = set()
        for result in extract(firsts):
            if result.error is None:
                read.add(_artifact(workspace, result.document))
            yield result
        yield from extract([_reusing(job, _artifact(workspace, job.document) in read) for job in twins])


def extract_one(
    workspace: Workspace, pool: Isolated[Task, Answer | Unfinished], folder: Path, document: Document
) -> Result:
    """What became of the document; its elements are taken from the store if they lie there. Any thread may call this.

    `pool` runs `read_document`, `folder` is for what the parts of a PDF leave for each other. Raises errors that are no
    document's.
    """
    return next(iter(_extract(workspace, pool, folder, [Job(document, reuse=True)])))


def elements_artifact(workspace: Workspace, document: Document) -> str:
    """Where the document's elements lie once it was read."""
    return _artifact(workspace, document)


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


def _extract(
    workspace: Workspace, pool: Isolated[Task, Answer | Unfinished], folder: Path, jobs: Sequence[Job]
) -> Iterator[Result]:
    """Results in order of completion; an error that is no document's is raised."""
    tasks = [_task(workspace, job, folder) for job in jobs]
    documents = [job.document for job in jobs]
    pdfs = {task.spool: PdfInWork(task) for task in tasks if task.spool}
    for index, answer, seconds in pool.run(tasks):
        pdf = pdfs.get(tasks[index].spool)
        if pdf is not None:
            following = pdf.after(tasks[index], answer, seconds)
            if isinstance(following, list):
                tasks += following
                documents += [documents[index]] * len(following)
                continue
            answer, seconds = following, pdf.seconds
        yield _result(documents[index], answer, seconds)


def _result(document: Document, answer: Answer | Unfinished | DocmillError, seconds: float) -> Result:
    """What became of the document; raises an error that is no document's."""
    if isinstance(answer, PermanentError | TransientError):
        return Result(document, seconds, error=answer)
    if isinstance(answer, DocmillError):
        raise answer
    assert isinstance(answer, Answer)
    lacking = IncompleteDocumentError(answer.lacking) if answer.lacking else None
    return Result(document, seconds, answer.counts, None, answer.failed_pages, lacking, answer.note, answer.members)


def _modules(media_type: str) -> tuple[str, ...]:
    """What the fork server imports once so that no worker has to."""
    if media_type == _PDF:
        return (*PRELOAD, "docmill.extract.pdf")
    if media_type in _PLAIN:
        return (*PRELOAD, "docmill.extract.preload_plain")
    return PRELOAD


def preview_key(batch: str) -> str:
    """Where the picture of the first page of the first PDF of the batch to be read lies."""
    return f"previews/{batch}.png"


def _task(workspace: Workspace, job: Job, folder: Path) -> Task:
    is_pdf = job.document.media_type == _PDF and extractor_of(_PDF) is None
    return Task(
        source=job.document.source,
        key=job.document.key,
        version=job.document.version,
        artifact=_artifact(workspace, job.document),
        reuse=job.reuse,
        store=workspace.settings.store,
        s3_endpoint_url=workspace.settings.s3_endpoint_url,
        config=workspace.config.extract,
        is_recording=job.document.media_type.startswith(("audio/", "video/")),
        preview=preview_key(job.document.batch) if is_pdf and job.document.batch else "",
        spool=mkdtemp(dir=folder) if is_pdf else "",
        member=bool(job.document.container),
        password=workspace.settings.password.get_secret_value(),
        places=served(workspace.settings.models),
    )
