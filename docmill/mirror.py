"""Compares a source's objects with the ledger: what is new, changed, unchanged or gone, and makes batches of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from docmill.errors import SourceError, UsageError
from docmill.ids import document_id
from docmill.ledger import Batch
from docmill.models import Document
from docmill.settings import BatchLimits
from docmill.store import ObjectInfo, ObjectStore, canonical_url
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """What a source holds against what the ledger knows of it. `gone` are documents whose objects are not there."""

    collection: str
    source: str
    new: tuple[Document, ...]
    changed: tuple[Document, ...]
    unchanged: tuple[Document, ...]
    gone: tuple[Document, ...]

    @property
    def pending(self) -> tuple[Document, ...]:
        """New and changed documents."""
        return self.new + self.changed


def make_plan(workspace: Workspace, collection: str, source: str) -> Plan:
    """What an ingest of the source would do; nothing is written.

    `source` is the address of a folder or prefix (it ends with `/`) or of one object. Raises SourceError when the
    source cannot be listed.
    """
    store, single = _split(workspace, source)
    listed = [_document(collection, store, info) for info in _objects(store, single)]
    known = {
        each.source_key: each
        for each in workspace.ledger.documents(collection, source)
        if not single or each.source_key == source
    }
    new, changed, unchanged = _compare(listed, known)
    present = {each.source_key for each in listed}
    gone = tuple(each for key, each in known.items() if key not in present)
    return Plan(collection, source, new, changed, unchanged, gone)


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
    """New and changed documents of a part of a source; the next part begins behind the key `cursor` ("": anew)."""

    pending: tuple[Document, ...]
    cursor: str


def scan(workspace: Workspace, collection: str, source: str, *, after: str = "", limit: int = 10_000) -> Scan:
    """What is new or changed among at most `limit` objects of the source that sort behind the key `after`.

    Going round by the cursor visits every key, so that overwritten and early-sorting ones are found too.
    """
    store = workspace.source(source)
    infos = list(islice(store.list(after=after), limit))
    listed = [_document(collection, store, info) for info in infos]
    ids = [each.document_id for each in listed]
    known = {each.source_key: each for each in workspace.ledger.documents_by_id(ids)}
    new, changed, _ = _compare(listed, known)
    return Scan(new + changed, infos[-1].key if len(infos) == limit else "")


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

    Raises SourceError when there is nothing.
    """
    if address.startswith("s3://"):
        url = canonical_url(address).rstrip("/")
        bucket, _, key = url.removeprefix("s3://").partition("/")
        single = bool(key) and workspace.source(f"s3://{bucket}/").head(key) is not None
        return url if single else url + "/"
    path = Path(canonical_url(address).removeprefix("file://"))
    if not path.exists():
        raise SourceError(f"{path} does not exist.", hint="Check the path.")
    return f"file://{path}" if path.is_file() else f"file://{path}/".replace("////", "///")


def _split(workspace: Workspace, source: str) -> tuple[ObjectStore, str]:
    """The store of the source and "" for all of it, or the key of the one object that the source names."""
    if source.endswith("/"):
        return workspace.source(source), ""
    base, _, name = source.rpartition("/")
    return workspace.source(base + "/"), name


def _objects(store: ObjectStore, single: str) -> Iterator[ObjectInfo]:
    if not single:
        yield from store.list()
        return
    info = store.head(single)
    if info is None:
        raise SourceError(f"There is no object {store.url}{single}.", hint="Check the path.")
    yield info


def _document(collection: str, store: ObjectStore, info: ObjectInfo) -> Document:
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


def check_deletions(plan: Plan, cap: float, *, force: bool = False) -> None:
    """Raises UsageError when more than the share `cap` of the source's documents would be deleted.

    An empty listing of a source that had documents is refused too: it is a wrong path or a broken mount more often than
    a wish. `force` allows both.
    """
    known = len(plan.gone) + len(plan.changed) + len(plan.unchanged)
    if force or not plan.gone:
        return
    if not plan.new and not plan.changed and not plan.unchanged:
        raise UsageError(
            f"{plan.source} lists no objects, but {known} of its documents are known: nothing is deleted.",
            hint="Check the source. If all of them should go, run the ingest with --force.",
        )
    if len(plan.gone) > max(1.0, cap * known):
        raise UsageError(
            f"{len(plan.gone)} of {known} documents of {plan.source} are gone, more than {cap:.0%}: none is deleted.",
            hint="If that is right, run the ingest with --force, or raise delete_cap.",
        )


def form_batches(
    workspace: Workspace, collection: str, documents: Sequence[Document], *, runner: str = ""
) -> list[str]:
    """The documents belong to new batches; the batches' names, in order. Each has its manifest in the store.

    `runner` names who runs them; batches without one are taken by the `new_uploads` sensor.
    """
    groups = _groups(documents, workspace.settings.batch)
    made = [_write_batch(workspace, collection, group, runner) for group in groups]
    return [name for name in made if name]


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


def _write_batch(workspace: Workspace, collection: str, documents: Sequence[Document], runner: str) -> str:
    """The name of the batch that now holds the documents, but for those that others have put into theirs meanwhile.

    "" where none is left. The manifest is written first, so that no batch lacks it; it is written anew without those
    that were lost.
    """
    listed = ("document_id", "source", "source_key", "etag", "size")
    day = datetime.now(UTC).strftime("%Y%m%d")
    while documents:
        lines = [json.dumps({name: getattr(each, name) for name in listed}, ensure_ascii=False) for each in documents]
        manifest = "\n".join(lines).encode()
        number = workspace.ledger.next_number(f"batches-{day}")
        name = f"{day}-{number:06d}-{hashlib.sha256(manifest).hexdigest()[:8]}"
        path = f"batches/{name}/manifest.jsonl"
        workspace.store.put(path, manifest)
        size = sum(each.size for each in documents)
        batch = Batch(name, collection, len(documents), size, time.time(), runner)
        free = workspace.ledger.assign(batch, documents)
        if len(free) == len(documents):
            return name
        workspace.store.delete(path)
        documents = free
    return ""
