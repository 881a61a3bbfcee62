"""Brings what clients put into an index into its collection: the pipeline of `docmill ingest`, as durable jobs.

All jobs of an index are the same work to the runner, so they come one after the other and none holds up a slot while it
waits; each takes all entries that are pending by then. Jobs find their entries in the database, so one that was killed
is done again with what is pending still.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from docmill.access import apply_access
from docmill.attributes import SIDE_CAR, SideCar
from docmill.batching import form_batches
from docmill.errors import SourceError, TransientError, UsageError
from docmill.generations import unsearched
from docmill.ids import document_id
from docmill.jobs import ANEW, Job, work_id
from docmill.keys import Key
from docmill.mirror import reconcile_steps
from docmill.models import Document, Metadata, Stage, Status
from docmill.pipeline import Scope, delete_documents, pending_batches
from docmill.plan import parts
from docmill.runners import find_runner
from docmill.service.llamacloud.entries import FILE, TEXT, Entries, Entry, entry_id, object_name
from docmill.service.llamacloud.filters import field_of
from docmill.service.llamacloud.items import Body
from docmill.service.native_documents import INGESTING
from docmill.service.runner import Context
from docmill.standing import current_outcome, unfinished
from docmill.workspace import Workspace

INDEX_KIND = "llamacloud_index"


def index_work(collection: str) -> str:
    """What all jobs of an index have in common."""
    return work_id(INDEX_KIND, collection, [])


def submit(workspace: Workspace, key: Key, collection: str, *, sync: bool = False) -> Job:
    """A job that works on all that is pending in the index; with `sync` on the collection's watched sources, too."""
    told = {"collection": collection, "sync": sync, ANEW: True}
    return workspace.jobs.add(INDEX_KIND, told, tenant=key.key_id, work=index_work(collection))


# Entries


def text_entry(workspace: Workspace, collection: str, ref_id: str, text: str, body: Body) -> Entry:
    """The entry of a text; its object and side-car lie in the store."""
    made = _entry(workspace, collection, ref_id, TEXT, f"{_slug(ref_id)}.txt")
    whole = _kept(body) | {"is_empty": not text.strip()}
    return _stored(workspace, made, text.encode("utf-8", "replace"), whole)


def file_entry(workspace: Workspace, collection: str, file_id: str, name: str, data: bytes, metadata: Body) -> Entry:
    """The entry of an uploaded file; its object and side-car lie in the store."""
    made = _entry(workspace, collection, file_id, FILE, object_name(name))
    return _stored(workspace, made, data, {"metadata": metadata, "name": name, "size": len(data)})


def _kept(body: Body) -> Body:
    """What is kept of a text beside its words."""
    names = ("metadata", "excluded_embed_metadata_keys", "excluded_llm_metadata_keys")
    return {name: body[name] for name in names if body.get(name)}


def _entry(workspace: Workspace, collection: str, ref_id: str, kind: str, name: str) -> Entry:
    identifier = entry_id(collection, ref_id)
    key = f"uploads/{collection}/{identifier}/{name}"
    document = document_id(collection, workspace.store.url + key)
    return Entry(collection, identifier, ref_id, kind, document, key)


def _stored(workspace: Workspace, entry: Entry, data: bytes, body: Body) -> Entry:
    made = replace(entry, body=body)
    _put_side_car(workspace, made)
    workspace.store.put(made.key, data)
    return made


def _put_side_car(workspace: Workspace, entry: Entry) -> None:
    side_car = SideCar(metadata=filterable(entry.metadata))
    workspace.store.put(entry.key + SIDE_CAR, side_car.model_dump_json(exclude_none=True).encode())


def retagged(workspace: Workspace, entry: Entry, metadata: Body) -> Entry:
    """The entry with other metadata; its side-car lies in the store, its object stays as it is."""
    made = replace(entry, body={**entry.body, "metadata": metadata})
    _put_side_car(workspace, made)
    return made


def filterable(metadata: Body) -> Metadata:
    """The part of the metadata that questions can be filtered by, under the names that the index has for its keys."""
    found: dict[str, str | int | float | bool | list[str]] = {}
    for name, value in metadata.items():
        if isinstance(value, list):
            texts = [str(each) for each in value if isinstance(each, str | int | float)]
            if texts:
                found[field_of(name)] = texts
        elif isinstance(value, str | int | float | bool) and value != "":
            found[field_of(name)] = value
    return found


def _slug(ref_id: str) -> str:
    """A file name that people recognise the reference by."""
    stem = re.sub(r"[^\w .-]+", " ", ref_id.rstrip("/").rpartition("/")[2]).strip(" .")
    return stem.removesuffix(".txt")[:80] or "document"


# Jobs


def do_index(context: Context) -> bytes:
    """All that is pending in the index is searchable, or has failed; the rows of each were counted.

    Raises TransientError where the index lacks rows that were written.
    """
    workspace, collection = context.workspace, str(context.job.payload["collection"])
    entries = Entries(workspace.ledger.database)
    with INGESTING:
        if context.job.payload.get("sync"):
            _sync(context, collection)
        while waiting := entries.pending(collection):
            context.report({"pending": len(waiting)})
            _ingest(workspace, collection, waiting)
            entries.settle(waiting)
            _drop_vanished(workspace, collection, waiting)
    return b"{}"


def _ingest(workspace: Workspace, collection: str, waiting: Sequence[Entry]) -> None:
    empty = [each.document_id for each in waiting if each.is_empty]
    delete_documents(workspace, collection, [each.document_id for each in workspace.ledger.documents_by_id(empty)])
    found, keys = _listed(workspace, collection, waiting)
    form_batches(workspace, collection, [each for each, is_new in found if is_new], runner="service")
    ids = [each.document_id for each, _ in found]
    known = workspace.ledger.documents_by_id(ids)
    apply_access(workspace, collection, known, keys)
    _run(workspace, pending_batches(workspace, known), ids)
    verify(workspace, collection, workspace.ledger.documents_by_id(ids))


def _listed(
    workspace: Workspace, collection: str, waiting: Sequence[Entry]
) -> tuple[list[tuple[Document, bool]], set[str]]:
    """The documents of the entries and whether they are new or changed, and their source keys."""
    found: list[tuple[Document, bool]] = []
    keys: set[str] = set()
    for each in waiting:
        if each.is_empty:
            continue
        try:
            (part,) = parts(workspace, collection, workspace.store.url + each.key)
        except SourceError:
            continue  # it was deleted meanwhile
        found += [(document, True) for document in part.pending] + [(document, False) for document in part.unchanged]
        keys |= part.with_side_car
    return found, keys


def _run(workspace: Workspace, batches: Sequence[str], ids: Sequence[str]) -> None:
    runner = find_runner(workspace.settings.service.runner)
    for batch in batches:
        runner.run(workspace, batch, list(Stage), Scope(frozenset(ids)))


def _sync(context: Context, collection: str) -> None:
    """The collection mirrors its watched sources, and what an earlier run has left is done."""
    workspace = context.workspace
    watched = {url for name, url in workspace.ledger.sources() if name == collection}
    watched |= {url for name, url in workspace.settings.watch.items() if name == collection}
    for source in sorted(watched):
        for step in reconcile_steps(workspace, collection, source, runner="service"):
            context.report({"source": source, "listed": step.listed})
    _run(workspace, unfinished(workspace, collection), [])


def verify(workspace: Workspace, collection: str, documents: Sequence[Document]) -> None:
    """Raises where the collection does not hold, for searches to find, the rows that the ledger says were written."""
    outcomes = workspace.ledger.outcomes(each.document_id for each in documents)
    expected: dict[str, int] = {}
    for each in documents:
        outcome = current_outcome(workspace, Stage.VECTOR_COLLECTION, each, outcomes)
        if outcome is not None and outcome.status is Status.OK:
            expected[each.document_id] = outcome.counts["rows"]
    if not expected:
        return
    held = workspace.index.held(collection, workspace.space, list(expected))
    rows = Counter(row.document_id for row in held.values())
    lacking = [identifier for identifier, count in expected.items() if rows[identifier] != count]
    if lacking:
        message = f"The collection {collection!r} lacks rows of {len(lacking)} documents after they were written."
        raise TransientError(message, hint="It is tried again.")
    if reason := unsearched(workspace, collection):
        raise UsageError(reason)


def _drop_vanished(workspace: Workspace, collection: str, waiting: Sequence[Entry]) -> None:
    """Documents whose entry was deleted while they were worked on are gone, too."""
    there = Entries(workspace.ledger.database).of_documents([each.document_id for each in waiting])
    gone = [each.document_id for each in waiting if each.document_id not in there]
    delete_documents(workspace, collection, [each.document_id for each in workspace.ledger.documents_by_id(gone)])


def remove(workspace: Workspace, entries: Sequence[Entry]) -> None:
    """The entries are gone: not searchable, not in the store, not known."""
    Entries(workspace.ledger.database).delete(entries)
    for each in entries:
        workspace.store.delete(each.key)
        workspace.store.delete(each.key + SIDE_CAR)
        delete_documents(workspace, each.collection, [each.document_id])
