"""Removes what nothing refers to any more, and builds collections again from what is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass

from docmill.errors import UsageError
from docmill.models import Stage
from docmill.pipeline import run_batch
from docmill.stages.extracted_elements import preview_key
from docmill.workspace import Workspace

_FOLDERS = ("elements/", "enriched/", "chunks/", "embeddings/", "members/")
_NAMING_CROPS = ("elements/", "enriched/")
_DAY = 86_400.0


@dataclass(frozen=True)
class Pruned:
    """How many artifacts, which batches, and how many pictures are gone."""

    artifacts: int
    batches: tuple[str, ...]
    crops: int = 0


def rebuild(workspace: Workspace, collection: str) -> tuple[int, int]:
    """The collection's rows are written again from the artifacts in the store; how many documents and rows it has.

    Nothing is parsed, chunked or embedded but what is not in the store. Documents stay found while it goes on.
    """
    known = workspace.ledger.documents(collection)
    if not known:
        raise UsageError(f"There is no document in {collection!r}.", hint="See `docmill status`.")
    for batch in sorted({document.batch for document in known}):
        documents = workspace.ledger.batch_documents(batch)
        workspace.ledger.drop([(each.document_id, Stage.VECTOR_COLLECTION) for each in documents])
        run_batch(workspace, batch)
    outcomes = workspace.ledger.outcomes(each.document_id for each in known).values()
    written = [each.counts.get("rows", 0) for each in outcomes if each.stage is Stage.VECTOR_COLLECTION]
    return len(written), sum(written)


def prune(workspace: Workspace, *, days: int) -> Pruned:
    """What nothing refers to is gone once it is `days` old.

    That is artifacts of versions that no document has, pictures that no artifact names, batches without documents.
    """
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
    return Pruned(artifacts, empty, _prune_crops(workspace, before))


def _prune_crops(workspace: Workspace, before: float) -> int:
    """Pictures older than `before` that no extraction names any more are gone; how many.

    Documents share pictures (a logo, say), so the extractions that are left are asked, all of them: they are read only
    if there is an old picture. A picture is kept before the extraction that names it, and is new then.
    """
    store, artifacts = workspace.store, workspace.artifacts
    old = {info.key.rpartition("/")[2]: info.key for info in store.list("crops/") if info.modified < before}
    for folder in _NAMING_CROPS:
        for info in store.list(folder) if old else ():
            for name in artifacts.crops_named(info.key):
                old.pop(name, None)
    for key in old.values():
        store.delete(key)
    return len(old)
