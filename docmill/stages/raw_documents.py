"""Reads each object once: its version (sha256) and media type are known afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from docmill.artifacts import extension
from docmill.errors import EmptyDocumentError, LimitExceededError, MissingObjectError, PermanentError, TransientError
from docmill.extract.media_type import detect
from docmill.ids import content_version
from docmill.models import Document
from docmill.scan import scan
from docmill.stages.base import Job, Result
from docmill.workspace import Workspace

_THREADS = 8


def read_documents(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """Each document's version, media type and size are in the ledger; several are read at once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(lambda job: _read(workspace, job.document), jobs)


def _read(workspace: Workspace, document: Document) -> Result:
    since = time.monotonic()
    try:
        counts, note = _describe(workspace, document)
    except (PermanentError, TransientError) as error:
        return Result(document, time.monotonic() - since, error=error)
    return Result(document, time.monotonic() - since, counts, note=note)


def _describe(workspace: Workspace, document: Document) -> tuple[dict[str, int], str]:
    if document.container:
        return _describe_member(workspace, document)
    store = workspace.source_of(document)
    info = store.head(document.key)
    if info is None:
        raise MissingObjectError(
            f"{document.source_key} was deleted after it was listed.", hint="The next reconcile removes it."
        )
    limit = workspace.config.extract.max_bytes
    if info.size > limit:
        raise LimitExceededError(
            f"{document.source_key} has {info.size} bytes; the limit is {limit}.", hint="Raise extract.max_bytes."
        )
    data = store.get(document.key)
    if not data:
        raise EmptyDocumentError(f"{document.source_key} has 0 bytes.", hint="Upload it again.")
    scan(data, document.source_key, workspace.settings.scan)
    found = detect(data, f"document{extension(document.source_key)}")
    workspace.ledger.set_version(document.document_id, content_version(data), found.media_type, info.etag, len(data))
    return {"bytes": len(data)}, found.disagreement


def _describe_member(workspace: Workspace, document: Document) -> tuple[dict[str, int], str]:
    """A member's version and type are known since it was taken out of its container; its bytes must still be there."""
    if not workspace.artifacts.has_member(document.version):
        raise MissingObjectError(
            f"The bytes of {document.source_key} are not in the store any more.",
            hint=f"Have {document.container} extracted again: `docmill doctor --repair`, then `docmill reconcile`.",
        )
    return {"bytes": document.size}, ""
