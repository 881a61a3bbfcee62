"""Describes each document's pictures and takes personal data out, before chunks are made.

Without settings for either nothing is done or kept: chunks are made of the extracted elements. A picture that could not
be described is kept as it was; its document is partial, goes on, and is tried again where the cause can pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from docmill.enrich import Captioner, Redactor
from docmill.errors import PermanentError, TransientError
from docmill.models import Document, Extraction, Stage
from docmill.stages.base import Job, Result
from docmill.workspace import Workspace


def enrich_elements(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's enriched elements are an artifact afterwards, if the settings ask for any enrichment."""
    config = workspace.config.enrich
    if not config.active:
        yield from (Result(job.document, 0.0) for job in jobs)
        return
    captioner = Captioner(config.caption, workspace.artifacts) if config.caption.url else None
    redactor = Redactor(config.redact) if config.redact.active else None
    enrich = partial(_enrich, workspace, captioner=captioner, redactor=redactor)
    for job in jobs:
        since = time.monotonic()
        try:
            yield enrich(job.document, since)
        except (PermanentError, TransientError) as error:
            yield Result(job.document, time.monotonic() - since, error=error)


def _enrich(
    workspace: Workspace, document: Document, since: float, captioner: Captioner | None, redactor: Redactor | None
) -> Result:
    fingerprints = workspace.fingerprints
    extraction = workspace.artifacts.extraction(document, fingerprints[Stage.EXTRACTED_ELEMENTS])
    counts, lacking, note = {"enriched": 1}, None, ""
    if captioner is not None:
        captioned = captioner.describe(extraction)
        extraction, lacking, note = captioned.extraction, captioned.lacking, captioned.note
        counts |= {"pictures": captioned.pictures, "captions": captioned.captions}
    if redactor is not None:
        extraction, found = redactor.redact(extraction)
        counts |= {"redacted": sum(found.values())} | {f"redacted_{kind}": count for kind, count in found.items()}
    workspace.artifacts.put_enriched(document, fingerprints[Stage.ENRICHED_ELEMENTS], _consistent(extraction))
    return Result(document, time.monotonic() - since, counts, lacking=lacking, note=note)


def _consistent(extraction: Extraction) -> Extraction:
    """The extraction, whose elements are still numbered from 0: spans of chunks name them so."""
    assert all(element.ordinal == index for index, element in enumerate(extraction.elements))
    return extraction
