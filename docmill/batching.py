"""Documents become batches: each has its manifest in the store, and claims its documents in the ledger."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from docmill import tracing
from docmill.ledger import Batch
from docmill.models import Document
from docmill.settings import BatchLimits
from docmill.workspace import Workspace


def settled(documents: Sequence[Document], limits: BatchLimits, now: float) -> list[Document]:
    """Those that can be batched now: full batches, and the rest once the newest object of it has rested.

    Without the rest a tick in the middle of an upload would make two batches of one.
    """
    ready: list[Document] = []
    for group in _groups(documents, limits):
        full = len(group) >= limits.documents or sum(each.size for each in group) >= limits.bytes
        if full or now - max(each.modified for each in group) >= limits.settle_seconds:
            ready += group
    return ready


def form_batches(
    workspace: Workspace, collection: str, documents: Sequence[Document], *, runner: str = ""
) -> list[str]:
    """The documents belong to new batches; the batches' names, in order. Each has its manifest in the store.

    `runner` names who runs them; batches without one are taken by the `new_uploads` sensor. Documents that another
    batch has claimed since they were listed are left to it.
    """
    groups = _groups(documents, workspace.settings.batch)
    names = (_write_batch(workspace, collection, group, runner) for group in groups)
    return [name for name in names if name is not None]


def _groups(documents: Sequence[Document], limits: BatchLimits) -> Iterator[list[Document]]:
    group: list[Document] = []
    size = 0
    for document in documents:
        if group and (len(group) >= limits.documents or size + document.size > limits.bytes):
            yield group
            group, size = [], 0
        group.append(document)
        size += document.size
    if group:
        yield group


def _write_batch(workspace: Workspace, collection: str, documents: Sequence[Document], runner: str) -> str | None:
    """The name of a batch of those documents that none has claimed, None if all are claimed."""
    while free := workspace.ledger.unclaimed(documents):
        name, manifest = _manifest(workspace, free)
        key = f"batches/{name}/manifest.jsonl"
        workspace.store.put(key, manifest)
        batch = Batch(name, collection, len(free), sum(each.size for each in free), time.time(), runner)
        if workspace.ledger.claim(batch, free):
            newest = max((each.modified for each in free), default=0.0) or batch.created_at
            tracing.upload(name, collection, [each.document_id for each in free], newest)
            return name
        workspace.store.delete(key)
    return None


def _manifest(workspace: Workspace, documents: Sequence[Document]) -> tuple[str, bytes]:
    """A new batch's name and its list of documents."""
    listed = ("document_id", "collection", "source", "source_key", "etag", "size")
    lines = [json.dumps({name: getattr(each, name) for name in listed}, ensure_ascii=False) for each in documents]
    manifest = "\n".join(lines).encode()
    day = datetime.now(UTC).strftime("%Y%m%d")
    number = workspace.ledger.next_number(f"batches-{day}")
    return f"{day}-{number:06d}-{hashlib.sha256(manifest).hexdigest()[:8]}", manifest
