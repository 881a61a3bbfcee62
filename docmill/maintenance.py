"""Removes what nothing refers to any more, and builds collections again from what is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

from docmill.artifacts import FOLDERS
from docmill.errors import UsageError
from docmill.models import Stage
from docmill.pipeline import run_batch
from docmill.stages.extracted_elements import preview_key
from docmill.tally import Tally
from docmill.workspace import Workspace

_NAMING_CROPS = ("elements/", "enriched/")
_DAY = 86_400.0
_PART = 10_000


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
    ledger, last = workspace.ledger, Stage.VECTOR_COLLECTION
    if not ledger.documents(collection, limit=1):
        raise UsageError(f"There is no document in {collection!r}.", hint="See `docmill status`.")
    written = 0
    for batch in ledger.batches(collection):
        documents = ledger.batch_documents(batch.batch)
        if documents:
            ledger.drop([(each.document_id, last) for each in documents])
            run_batch(workspace, batch.batch)
            outcomes = ledger.outcomes(each.document_id for each in documents)
            written += sum(stage is last for _, stage in outcomes)
    return written, ledger.sums(collection, last, "rows").get("rows", 0)


def prune(workspace: Workspace, *, days: int) -> Pruned:
    """What nothing refers to is gone once it is `days` old.

    That is artifacts of versions that no document has, pictures that no artifact names, batches without documents.
    """
    before = time.time() - days * _DAY
    batches = workspace.ledger.batches()
    if not batches:  # a home that was never used has no store to list
        return Pruned(0, ())
    artifacts = 0
    with Tally() as versions:
        for name in sorted({batch.collection for batch in batches}):
            versions.count(document.version for document in workspace.ledger.each_document(name))
        for folder in FOLDERS:
            old = (info.key for info in workspace.store.list(folder) if info.modified < before)
            while part := list(islice(old, _PART)):
                used = versions.of([key.split("/")[2] for key in part])
                for key in part:
                    if key.split("/")[2] not in used:
                        workspace.store.delete(key)
                        artifacts += 1
    empty = tuple(workspace.ledger.empty_batches(before))
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
