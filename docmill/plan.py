"""Compares a source's objects with the ledger: what is new, changed, unchanged or gone. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from docmill.attributes import SIDE_CAR, is_side_car
from docmill.ledger import Ledger
from docmill.models import Document
from docmill.sources import listed_document, object_of, split_source
from docmill.store import ObjectInfo, ObjectStore
from docmill.workspace import Workspace

PART = 10_000
"""Objects of a source that are compared at a time: memory does not grow with the source."""


@dataclass(frozen=True)
class Part:
    """The next objects of a source, compared; how many of them were listed, side-cars among them.

    `unchanged` are as the ledger knows them. `missing` are known documents whose keys sort among those of the part and
    are not in it: gone, unless the store does not list in byte order (SeaweedFS lists folder by folder: a/x before
    a-b) and another part lists them. `with_side_car` are the source keys beside which a side-car lies, or may lie: the
    next part would list it. `cursor` is the key that the next part begins behind, "" at the end of the source.
    """

    listed: int
    new: tuple[Document, ...]
    changed: tuple[Document, ...]
    unchanged: tuple[Document, ...]
    missing: tuple[Document, ...]
    with_side_car: frozenset[str]
    cursor: str

    @property
    def pending(self) -> tuple[Document, ...]:
        """New and changed documents."""
        return self.new + self.changed


def parts(workspace: Workspace, collection: str, source: str, *, limit: int = PART) -> Iterator[Part]:
    """The whole source, `limit` objects at a time.

    `source` is the address of a folder or prefix (it ends with `/`) or of one object. Raises SourceError when the
    source cannot be listed.
    """
    store, single = split_source(workspace, source)
    if single:
        yield _single(workspace, collection, store, single)
        return
    objects = iter(store.list())
    cursor, finished = "", False
    while not finished:
        part = compare(workspace, collection, store, list(islice(objects, limit)), after=cursor, limit=limit)
        yield part
        cursor = part.cursor
        finished = not cursor


def compare(
    workspace: Workspace, collection: str, store: ObjectStore, infos: Sequence[ObjectInfo], *, after: str, limit: int
) -> Part:
    """The next `limit` objects behind the key `after`, or the last ones, against what the ledger knows."""
    ledger, source = workspace.ledger, store.url
    cursor = infos[-1].key if len(infos) == limit else ""
    begin, until = source + after if after else "", source + cursor if cursor else ""
    inside = {
        each.source_key: each
        for each in ledger.documents(collection, source, after=begin, until=until)
        if not each.container
    }
    listed = [listed_document(collection, store, info) for info in infos if not is_side_car(info.key)]
    present = {each.source_key for each in listed}
    missing = tuple(each for key, each in inside.items() if key not in present)
    known = {key: inside[key] for key in inside.keys() & present} | _known_elsewhere(ledger, listed, begin, until)
    new, changed, unchanged = against(listed, known)
    unsure = {key for key in known if until and key + SIDE_CAR > until}
    return Part(len(infos), new, changed, unchanged, missing, frozenset(owners(store, infos) | unsure), cursor)


def _single(workspace: Workspace, collection: str, store: ObjectStore, key: str) -> Part:
    """The one object of that key; its side-car, if it has one, is not asked for."""
    listed = [listed_document(collection, store, object_of(store, key))]
    known = {each.source_key: each for each in workspace.ledger.documents_by_id([listed[0].document_id])}
    new, changed, unchanged = against(listed, known)
    return Part(1, new, changed, unchanged, (), frozenset({store.url + key}), "")


def _known_elsewhere(ledger: Ledger, listed: Sequence[Document], after: str, until: str) -> dict[str, Document]:
    """The known ones of the listed documents whose keys do not sort between two others."""
    ids = [each.document_id for each in listed if each.source_key <= after or (until and each.source_key > until)]
    return {each.source_key: each for each in ledger.documents_by_id(ids)}


def owners(store: ObjectStore, infos: Sequence[ObjectInfo]) -> set[str]:
    """The source keys whose side-cars are among the objects."""
    return {store.url + info.key.removesuffix(SIDE_CAR) for info in infos if is_side_car(info.key)}


def against(
    listed: Sequence[Document], known: Mapping[str, Document]
) -> tuple[tuple[Document, ...], tuple[Document, ...], tuple[Document, ...]]:
    """New, changed and unchanged documents; of the last as the ledger knows them, by source key."""
    new = tuple(each for each in listed if each.source_key not in known)
    rest = [(each, known[each.source_key]) for each in listed if each.source_key in known]
    changed = tuple(each for each, before in rest if each.etag != before.etag)
    unchanged = tuple(before for each, before in rest if each.etag == before.etag)
    return new, changed, unchanged


def vanished(workspace: Workspace, missing: Sequence[Document]) -> list[Document]:
    """Those of the missing documents whose objects are not there: each is asked for, as another part may list it."""
    return [each for each in missing if workspace.source_of(each).head(each.key) is None]


@dataclass(frozen=True)
class Plan:
    """What an ingest of a source would do. What is unchanged, nearly all of a large collection, is only counted.

    `gone` are documents whose objects are not there. Sizes are bytes.
    """

    collection: str
    source: str
    new: tuple[Document, ...] = ()
    changed: tuple[Document, ...] = ()
    gone: tuple[Document, ...] = ()
    unchanged: int = 0
    unchanged_bytes: int = 0

    @property
    def pending(self) -> tuple[Document, ...]:
        """New and changed documents."""
        return self.new + self.changed


def make_plan(
    workspace: Workspace, collection: str, source: str, tell: Callable[[int], object] = lambda listed: None
) -> Plan:
    """What an ingest of the source would do; nothing is written. Raises as `parts` does.

    `tell` is called with the number of objects that have been compared since it was called last.
    """
    new: list[Document] = []
    changed: list[Document] = []
    gone: dict[str, Document] = {}  # parts of stores that do not list in byte order overlap
    unchanged, size = 0, 0
    for part in parts(workspace, collection, source):
        tell(part.listed)
        new += part.new
        changed += part.changed
        gone |= {each.document_id: each for each in vanished(workspace, part.missing)}
        unchanged += len(part.unchanged)
        size += sum(each.size for each in part.unchanged)
    return Plan(collection, source, tuple(new), tuple(changed), tuple(gone.values()), unchanged, size)
