"""Removes what nothing refers to any more."""

from __future__ import annotations

import time
from dataclasses import dataclass

from docmill.stages.extracted_elements import preview_key
from docmill.workspace import Workspace

_FOLDERS = ("elements/", "enriched/", "chunks/", "embeddings/", "members/")
_DAY = 86_400.0


@dataclass(frozen=True)
class Pruned:
    """How many artifacts, and which batches, are gone."""

    artifacts: int
    batches: tuple[str, ...]


def prune(workspace: Workspace, *, days: int) -> Pruned:
    """Artifacts of versions that no document has, and batches that hold no document, are gone once `days` old."""
    before = time.time() - days * _DAY
    batches = workspace.ledger.batches()
    documents = [each for name in {batch.collection for batch in batches} for each in workspace.ledger.documents(name)]
    versions = {document.version for document in documents}
    artifacts = 0
    if not batches:  # a home that was never used has no store to list
        return Pruned(0, ())
    for folder in _FOLDERS:
        for info in list(workspace.store.list(folder)):
            if info.modified < before and info.key.split("/")[2] not in versions:
                workspace.store.delete(info.key)
                artifacts += 1
    used = {document.batch for document in documents}
    empty = tuple(batch.batch for batch in batches if batch.batch not in used and batch.created_at < before)
    for batch in empty:
        workspace.store.delete(f"batches/{batch}/manifest.jsonl")
        workspace.store.delete(preview_key(batch))
    workspace.ledger.forget_batches(empty)
    return Pruned(artifacts, empty)
