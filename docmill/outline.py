"""What an ingest of a source would do, of sources of any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docmill.attributes import is_side_car
from docmill.mirror import listed_document, make_plan, objects_of, split_source
from docmill.models import Document
from docmill.store import ObjectInfo
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Outline:
    """A plan that only counts what is unchanged: of a large collection that is nearly all. Its sizes are bytes."""

    collection: str
    source: str
    new: tuple[Document, ...]
    changed: tuple[Document, ...]
    gone: tuple[Document, ...]
    unchanged: int
    unchanged_bytes: int

    @property
    def pending(self) -> tuple[Document, ...]:
        """New and changed documents."""
        return self.new + self.changed


class _OutOfOrderError(Exception):
    """The store does not list in byte order."""


def make_outline(workspace: Workspace, collection: str, source: str) -> Outline:
    """What `make_plan` says, with nothing in memory of what is unchanged where the store lists in byte order.

    Where it does not (SeaweedFS lists folder by folder: a/x before a-b), everything is.
    """
    try:
        return _streamed(workspace, collection, source)
    except _OutOfOrderError:
        plan = make_plan(workspace, collection, source)
        size = sum(each.size for each in plan.unchanged)
        return Outline(collection, source, plan.new, plan.changed, plan.gone, len(plan.unchanged), size)


def _streamed(workspace: Workspace, collection: str, source: str) -> Outline:
    store, single = split_source(workspace, source)
    infos = _in_order(info for info in objects_of(store, single) if not is_side_car(info.key))
    known = (
        each
        for each in workspace.ledger.each_document(collection, source)
        if not each.container and (not single or each.source_key == source)
    )
    new: list[Document] = []
    changed: list[Document] = []
    gone: list[Document] = []
    unchanged, size = 0, 0
    for info, before in _side_by_side(store.url, infos, known):
        if info is None:
            gone += [before] if before else []
        elif before is None:
            new.append(listed_document(collection, store, info))
        elif info.etag != before.etag:
            changed.append(listed_document(collection, store, info))
        else:
            unchanged, size = unchanged + 1, size + before.size
    return Outline(collection, source, tuple(new), tuple(changed), tuple(gone), unchanged, size)


def _in_order(infos: Iterator[ObjectInfo]) -> Iterator[ObjectInfo]:
    last = ""
    for info in infos:
        if info.key < last:
            raise _OutOfOrderError
        yield info
        last = info.key


def _side_by_side(
    url: str, infos: Iterator[ObjectInfo], known: Iterator[Document]
) -> Iterator[tuple[ObjectInfo | None, Document | None]]:
    """Objects and documents of the same source key together, None where there is only one of them."""
    info, document = next(infos, None), next(known, None)
    while info is not None or document is not None:
        listed = url + info.key if info is not None else ""
        if document is None or (info is not None and listed < document.source_key):
            yield info, None
            info = next(infos, None)
        elif info is None or document.source_key < listed:
            yield None, document
            document = next(known, None)
        else:
            yield info, document
            info, document = next(infos, None), next(known, None)
