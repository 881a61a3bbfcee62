"""Puts each document's chunks into the collection: write the new rows, verify them, then remove the old ones.

At every instant a document is found in its old or its new version, whatever is killed when.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from docmill.access import tagged
from docmill.attributes import AttributeReader
from docmill.errors import PermanentError, TransientError
from docmill.generations import begin
from docmill.ids import chunk_id
from docmill.index import Held, Row
from docmill.index.analysis import analyzed
from docmill.models import Chunk, Document, Stage
from docmill.stages.base import Job, Result
from docmill.workspace import Workspace

_WINDOW = 4_000
"""Rows that are written, verified and cleaned up after in one go: about 30 MB."""
_AHEAD = 64
"""Documents whose side-cars and object tags are read in one go, just before their rows are made."""


@dataclass(frozen=True)
class _Pending:
    document: Document
    rows: list[Row]


def index_documents(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """The collection holds each document's current chunks and no others of it."""
    window: list[_Pending] = []
    attributes = AttributeReader(workspace)
    for number, job in enumerate(jobs):
        since = time.monotonic()
        if number % _AHEAD == 0:
            attributes.read([each.document for each in jobs[number : number + _AHEAD]])
        try:
            document = tagged(workspace, job.document, attributes.of(job.document))
            window.append(_Pending(document, _rows(workspace, document)))
        except (PermanentError, TransientError) as error:
            yield Result(job.document, time.monotonic() - since, error=error)
        if sum(len(each.rows) for each in window) >= _WINDOW:
            yield from _write(workspace, window)
            window = []
    yield from _write(workspace, window)


def _rows(workspace: Workspace, document: Document) -> list[Row]:
    fingerprints = workspace.fingerprints
    chunks = workspace.artifacts.chunks(document, fingerprints[Stage.CHUNKS])
    vectors = workspace.artifacts.vectors(document, fingerprints[Stage.EMBEDDINGS])
    fingerprint = fingerprints[Stage.EMBEDDINGS]
    language = workspace.config.index.language
    rows = [_row(document, fingerprint, chunk, vector) for chunk, vector in zip(chunks, vectors.tolist(), strict=True)]
    indexed = [f"{chunk.context}\n{chunk.text}" for chunk in chunks]
    return [replace(row, terms=analyzed(text, language)) for row, text in zip(rows, indexed, strict=True)]


def _row(document: Document, fingerprint: str, chunk: Chunk, vector: Sequence[float]) -> Row:
    return Row(
        chunk_id=chunk_id(document.document_id, document.version, fingerprint, chunk.ordinal),
        document_id=document.document_id,
        version=document.version,
        fingerprint=fingerprint,
        ordinal=chunk.ordinal,
        source_key=document.source_key,
        text=chunk.text,
        vector=vector,
        section=chunk.section,
        pages=chunk.pages,
        regions=chunk.regions,
        types=tuple(each.value for each in chunk.types),
        place=chunk.place,
        seconds=chunk.seconds,
        elements=tuple(dict.fromkeys(span.ordinal for span in chunk.spans)),
        kind=chunk.kind,
        parent=chunk.parent,
        access=document.access,
        metadata={**({"language": chunk.language} if chunk.language else {}), **document.metadata},
    )


def _write(workspace: Workspace, window: Sequence[_Pending]) -> Iterator[Result]:
    """Write, verify, retire: the documents of one window, which are of one collection.

    A document that was deleted or has got a newer version meanwhile gives no result: whoever did that goes on with it.
    """
    since = time.monotonic()
    window = _unchanged(workspace, window)[0]
    if not window:
        return
    collection, space, index = window[0].document.collection, workspace.space, workspace.index
    begin(workspace, collection)
    index.upsert(collection, space, [row for each in window for row in each.rows])
    held = index.held(collection, space, [each.document.document_id for each in window])
    unchanged, outdated = _unchanged(workspace, window)
    complete = [each for each in unchanged if all(row.chunk_id in held for row in each.rows)]
    stale = [*_stale(complete, held), *_superseded(workspace, outdated, held)]
    index.delete(collection, space, stale)
    workspace.ledger.set_access(
        [each.document for each in unchanged]
    )  # after the rows: `docmill.access` compares these
    seconds = (time.monotonic() - since) / len(window)
    for each in unchanged:
        missing = sum(row.chunk_id not in held for row in each.rows)
        if missing:
            message = f"{missing} of {len(each.rows)} chunks are not in the collection after they were written."
            yield Result(each.document, seconds, error=TransientError(message, hint="It is tried again."))
        else:
            retired = sum(held[key].document_id == each.document.document_id for key in stale)
            yield Result(each.document, seconds, {"rows": len(each.rows), "retired": retired})


def _unchanged(workspace: Workspace, window: Sequence[_Pending]) -> tuple[list[_Pending], list[_Pending]]:
    """Those whose version is still the document's current one, and the others."""
    known = workspace.ledger.documents_by_id([each.document.document_id for each in window])
    versions = {document.document_id: document.version for document in known}
    same = [each for each in window if versions.get(each.document.document_id) == each.document.version]
    return same, [each for each in window if each not in same]


def _stale(complete: Sequence[_Pending], held: Mapping[str, Held]) -> list[str]:
    """Rows of the documents that are not their current ones."""
    current = {row.chunk_id for each in complete for row in each.rows}
    owners = {each.document.document_id for each in complete}
    return [key for key, row in held.items() if row.document_id in owners and key not in current]


def _superseded(workspace: Workspace, outdated: Sequence[_Pending], held: Mapping[str, Held]) -> list[str]:
    """Rows written here that nobody else will remove: of deleted documents, and where the newer version is held.

    Where it is not held yet, its writer sees these rows after its own and retires them.
    """
    ids = [each.document.document_id for each in outdated]
    newer = {document.document_id: document.version for document in workspace.ledger.documents_by_id(ids)}
    versions: dict[str, set[str]] = defaultdict(set)
    for row in held.values():
        versions[row.document_id].add(row.version)
    return [
        row.chunk_id
        for each in outdated
        for row in each.rows
        if row.chunk_id in held
        and (row.document_id not in newer or newer[row.document_id] in versions[row.document_id])
    ]
