"""Compares a source's objects with the ledger: what is new, changed, unchanged or gone, and makes batches of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from docmill import tracing
from docmill.access import apply_access
from docmill.attributes import SIDE_CAR, is_side_car
from docmill.errors import SourceError, UsageError
from docmill.ids import document_id
from docmill.ledger import Batch, Ledger
from docmill.models import INSIDE, Document
from docmill.pipeline import delete_documents
from docmill.settings import BatchLimits
from docmill.store import ObjectInfo, ObjectStore, canonical_url
from docmill.store.notifications import Event
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """What a source holds against what the ledger knows of it. `gone` are documents whose objects are not there.

    `with_side_car` are the source keys beside which a side-car lies, or may lie.
    """

    collection: str
    source: str
    new: tuple[Document, ...]
    changed: tuple[Document, ...]
    unchanged: tuple[Document, ...]
    gone: tuple[Document, ...]
    with_side_car: frozenset[str] = frozenset()

    @property
    def pending(self) -> tuple[Document, ...]:
        """New and changed documents."""
        return self.new + self.changed


def make_plan(workspace: Workspace, collection: str, source: str) -> Plan:
    """What an ingest of the source would do; nothing is written.

    `source` is the address of a folder or prefix (it ends with `/`) or of one object. Raises SourceError when the
    source cannot be listed.
    """
    store, single = split_source(workspace, source)
    infos = list(objects_of(store, single))
    listed = [listed_document(collection, store, info) for info in infos if not is_side_car(info.key)]
    known = {
        each.source_key: each
        for each in workspace.ledger.documents(collection, source)
        if not each.container and (not single or each.source_key == source)
    }
    new, changed, unchanged = _compare(listed, known)
    present = {each.source_key for each in listed}
    gone = tuple(each for key, each in known.items() if key not in present)
    side_cars = {source} if single else _owners(store, infos)
    return Plan(collection, source, new, changed, unchanged, gone, frozenset(side_cars))


def _owners(store: ObjectStore, infos: Sequence[ObjectInfo]) -> set[str]:
    """The source keys whose side-cars are among the objects."""
    return {store.url + info.key.removesuffix(SIDE_CAR) for info in infos if is_side_car(info.key)}


def retag(workspace: Workspace, plan: Plan) -> list[Document]:
    """The known documents of the plan have the access tags and metadata of now; those that changed."""
    known = workspace.ledger.documents_by_id([each.document_id for each in (*plan.changed, *plan.unchanged)])
    return apply_access(workspace, plan.collection, known, plan.with_side_car)


def _compare(
    listed: Sequence[Document], known: Mapping[str, Document]
) -> tuple[tuple[Document, ...], tuple[Document, ...], tuple[Document, ...]]:
    """New, changed and unchanged documents; of the last as the ledger knows them."""
    new = tuple(each for each in listed if each.source_key not in known)
    rest = [(each, known[each.source_key]) for each in listed if each.source_key in known]
    changed = tuple(each for each, before in rest if each.etag != before.etag)
    unchanged = tuple(before for each, before in rest if each.etag == before.etag)
    return new, changed, unchanged


@dataclass(frozen=True)
class Scan:
    """New and changed documents of a part of a source; the next part begins behind the key `cursor` ("": anew).

    `with_side_car` are the source keys whose side-car is newer than was asked for.
    """

    pending: tuple[Document, ...]
    cursor: str
    with_side_car: frozenset[str] = frozenset()


def scan(
    workspace: Workspace, collection: str, source: str, *, after: str = "", limit: int = 10_000, since: float = 0.0
) -> Scan:
    """What is new or changed among at most `limit` objects of the source that sort behind the key `after`.

    Going round by the cursor visits every key, so that overwritten and early-sorting ones are found too. Of side-cars
    those are told that were written `since` then, in seconds since the epoch.
    """
    store = workspace.source(source)
    infos = list(islice(store.list(after=after), limit))
    listed = [listed_document(collection, store, info) for info in infos if not is_side_car(info.key)]
    ids = [each.document_id for each in listed]
    known = {each.source_key: each for each in workspace.ledger.documents_by_id(ids)}
    new, changed, _ = _compare(listed, known)
    fresh = _owners(store, [each for each in infos if each.modified >= since])
    return Scan(new + changed, infos[-1].key if len(infos) == limit else "", frozenset(fresh))


def retag_scanned(workspace: Workspace, collection: str, found: Scan) -> list[Document]:
    """The known documents whose side-cars the scan told have the tags and metadata of now; those that changed."""
    ids = [document_id(collection, key) for key in found.with_side_car]
    return apply_access(workspace, collection, workspace.ledger.documents_by_id(ids), found.with_side_car)


def retag_told(workspace: Workspace, collection: str, told: Collection[tuple[Event, str]]) -> set[tuple[Event, str]]:
    """Known documents whose side-cars or objects notices tell of have the tags and metadata of now.

    Those of the notices that are to be told again: a run that is at work on their document may have read the former
    side-car or tags already, and write them afterwards.
    """
    by_side_car = {each: each[1].removesuffix(SIDE_CAR) for each in told if is_side_car(each[1])}
    by_object = {each: each[1] for each in told if each not in by_side_car and each[0] is not Event.REMOVED}
    if not workspace.settings.access_object_tags:
        by_object = {}
    owners = {**by_side_car, **by_object}
    ids = sorted({document_id(collection, key) for key in owners.values()})
    known = workspace.ledger.documents_by_id(ids)
    with_side_car = set(owners.values())  # one that has not changed speaks, too
    apply_access(workspace, collection, known, with_side_car, set(by_object.values()))
    busy = {each.batch for each in workspace.ledger.unfinished_batches()}
    at_work = {each.source_key for each in known if each.batch in busy}
    return {each for each, key in owners.items() if key in at_work}


def look_at(workspace: Workspace, collection: str, source: str, keys: Sequence[str]) -> tuple[Document, ...]:
    """The documents of these source keys, which are below the source, that are new or changed, and are there."""
    store = workspace.source(source)
    infos = [store.head(each.removeprefix(source)) for each in keys if not is_side_car(each)]
    listed = [listed_document(collection, store, info) for info in infos if info is not None]
    ids = [each.document_id for each in listed]
    known = {each.source_key: each for each in workspace.ledger.documents_by_id(ids)}
    new, changed, _ = _compare(listed, known)
    return new + changed


@dataclass(frozen=True)
class Reconciled:
    """What a step of reconciling a source did: objects listed, documents found new or changed, and documents deleted.

    `batches` hold the new and changed ones; `retagged` counts known ones whose access tags or metadata changed;
    `finished` says that the whole source has been listed.
    """

    listed: int
    batches: tuple[str, ...]
    deleted: int
    finished: bool
    retagged: int = 0


def reconcile_steps(
    workspace: Workspace, collection: str, source: str, *, force: bool = False, runner: str = "", tags: bool = True
) -> Iterator[Reconciled]:
    """Steps until the whole source has been compared; a scan that was interrupted goes on where it was."""
    finished = False
    while not finished:
        step = reconcile_step(workspace, collection, source, force=force, runner=runner, tags=tags)
        finished = step.finished
        yield step


def reconcile_step(
    workspace: Workspace,
    collection: str,
    source: str,
    *,
    limit: int = 10_000,
    force: bool = False,
    runner: str = "",
    tags: bool = True,
) -> Reconciled:
    """Compare the next `limit` objects of a source with the ledger; at the end of the source delete what is gone.

    With `tags` the object tags that `access_object_tags` names are read of every object: one request each.
    Where the scan is stands in the ledger, so that a killed one goes on. Raises SourceError if the source cannot be
    listed, and UsageError as `check_deletions` does; then the scan begins anew.
    """
    ledger = workspace.ledger
    cursor, started = ledger.scan_state(collection, source)
    if not started:
        ledger.add_source(collection, source)
        started = time.time()
    infos = list(islice(workspace.source(source).list(after=cursor), limit))
    finished = len(infos) < limit
    until = "" if finished else source + infos[-1].key
    after = source + cursor if cursor else ""
    known = {
        each.source_key: each
        for each in ledger.documents(collection, source, after=after, until=until)
        if not each.container
    }
    store = workspace.source(source)
    listed = [listed_document(collection, store, info) for info in infos if not is_side_car(info.key)]
    present = {each.source_key for each in listed}
    ledger.mark_gone([each.document_id for key, each in known.items() if key not in present], time.time())
    known = {key: known[key] for key in known.keys() & present} | _known_elsewhere(ledger, listed, after, until)
    new, changed, _ = _compare(listed, known)
    side_cars = _owners(store, infos)
    earlier = [document_id(collection, key) for key in side_cars - known.keys()]
    unsure = {key for key in known if until and key + SIDE_CAR > until}  # theirs may be listed by the next step
    tagging = [*known.values(), *workspace.ledger.documents_by_id(earlier)]
    with_tags = {each.source_key for each in tagging} if tags else set()
    retagged = apply_access(workspace, collection, tagging, side_cars | unsure, with_tags)
    batches = form_batches(workspace, collection, new + changed, runner=runner)
    ledger.save_scan(collection, source, "" if finished else infos[-1].key, 0.0 if finished else started)
    deleted = _delete_gone(workspace, collection, source, started, force=force) if finished else 0
    return Reconciled(len(infos), tuple(batches), deleted, finished, len(retagged))


def _known_elsewhere(ledger: Ledger, listed: Sequence[Document], after: str, until: str) -> dict[str, Document]:
    """The known ones of the listed documents whose keys do not sort between two others.

    There are none where objects are listed in byte order. SeaweedFS lists folder by folder: a/x before a-b.
    """
    ids = [each.document_id for each in listed if each.source_key <= after or (until and each.source_key > until)]
    return {each.source_key: each for each in ledger.documents_by_id(ids)}


def _delete_gone(workspace: Workspace, collection: str, source: str, since: float, *, force: bool) -> int:
    """Documents marked as gone since the scan began are deleted, unless their objects are there again."""
    store = workspace.source(source)
    gone = tuple(each for each in workspace.ledger.gone(collection, source, since) if store.head(each.key) is None)
    check_deletions(
        len(gone),
        workspace.ledger.count(collection, source, objects=True),
        source,
        workspace.settings.delete_cap,
        force=force,
    )
    delete_documents(workspace, collection, [each.document_id for each in gone])
    return len(gone)


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


def resolve_source(workspace: Workspace, address: str) -> str:
    """The address of what a user named: it ends with `/` for a folder or prefix, and does not for one object.

    Raises SourceError when there is nothing, and for a folder whose name ends as only containers' members may.
    """
    if address.rstrip("/").endswith(INSIDE.rstrip("/")):
        raise SourceError(
            f"{address} ends with {INSIDE[0]!r}, which stands between a container and its members.",
            hint="Rename the folder, or ingest the one above it.",
        )
    if address.startswith("s3://"):
        url = canonical_url(address).rstrip("/")
        bucket, _, key = url.removeprefix("s3://").partition("/")
        single = bool(key) and workspace.source(f"s3://{bucket}/").head(key) is not None
        return url if single else url + "/"
    path = Path(canonical_url(address).removeprefix("file://"))
    if not path.exists():
        raise SourceError(f"{path} does not exist.", hint="Check the path.")
    return f"file://{path}" if path.is_file() else f"file://{path}/".replace("////", "///")


def split_source(workspace: Workspace, source: str) -> tuple[ObjectStore, str]:
    """The store of the source and "" for all of it, or the key of the one object that the source names."""
    if source.endswith("/"):
        return workspace.source(source), ""
    base, _, name = source.rpartition("/")
    return workspace.source(base + "/"), name


def objects_of(store: ObjectStore, single: str) -> Iterator[ObjectInfo]:
    """The objects of the store, side-cars among them, or the one of that key; raises SourceError if it is not there."""
    if not single:
        yield from store.list()
        return
    if is_side_car(single):
        raise SourceError(f"{store.url}{single} is a side-car.", hint="Name the document that it lies beside.")
    info = store.head(single)
    if info is None:
        raise SourceError(f"There is no object {store.url}{single}.", hint="Check the path.")
    yield info


def listed_document(collection: str, store: ObjectStore, info: ObjectInfo) -> Document:
    """The object as a document of the collection."""
    key = store.url + info.key
    return Document(
        document_id=document_id(collection, key),
        collection=collection,
        source=store.url,
        source_key=key,
        etag=info.etag,
        size=info.size,
        modified=info.modified,
    )


def check_deletions(gone: int, known: int, source: str, cap: float, *, force: bool = False) -> None:
    """Raises UsageError when more than the share `cap` of a source's `known` documents would be deleted.

    When all of them would be, the listing was empty or of something else: that is a wrong path or a broken mount more
    often than a wish. Of several, one may always go. `force` allows everything.
    """
    if force or gone == 0:
        return
    if gone == known:
        raise UsageError(
            f"{source} lists none of its {known} known documents: nothing is deleted.",
            hint="Check the source. If all of them should go, run it with force.",
        )
    if gone > max(1.0, cap * known):
        raise UsageError(
            f"{gone} of {known} documents of {source} are gone, more than {cap:.0%}: none is deleted.",
            hint="If that is right, run it with force, or raise delete_cap.",
        )


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
