"""Who may find a document, and what is said of it: access tags and metadata that all of its rows carry.

The tags come by the beginning of its source key (`access` in the settings), or from its side-car: the object
`<key>.meta.json` beside it, which is no document itself. A search gives the caller's tags and finds nothing else.
A change of policy or side-car alone changes the rows: nothing is parsed or embedded. What is in doubt is nobody's.

    {"access": ["hr"], "metadata": {"year": 2024, "department": "sales"}}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pydantic import Field, ValidationError

from docmill.errors import MissingObjectError, PermanentError, SideCarError, TransientError
from docmill.index.base import PUBLIC, Row
from docmill.members import container_id
from docmill.models import Document, Metadata, Model, Stage, Status
from docmill.workspace import Workspace

SIDE_CAR = ".meta.json"
_GROUP = 1_000
_OF_CHUNKS = "language"
"""The metadata of a row that its chunk brings, not the side-car."""


class SideCar(Model):
    """What a side-car says. Its `access` stands in the place of the policy's; None leaves that as it is."""

    access: tuple[str, ...] | None = None
    metadata: Metadata = Field(default_factory=dict)


def is_side_car(key: str) -> bool:
    """Whether the object is a side-car, and so no document."""
    return key.endswith(SIDE_CAR)


def tags_for(policy: Mapping[str, Sequence[str]], source_key: str) -> tuple[str, ...]:
    """The tags of the longest prefix in the policy that the key begins with; "*" where none does and none is set.

    Once there is a policy, a key that it does not name is nobody's: it fails closed. The prefix "" is for all others.
    """
    if not policy:
        return (PUBLIC,)
    fitting = [prefix for prefix in policy if source_key.startswith(prefix)]
    return tuple(sorted(set(policy[max(fitting, key=len)]))) if fitting else ()


class SideCars:
    """Reads the side-cars of documents, each once. A member of another document has that one's."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._read: dict[str, SideCar | PermanentError | TransientError] = {}

    def tagged(self, document: Document) -> Document:
        """The document with the tags and metadata of its side-car and the policy.

        Raises SideCarError for a side-car that says something else, TransientError for one that cannot be read now.
        """
        holder = container_id(document) or document.document_id
        if holder not in self._read:
            self._read[holder] = self._look(document, holder)
        found = self._read[holder]
        if not isinstance(found, SideCar):
            raise found
        return tagged(self._workspace, document, found)

    def _look(self, document: Document, holder: str) -> SideCar | PermanentError | TransientError:
        owner = self._workspace.ledger.document(holder) if document.container else document
        if owner is None:
            return MissingObjectError(f"{document.container} was deleted.")
        try:
            return _side_car(owner.source_key, self._workspace.source_of(owner).get(owner.key + SIDE_CAR))
        except MissingObjectError:
            return SideCar()
        except (PermanentError, TransientError) as error:
            return error


def _side_car(source_key: str, data: bytes) -> SideCar:
    try:
        return SideCar.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SideCarError(
            f"{source_key}{SIDE_CAR} is wrong: {f'{where}: ' if where else ''}{first['msg']}.",
            hint='It holds {"access": ["tag"], "metadata": {"name": "value"}}; until then nobody finds the document.',
        ) from None


def tagged(workspace: Workspace, document: Document, side_car: SideCar) -> Document:
    """The document with the tags and metadata that a side-car and the policy give it."""
    policy = tags_for(workspace.settings.access, document.source_key)
    access = policy if side_car.access is None else tuple(sorted(set(side_car.access)))
    return document.model_copy(update={"access": access, "metadata": side_car.metadata})


def apply_access(
    workspace: Workspace, collection: str, documents: Sequence[Document], with_side_car: Collection[str]
) -> list[Document]:
    """The documents, their members and each of their rows have the tags and metadata of now; those that changed.

    Side-cars are read of the source keys `with_side_car` only. What has one that is wrong or cannot be read is
    nobody's, and fails at its next run, which says why. Rows are changed before the ledger, so that an interrupted
    change is done again.
    """
    side_cars, doubtful = SideCars(workspace), set()
    objects = [each for each in documents if not each.container]
    changed: dict[str, tuple[Document, Document]] = {}
    for each in (*objects, *workspace.ledger.members(objects)):
        new = tagged(workspace, each, SideCar())
        if (each.container or each.source_key) in with_side_car:
            try:
                new = side_cars.tagged(each)
            except (PermanentError, TransientError):
                new = each.model_copy(update={"access": ()})
                doubtful.add(each.document_id)
        if set(each.access) != set(new.access) or each.metadata != new.metadata:
            changed[each.document_id] = (each, new)
    if changed:
        _retag(workspace, collection, changed)
        workspace.ledger.set_access([new for _, new in changed.values()])
    _run_again(workspace, doubtful, set(changed) - doubtful)
    return [new for _, new in changed.values()]


def _run_again(workspace: Workspace, doubtful: set[str], mended: set[str]) -> None:
    """Documents whose side-car came into doubt, and failed ones with a changed one, need their rows' stage again."""
    outcomes = workspace.ledger.outcomes([*doubtful, *mended])
    last = Stage.VECTOR_COLLECTION
    found = [each for (_, stage), each in outcomes.items() if stage is last]
    again = [each for each in found if (each.status is Status.FAILED) == (each.document_id in mended)]
    workspace.ledger.drop([(each.document_id, last) for each in again])


def apply_policy(workspace: Workspace, collection: str) -> list[Document]:
    """Every document of the collection and each of its rows has the tags and metadata of now; those that changed.

    Watched sources are listed to find side-cars; of other documents they are asked for one by one. Raises SourceError
    if a source cannot be listed.
    """
    documents = [each for each in workspace.ledger.documents(collection) if not each.container]
    watched = {url for name, url in workspace.ledger.sources() if name == collection}
    found = {each.source_key for each in documents if each.source not in watched}
    for url in sorted(watched & {each.source for each in documents}):
        keys = (info.key for info in workspace.source(url).list())
        found |= {url + key.removesuffix(SIDE_CAR) for key in keys if is_side_car(key)}
    return apply_access(workspace, collection, documents, found)


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
