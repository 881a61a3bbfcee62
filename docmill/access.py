"""Who may find a document, and what is said of it: access tags and metadata that all of its rows carry.

The tags come from its side-car, else from its object's tags in S3 where `access_object_tags` says so, else by the
beginning of its source key (`access`). A search gives the caller's tags and finds nothing else. A change of policy,
side-car or object tags alone changes the rows: nothing is parsed or embedded. What is in doubt is nobody's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from docmill.attributes import SIDE_CAR, AttributeReader, Attributes, is_side_car, tag_name, tag_values
from docmill.errors import PermanentError, TransientError
from docmill.index.base import PUBLIC, Row
from docmill.models import Document, Stage, Status
from docmill.workspace import Workspace

_GROUP = 1_000
_OF_CHUNKS = "language"
"""The metadata of a row that its chunk brings, not the side-car."""


def tags_for(policy: Mapping[str, Sequence[str]], source_key: str) -> tuple[str, ...]:
    """The tags of the longest prefix in the policy that the key begins with; "*" where none does and none is set.

    Once there is a policy, a key that it does not name is nobody's: it fails closed. The prefix "" is for all others.
    """
    if not policy:
        return (PUBLIC,)
    fitting = [prefix for prefix in policy if source_key.startswith(prefix)]
    return tuple(sorted(set(policy[max(fitting, key=len)]))) if fitting else ()


def tagged(workspace: Workspace, document: Document, said: Attributes) -> Document:
    """The document with the tags and metadata that its side-car, else its object tag, else the policy gives it.

    Where object tags are to be read and the object has none, what the policy does not name is nobody's.
    """
    settings, key = workspace.settings, document.source_key
    name = tag_name(settings.access_object_tags, document.container or key)
    access = said.side_car.access
    if access is None and name:
        access = tag_values(name, said.object_tag)
    if access is None:
        access = () if name and not settings.access else tags_for(settings.access, key)
    update = {"access": tuple(sorted(set(access))), "metadata": said.side_car.metadata, "object_tag": said.object_tag}
    same = all(getattr(document, name) == value for name, value in update.items())
    return document if same else document.model_copy(update=update)


def apply_access(
    workspace: Workspace,
    collection: str,
    documents: Sequence[Document],
    with_side_car: Collection[str],
    with_tags: Collection[str] = (),
) -> list[Document]:
    """The documents, their members and each of their rows have the tags and metadata of now; those that changed.

    Side-cars are read of the source keys `with_side_car` only, object tags of those `with_tags` and of those that were
    never read. What has a wrong side-car, or something that cannot be read, is nobody's, and fails at its next run,
    which says why. Rows are changed before the ledger, so that an interrupted change is done again.
    """
    objects = [each for each in documents if not each.container]
    every = [*objects, *workspace.ledger.members(objects)]
    reader, doubtful = AttributeReader(workspace), set()
    reader.read(every, with_side_car, with_tags)
    changed: dict[str, tuple[Document, Document]] = {}
    reread: list[Document] = []
    for each in every:
        try:
            new = tagged(workspace, each, reader.of(each))
        except (PermanentError, TransientError):
            new = each.model_copy(update={"access": (), "object_tag": ""})
            doubtful.add(each.document_id)
        if set(each.access) != set(new.access) or each.metadata != new.metadata:
            changed[each.document_id] = (each, new)
        elif each.object_tag != new.object_tag:
            reread.append(new)
    if changed:
        _retag(workspace, collection, changed)
    workspace.ledger.set_access([*(new for _, new in changed.values()), *reread])
    _run_again(workspace, doubtful, set(changed) - doubtful)
    return [new for _, new in changed.values()]


def _run_again(workspace: Workspace, doubtful: set[str], mended: set[str]) -> None:
    """Documents that came into doubt, and failed ones that changed, need their rows' stage again."""
    outcomes = workspace.ledger.outcomes([*doubtful, *mended])
    last = Stage.VECTOR_COLLECTION
    found = [each for (_, stage), each in outcomes.items() if stage is last]
    again = [each for each in found if (each.status is Status.FAILED) == (each.document_id in mended)]
    workspace.ledger.drop([(each.document_id, last) for each in again])


def apply_policy(workspace: Workspace, collection: str) -> list[Document]:
    """Every document of the collection and each of its rows has the tags and metadata of now; those that changed.

    Watched sources are listed to find side-cars; of other documents they are asked for one by one, as all object tags
    are. Raises SourceError if a source cannot be listed.
    """
    documents = [each for each in workspace.ledger.documents(collection) if not each.container]
    watched = {url for name, url in workspace.ledger.sources() if name == collection}
    found = {each.source_key for each in documents if each.source not in watched}
    for url in sorted(watched & {each.source for each in documents}):
        keys = (info.key for info in workspace.source(url).list())
        found |= {url + key.removesuffix(SIDE_CAR) for key in keys if is_side_car(key)}
    return apply_access(workspace, collection, documents, found, {each.source_key for each in documents})


def _retag(workspace: Workspace, collection: str, changed: Mapping[str, tuple[Document, Document]]) -> None:
    """The documents' rows are tagged so, in every generation: a roll-back gives nobody more than the policy does."""
    index, space = workspace.index, workspace.space
    known = [each.space for each in workspace.ledger.generations(collection) if each.digest != space.digest]
    held_digests = set(index.digests(collection))
    for each in (space, *known):
        if each.digest not in held_digests:
            continue
        ids = list(index.held(collection, each, list(changed)))
        for start in range(0, len(ids), _GROUP):
            rows = index.rows(collection, each, ids[start : start + _GROUP], vectors=True)
            index.upsert(collection, each, [_tagged_row(row, *changed[row.document_id]) for row in rows])


def _tagged_row(row: Row, before: Document, now: Document) -> Row:
    own = _OF_CHUNKS in row.metadata and _OF_CHUNKS not in before.metadata
    kept = {_OF_CHUNKS: row.metadata[_OF_CHUNKS]} if own else {}
    return replace(row, access=now.access, metadata={**kept, **now.metadata})
