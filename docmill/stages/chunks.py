"""Cuts each document's elements into chunks and keeps them as artifacts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from docmill.artifacts import file_name
from docmill.chunk import chunk_extraction, document_card
from docmill.chunk.languages import with_languages
from docmill.errors import EmptyDocumentError, PermanentError, TransientError
from docmill.models import Chunk, Stage
from docmill.stages.base import Job, Result
from docmill.workspace import Workspace


def make_chunks(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's chunks are an artifact afterwards; a document without text fails."""
    for job in jobs:
        since = time.monotonic()
        try:
            chunks = _chunks(workspace, job)
        except (PermanentError, TransientError) as error:
            yield Result(job.document, time.monotonic() - since, error=error)
            continue
        if not chunks:
            empty = EmptyDocumentError(
                f"{job.document.source_key} holds no text that could be searched.",
                hint="If it is a scan, extract it with mode auto (OCR).",
            )
            yield Result(job.document, time.monotonic() - since, error=empty)
            continue
        limit = min(workspace.config.chunk.max_tokens, workspace.embedder.max_tokens)
        counts = {
            "chunks": len(chunks),
            "tokens": sum(chunk.token_count for chunk in chunks),
            "over_limit": sum(chunk.token_count > limit for chunk in chunks),
        }
        yield Result(job.document, time.monotonic() - since, counts)


def _chunks(workspace: Workspace, job: Job) -> tuple[Chunk, ...]:
    artifacts, fingerprints = workspace.artifacts, workspace.fingerprints
    if job.reuse and artifacts.has_chunks(job.document, fingerprints[Stage.CHUNKS]):
        return artifacts.chunks(job.document, fingerprints[Stage.CHUNKS])
    if workspace.config.enrich.active:
        extraction = artifacts.enriched(job.document, fingerprints[Stage.ENRICHED_ELEMENTS])
    else:
        extraction = artifacts.extraction(job.document, fingerprints[Stage.EXTRACTED_ELEMENTS])
    name, config, model = file_name(job.document.source_key), workspace.config.chunk, workspace.embedder
    chunks = chunk_extraction(extraction, model, config, name, lambda texts: model.embed(texts).vectors)
    if chunks and config.context:
        chunks = (*chunks, document_card(extraction, name, len(chunks), model, config.max_tokens))
    chunks = with_languages(chunks, extraction)
    artifacts.put_chunks(job.document, fingerprints[Stage.CHUNKS], chunks)
    return chunks
