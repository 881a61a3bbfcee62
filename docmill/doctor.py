"""Looks at every part and compares them: what is wrong, how to mend it, and mends it when told to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from docmill.artifacts import FOLDERS, member_key
from docmill.errors import DocmillError
from docmill.extract.extractors import installed
from docmill.generations import WAY_BACK, unsearched
from docmill.ids import digest
from docmill.inference.checks import check_models
from docmill.ledger import Batch
from docmill.members import container_id
from docmill.models import Document, Stage, Status
from docmill.pipeline import delete_documents
from docmill.tally import Tally
from docmill.workspace import Workspace

_PROBE = "probes/doctor"
_PART = 10_000
_DOCUMENTS = 1_000


@dataclass(frozen=True)
class Finding:
    """What was found of a part; `mend` does what `way_out` says, None where only people can. `mended` once it ran."""

    part: str
    well: bool
    sentence: str
    way_out: str = ""
    mend: Callable[[], None] | None = None
    mended: bool = False


def examine(workspace: Workspace, *, repair: bool = False) -> list[Finding]:
    """All findings; with `repair` those that can be mended are, and say so."""
    findings = []
    for part, look in _PARTS.items():
        try:
            found = list(look(workspace))
        except DocmillError as error:
            found = [Finding(part, False, error.message, error.hint)]
        for finding in found:
            if repair and finding.mend is not None and not finding.well:
                finding.mend()
                finding = replace(finding, mended=True)
            findings.append(finding)
    return findings


def _store(workspace: Workspace) -> Iterator[Finding]:
    probe = f"{_PROBE}-{os.getpid()}"
    data = digest("probe", os.getpid()).encode()
    workspace.store.put(probe, data)
    same = workspace.store.get(probe) == data
    workspace.store.delete(probe)
    where = workspace.store.url
    yield Finding("store", same, f"{where} can be written and read." if same else f"{where} gives back other bytes.")


def _ledger(workspace: Workspace) -> Iterator[Finding]:
    batches = workspace.ledger.batches()
    documents = sum(workspace.ledger.count(name) for name in {batch.collection for batch in batches})
    yield Finding("ledger", True, f"{len(batches)} batches, {documents} documents.")
    known = {batch.batch for batch in batches}
    kept = {info.key.split("/")[1] for info in workspace.store.list("batches/")}
    lost = sorted(kept - known)
    if lost and not batches:
        yield Finding(
            "ledger",
            False,
            f"The store holds {len(lost)} batches that the ledger does not know: it was lost or is another's.",
            "Rebuild it from the batches' manifests (--repair), then run `docmill reconcile`; nothing is parsed again.",
            lambda: _rebuild(workspace, lost),
        )


def _rebuild(workspace: Workspace, batches: list[str]) -> None:
    """The documents of the manifests are known again, each in its newest batch; their sources are watched."""
    for name in batches:
        lines = workspace.store.get(f"batches/{name}/manifest.jsonl").decode().splitlines()
        documents = [Document.model_validate(json.loads(line)) for line in lines]
        size = sum(document.size for document in documents)
        batch = Batch(name, documents[0].collection, len(documents), size, 0.0)
        workspace.ledger.claim(batch, workspace.ledger.unclaimed(documents))
        for collection, source in {(document.collection, document.source) for document in documents}:
            workspace.ledger.add_source(collection, source)


def _extractors(_: Workspace) -> Iterator[Finding]:
    for each in installed():
        yield Finding("extractors", True, f"{each.identity} reads {', '.join(sorted(each.extractor.media_types))}.")


def _model(workspace: Workspace) -> Iterator[Finding]:
    vectors = workspace.embedder.embed(["docmill"]).vectors
    yield Finding("model", True, f"{workspace.embedder.name} gives {vectors.shape[1]} dimensions.")


def _models(workspace: Workspace) -> Iterator[Finding]:
    """The servers and folders of the models that the settings name."""
    for check in check_models(workspace.settings):
        yield Finding(f"model {check.model}", check.well, check.sentence, check.way_out)


def _collections(workspace: Workspace) -> Iterator[Finding]:
    names = sorted({batch.collection for batch in workspace.ledger.batches()})
    yield Finding("index", True, f"Milvus answers at {workspace.settings.milvus}.")
    for name in names:
        yield from _rows(workspace, name)
        yield from _artifacts(workspace, name)
        yield from _buried(workspace, name)
        if sentence := unsearched(workspace, name):
            yield Finding(f"collection {name}", False, sentence, WAY_BACK)


def _rows(workspace: Workspace, name: str) -> Iterator[Finding]:
    """Orphans, duplicates and missing rows, against the ledger."""
    ledger, last = workspace.ledger, Stage.VECTOR_COLLECTION
    rows, orphans, lacking = 0, [], []
    held = workspace.index.each_held(name, workspace.space)
    with Tally() as tally:
        while part := list(islice(held, _PART)):
            rows += len(part)
            tally.count(_row_of(row.document_id, row.version) for _, row in part)
            unknown = ledger.unknown(name, sorted({row.document_id for _, row in part}))
            orphans += [key for key, row in part if row.document_id in unknown]
        documents = ledger.each_document(name)
        while some := {each.document_id: each for each in islice(documents, _DOCUMENTS)}:
            counted = tally.of([_row_of(each.document_id, each.version) for each in some.values()])
            for written in ledger.current(list(some), {last: workspace.fingerprints[last]}):
                row = _row_of(written.document_id, some[written.document_id].version)
                if written.status is Status.OK and counted.get(row, 0) != written.counts["rows"]:
                    lacking.append(written.document_id)
    yield Finding(
        f"collection {name}",
        not orphans,
        f"{rows} rows, {len(orphans)} of documents that nobody knows.",
        "Remove them (--repair)." if orphans else "",
        lambda: workspace.index.delete(name, workspace.space, orphans),
    )
    if lacking:
        yield Finding(
            f"collection {name}",
            False,
            f"{len(lacking)} documents have other numbers of rows than the ledger says.",
            "Have them written again: --repair, then `docmill reconcile` or materialize their batches.",
            lambda: ledger.drop([(each, last) for each in lacking]),
        )


def _row_of(document_id: str, version: str) -> str:
    return f"{document_id} {version}"


def _artifacts(workspace: Workspace, name: str) -> Iterator[Finding]:
    """Artifacts that the ledger says are there."""
    lost: list[tuple[str, Stage]] = []
    with Tally() as kept:
        for folder in FOLDERS:
            kept.count(info.key for info in workspace.store.list(folder))
        named = _named_artifacts(workspace, name)
        while part := list(islice(named, _PART)):
            there = kept.of([key for key, *_ in part])
            lost += [(document_id, stage) for key, document_id, stage in part if key not in there]
    yield Finding(
        f"artifacts {name}",
        not lost,
        f"{len(lost)} of the artifacts that the ledger names are missing." if lost else "Every artifact is there.",
        "Have them made again: --repair, then `docmill reconcile` or materialize their batches." if lost else "",
        lambda: workspace.ledger.drop(lost),
    )


def _named_artifacts(workspace: Workspace, name: str) -> Iterator[tuple[str, str, Stage]]:
    """The keys of the artifacts that the ledger says are there, with the document and the stage that make them."""
    key_of = dict(workspace.artifacts.keys)
    if not workspace.config.enrich.active:
        key_of.pop(Stage.ENRICHED_ELEMENTS, None)
    fingerprints = {stage: workspace.fingerprints[stage] for stage in key_of}
    documents = workspace.ledger.each_document(name)
    while part := {each.document_id: each for each in islice(documents, _DOCUMENTS)}:
        for each in part.values():
            if each.container:
                yield member_key(each.version), container_id(each), Stage.EXTRACTED_ELEMENTS
        for made in workspace.ledger.current(list(part), fingerprints):
            key = key_of[made.stage](part[made.document_id], fingerprints[made.stage])
            yield key, made.document_id, made.stage


def _buried(workspace: Workspace, name: str) -> Iterator[Finding]:
    """Deletions that were killed half-way."""
    dead = workspace.ledger.buried(name)
    if dead:
        yield Finding(
            f"collection {name}",
            False,
            f"The deletion of {len(dead)} documents was interrupted.",
            "Finish it (--repair).",
            lambda: _finish_deletion(workspace, name),
        )


def _finish_deletion(workspace: Workspace, name: str) -> None:
    """Documents that were buried are gone."""
    delete_documents(workspace, name, [])


_PARTS: dict[str, Callable[[Workspace], Iterator[Finding]]] = {
    "store": _store,
    "ledger": _ledger,
    "extractors": _extractors,
    "model": _model,
    "models": _models,
    "collections": _collections,
}
