"""Reads each document into elements, in a worker process of its own, and keeps them as artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docmill.errors import DocmillError, PermanentError, TransientError
from docmill.extract.worker import Task, read_document
from docmill.models import Stage
from docmill.stages.base import Job, Result
from docmill.workers import Isolated
from docmill.workspace import Workspace

_PDF = "application/pdf"


def extract_elements(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's elements and pictures are artifacts afterwards."""
    if not jobs:
        return
    tasks = [_task(workspace, job) for job in jobs]
    preload = {module for job in jobs for module in _modules(job.document.media_type)}
    with Isolated(read_document, workspace.settings.workers, sorted(preload)) as pool:
        for index, answer, seconds in pool.run(tasks):
            document = jobs[index].document
            if isinstance(answer, PermanentError | TransientError):
                yield Result(document, seconds, error=answer)
            elif isinstance(answer, DocmillError):
                raise answer
            else:
                yield Result(document, seconds, answer.counts, failed_pages=answer.failed_pages, note=answer.note)


def _modules(media_type: str) -> tuple[str, ...]:
    """What the fork server imports once so that no worker has to."""
    return ("docmill.extract.worker", "docmill.extract.pdf") if media_type == _PDF else ("docmill.extract.worker",)


def preview_key(batch: str) -> str:
    """Where the picture of the first page of the first PDF of the batch to be read lies."""
    return f"previews/{batch}.png"


def _task(workspace: Workspace, job: Job) -> Task:
    fingerprint = workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]
    return Task(
        source=job.document.source,
        key=job.document.key,
        version=job.document.version,
        artifact=workspace.artifacts.elements_key(job.document, fingerprint),
        reuse=job.reuse,
        store=workspace.settings.store,
        s3_endpoint_url=workspace.settings.s3_endpoint_url,
        config=workspace.config.extract,
        preview=preview_key(job.document.batch) if job.document.media_type == _PDF else "",
    )
