"""Embeds each document's chunks and keeps the vectors as artifacts; the model's batches are filled across documents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from docmill.errors import PermanentError, TransientError
from docmill.models import Stage
from docmill.stages.base import Job, Result
from docmill.workspace import Workspace

_WINDOW = 1_024
"""Chunks that are embedded in one call: enough to fill batches of equal length, little enough to hold in memory."""

_TOLERANCE = 1e-3


@dataclass(frozen=True)
class _Pending:
    job: Job
    texts: list[str]


def make_embeddings(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's vectors are an artifact afterwards."""
    window: list[_Pending] = []
    for job in jobs:
        since = time.monotonic()
        try:
            chunks = workspace.artifacts.chunks(job.document, workspace.fingerprints[Stage.CHUNKS])
            kept = job.reuse and workspace.artifacts.has_vectors(job.document, workspace.fingerprints[Stage.EMBEDDINGS])
        except (PermanentError, TransientError) as error:
            yield Result(job.document, time.monotonic() - since, error=error)
            continue
        if kept:
            yield Result(job.document, time.monotonic() - since, {"vectors": len(chunks)})
            continue
        window.append(_Pending(job, [chunk.embedded for chunk in chunks]))
        if sum(len(each.texts) for each in window) >= _WINDOW:
            yield from _embed(workspace, window)
            window = []
    yield from _embed(workspace, window)


def _embed(workspace: Workspace, window: Sequence[_Pending]) -> Iterator[Result]:
    since = time.monotonic()
    texts = [text for each in window for text in each.texts]
    if not texts:
        return
    found = workspace.embedder.embed(texts)
    seconds = (time.monotonic() - since) / len(texts)
    start = 0
    for each in window:
        end = start + len(each.texts)
        workspace.artifacts.put_vectors(
            each.job.document, workspace.fingerprints[Stage.EMBEDDINGS], found.vectors[start:end]
        )
        truncated = sum(start <= position < end for position in found.truncated)
        note = f"{truncated} chunks are longer than the model reads" if truncated else ""
        norms = np.linalg.norm(found.vectors[start:end], axis=1)
        wrong = int(np.count_nonzero(~(np.abs(norms - 1.0) < _TOLERANCE)))
        counts = {"vectors": end - start, "truncated": truncated, "not_unit": wrong}
        yield Result(each.job.document, seconds * (end - start), counts, note=note)
        start = end
