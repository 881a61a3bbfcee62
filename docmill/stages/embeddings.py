"""Embeds each document's chunks and keeps the vectors as artifacts; the model's batches are filled across documents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from docmill.errors import PermanentError, TransientError
from docmill.inference.embedder import Embeddings
from docmill.models import Stage
from docmill.stages.base import Job, Result
from docmill.workspace import Workspace

_WINDOW = 1_024
"""Chunks that are embedded in one call: enough to fill batches of equal length, little enough to hold in memory."""

_TOLERANCE = 1e-3


@dataclass(frozen=True)
class _Pending:
    """A document and the texts of its chunks."""

    job: Job
    texts: list[str]


_Vectors = Embeddings | PermanentError | TransientError
_Window = list[_Pending]


def make_embeddings(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's vectors are an artifact afterwards.

    While the model computes a window, the chunks of the next are read; two windows are in memory, never the batch.
    """
    with ThreadPoolExecutor(1) as model:
        under_way: Future[list[Result]] | None = None
        for result, window in _windows(workspace, jobs):
            if result is not None:
                yield result
                continue
            ahead = model.submit(_embed, workspace, window)
            if under_way is not None:
                yield from under_way.result()
            under_way = ahead
        if under_way is not None:
            yield from under_way.result()


def _windows(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[tuple[Result | None, _Window]]:
    """Results of documents that need no model, and windows of those that do."""
    window: _Window = []
    for job in jobs:
        since = time.monotonic()
        try:
            chunks = workspace.artifacts.chunks(job.document, workspace.fingerprints[Stage.CHUNKS])
            kept = job.reuse and workspace.artifacts.has_vectors(job.document, workspace.fingerprints[Stage.EMBEDDINGS])
        except (PermanentError, TransientError) as error:
            yield Result(job.document, time.monotonic() - since, error=error), []
            continue
        if kept:
            yield Result(job.document, time.monotonic() - since, {"vectors": len(chunks)}), []
            continue
        window.append(_Pending(job, [chunk.embedded for chunk in chunks]))
        if sum(len(each.texts) for each in window) >= _WINDOW:
            yield None, window
            window = []
    if window:
        yield None, window


def _embed(workspace: Workspace, window: _Window) -> list[Result]:
    """The window's vectors are kept; what became of each document."""
    since = time.monotonic()
    found = _vectors(workspace, window)
    seconds = (time.monotonic() - since) / max(1, sum(len(each.texts) for each in window))
    return [
        _keep(workspace, each, vectors, seconds * len(each.texts)) for each, vectors in zip(window, found, strict=True)
    ]


def _vectors(workspace: Workspace, window: _Window) -> list[_Vectors]:
    """Each document's vectors, or why it has none. Where the model refuses a text, its document alone fails."""
    texts = [text for each in window for text in each.texts]
    try:
        found = workspace.embedder.embed(texts)
    except TransientError as error:
        return [error for _ in window]
    except PermanentError as error:
        if len(window) == 1:
            return [error]
        return [vectors for each in window for vectors in _vectors(workspace, [each])]
    parts: list[_Vectors] = []
    start = 0
    for each in window:
        end = start + len(each.texts)
        truncated = tuple(position - start for position in found.truncated if start <= position < end)
        parts.append(Embeddings(found.vectors[start:end], truncated))
        start = end
    return parts


def _keep(workspace: Workspace, pending: _Pending, found: _Vectors, seconds: float) -> Result:
    """The document's vectors are an artifact, if it has any."""
    document = pending.job.document
    if not isinstance(found, Embeddings):
        return Result(document, seconds, error=found)
    workspace.artifacts.put_vectors(document, workspace.fingerprints[Stage.EMBEDDINGS], found.vectors)
    note = f"{len(found.truncated)} chunks are longer than the model reads" if found.truncated else ""
    norms = np.linalg.norm(found.vectors, axis=1)
    wrong = int(np.count_nonzero(~(np.abs(norms - 1.0) < _TOLERANCE)))
    counts = {"vectors": len(found), "truncated": len(found.truncated), "not_unit": wrong}
    return Result(document, seconds, counts, note=note)
