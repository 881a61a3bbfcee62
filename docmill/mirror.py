"""Keeps collections as their sources are: what is new or changed becomes batches, what is gone is deleted."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from docmill.access import apply_access
from docmill.attributes import SIDE_CAR, is_side_car
from docmill.batching import form_batches
from docmill.errors import UsageError
from docmill.ids import document_id
from docmill.models import Document
from docmill.pipeline import delete_documents
from docmill.plan import Part, against, compare, owners, vanished
from docmill.sources import listed_document
from docmill.store.notifications import Event
from docmill.workspace import Workspace


def retag(workspace: Workspace, collection: str, part: Part, *, tags: bool = False) -> list[Document]:
    """The known documents of a part of a source have the access tags and metadata of now; those that changed.

    With `tags` the object tags that `access_object_tags` names are read of each: one request for one. Side-cars of
    documents that other parts list are looked at, too.
    """
    ledger, own = workspace.ledger, {each.source_key for each in part.pending + part.unchanged}
    ids = [each.document_id for each in part.changed]
    ids += [document_id(collection, key) for key in part.with_side_car - own]
    tagging = [*part.unchanged, *ledger.documents_by_id(ids)]
    with_tags = {each.source_key for each in tagging} if tags else set()
    return apply_access(workspace, collection, tagging, part.with_side_car, with_tags)


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
    new, changed, _ = against(listed, known)
    fresh = owners(store, [each for each in infos if each.modified >= since])
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
    new, changed, _ = against(listed, known)
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
    store = workspace.source(source)
    infos = list(islice(store.list(after=cursor), limit))
    part = compare(workspace, collection, store, infos, after=cursor, limit=limit)
    finished = not part.cursor
    ledger.mark_gone([each.document_id for each in part.missing], time.time())
    retagged = retag(workspace, collection, part, tags=tags)
    batches = form_batches(workspace, collection, part.pending, runner=runner)
    ledger.save_scan(collection, source, part.cursor, 0.0 if finished else started)
    deleted = _delete_gone(workspace, collection, source, started, force=force) if finished else 0
    return Reconciled(part.listed, tuple(batches), deleted, finished, len(retagged))


def _delete_gone(workspace: Workspace, collection: str, source: str, since: float, *, force: bool) -> int:
    """Documents marked as gone since the scan began are deleted, unless their objects are there again."""
    gone = vanished(workspace, workspace.ledger.gone(collection, source, since))
    check_deletions(
        len(gone),
        workspace.ledger.count(collection, source, objects=True),
        source,
        workspace.settings.delete_cap,
        force=force,
    )
    delete_documents(workspace, collection, [each.document_id for each in gone])
    return len(gone)


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
