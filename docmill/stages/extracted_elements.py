"""Reads each document into elements, in a worker process of its own, and keeps them as artifacts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from docmill.errors import DocmillError, PermanentError, TransientError
from docmill.extract.worker import Answer, Task, Unfinished, read_document
from docmill.models import Document, Stage
from docmill.stages.base import Job, Result
from docmill.stages.page_ranges import PdfInWork
from docmill.workers import Isolated
from docmill.workspace import Workspace

_PDF = "application/pdf"


def extract_elements(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's elements and pictures are artifacts afterwards."""
    if not jobs:
        return
    preload = {module for job in jobs for module in _modules(job.document.media_type)}
    with (
        TemporaryDirectory(prefix="docmill-") as folder,
        Isolated(read_document, workspace.settings.workers, sorted(preload)) as pool,
    ):
        tasks = [_task(workspace, job, Path(folder)) for job in jobs]
        documents = [job.document for job in jobs]
        in_work = {task.spool: PdfInWork(task) for task in tasks if task.spool}
        for index, answer, seconds in pool.run(tasks):
            pdf = in_work.get(tasks[index].spool)
            if pdf is not None:
                pdf.begun(seconds)
                end = pdf.after(tasks[index], answer)
                if isinstance(end, list):
                    tasks += end
                    documents += [documents[index]] * len(end)
                    continue
                answer, seconds = end, time.monotonic() - pdf.since
            yield _result(documents[index], answer, seconds)


def _result(document: Document, answer: Answer | Unfinished | DocmillError, seconds: float) -> Result:
    """What became of the document; raises errors that are not its own."""
    if isinstance(answer, PermanentError | TransientError):
        return Result(document, seconds, error=answer)
    if isinstance(answer, DocmillError):
        raise answer
    assert isinstance(answer, Answer)
    return Result(document, seconds, answer.counts, failed_pages=answer.failed_pages, note=answer.note)


def _modules(media_type: str) -> tuple[str, ...]:
    """What the fork server imports once so that no worker has to."""
    return ("docmill.extract.worker", "docmill.extract.pdf") if media_type == _PDF else ("docmill.extract.worker",)


def preview_key(batch: str) -> str:
    """Where the picture of the first page of the first PDF of the batch to be read lies."""
    return f"previews/{batch}.png"


def _task(workspace: Workspace, job: Job, folder: Path) -> Task:
    fingerprint = workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]
    is_pdf = job.document.media_type == _PDF
    return Task(
        source=job.document.source,
        key=job.document.key,
        version=job.document.version,
        artifact=workspace.artifacts.elements_key(job.document, fingerprint),
        reuse=job.reuse,
        store=workspace.settings.store,
        s3_endpoint_url=workspace.settings.s3_endpoint_url,
        config=workspace.config.extract,
        preview=preview_key(job.document.batch) if is_pdf else "",
        spool=mkdtemp(dir=folder) if is_pdf else "",
    )
