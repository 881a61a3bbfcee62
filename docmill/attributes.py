"""What a source says of its documents beside their bytes: side-cars, and the access tags among S3's object tags.

A side-car is the object `<key>.meta.json` beside a document, and no document itself:

    {"access": ["hr"], "metadata": {"year": 2024, "department": "sales"}}

A listing shows no object tags: each object's are one request, so what was read is kept in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pydantic import Field, ValidationError

from docmill.errors import MissingObjectError, PermanentError, SideCarError, SystemicError, TransientError
from docmill.members import container_id
from docmill.models import Document, Metadata, Model
from docmill.store import ObjectStore, TaggedStore
from docmill.workspace import Workspace

SIDE_CAR = ".meta.json"
_AT_ONCE = 16
"""Requests under way at a time."""


class SideCar(Model):
    """What a side-car says. Its `access` stands in the place of the policy's; None leaves that as it is."""

    access: tuple[str, ...] | None = None
    metadata: Metadata = Field(default_factory=dict)


_NO_SIDE_CAR = SideCar()


def is_side_car(key: str) -> bool:
    """Whether the object is a side-car, and so no document."""
    return key.endswith(SIDE_CAR)


def tag_name(names: Mapping[str, str], source_key: str) -> str:
    """The object tag that holds the access tags of the document: that of the longest prefix; "" where none fits."""
    fitting = [prefix for prefix in names if source_key.startswith(prefix)]
    return names[max(fitting, key=len)] if fitting else ""


def tag_read(name: str, kept: str) -> bool:
    """Whether what the ledger keeps of a document's object tags is about the tag of that name."""
    return kept.partition("=")[0] == name


def tag_values(name: str, kept: str) -> tuple[str, ...] | None:
    """The access tags that the object tag holds, sorted; None where the object has no such tag."""
    _, there, value = kept.partition("=")
    return tuple(sorted(set(value.split()))) if there and tag_read(name, kept) else None


@dataclass(frozen=True)
class Attributes:
    """The side-car of a document, and `name=value` of its object tag; only `name` where it has none, "" unread."""

    side_car: SideCar
    object_tag: str = ""


@dataclass(frozen=True)
class _Look:
    """What is to be read of an object; `object_tag` is what is known of it where `tag` is not to be."""

    store: ObjectStore
    document: Document
    side_car: bool
    tag: str
    object_tag: str

    def read(self) -> Attributes | PermanentError | TransientError:
        """What was found, or why it could not be read."""
        try:
            side_car = self._side_car() if self.side_car else _NO_SIDE_CAR
            return Attributes(side_car, self._object_tag() if self.tag else self.object_tag)
        except (PermanentError, TransientError) as error:
            return error

    def _side_car(self) -> SideCar:
        try:
            data = self.store.get(self.document.key + SIDE_CAR)
        except MissingObjectError:
            return _NO_SIDE_CAR
        return _side_car(self.document.source_key, data)

    def _object_tag(self) -> str:
        if not isinstance(self.store, TaggedStore):
            raise SystemicError(
                f"The objects of {self.store.url} have no tags.", hint="Take it out of access_object_tags."
            )
        tags = self.store.tags(self.document.key)
        return f"{self.tag}={tags[self.tag]}" if self.tag in tags else self.tag


class AttributeReader:
    """Reads the attributes of documents, each once. A member of another document has that one's."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._read: dict[str, Attributes | PermanentError | TransientError] = {}

    def read(
        self,
        documents: Sequence[Document],
        with_side_car: Collection[str] | None = None,
        with_tags: Collection[str] | None = None,
    ) -> None:
        """The documents' attributes are read, many at a time.

        Given, `with_side_car` are the source keys whose side-cars are read, others counting as empty; and `with_tags`
        those whose object tags are read, beside those of which none are known. Raises SystemicError and SourceError
        where the source cannot be asked at all.
        """
        asked: dict[str, _Look] = {}
        for owner in self._unread(documents):
            look = self._look(owner, with_side_car, with_tags)
            if isinstance(look, _Look):
                asked[owner.document_id] = look
            else:
                self._read[owner.document_id] = look
        if asked:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                self._read |= zip(asked, pool.map(_Look.read, asked.values()), strict=True)

    def _unread(self, documents: Sequence[Document]) -> list[Document]:
        """The holders of what was not read yet; of those that were deleted it is known now that nothing can be."""
        found = {each.document_id: each for each in documents if not each.container}
        members = {container_id(each): each.container for each in documents if each.container}
        missing = sorted(members.keys() - found.keys() - self._read.keys())
        found |= {each.document_id: each for each in self._workspace.ledger.documents_by_id(missing)}
        gone = {each: MissingObjectError(f"{members[each]} was deleted.") for each in missing if each not in found}
        self._read |= gone
        return [each for each in found.values() if each.document_id not in self._read]

    def _look(
        self, owner: Document, with_side_car: Collection[str] | None, with_tags: Collection[str] | None
    ) -> _Look | Attributes:
        """What is to be read of the document; its attributes where nothing is."""
        key = owner.source_key
        name = tag_name(self._workspace.settings.access_object_tags, key)
        again = bool(name) and (with_tags is None or key in with_tags or not tag_read(name, owner.object_tag))
        side_car = with_side_car is None or key in with_side_car
        kept = owner.object_tag if name else ""
        if side_car or again:
            return _Look(self._workspace.source_of(owner), owner, side_car, name if again else "", kept)
        return Attributes(_NO_SIDE_CAR, kept)

    def of(self, document: Document) -> Attributes:
        """The attributes of a document, read now where they were not.

        Raises SideCarError for a side-car that says something else, TransientError for what cannot be read now.
        """
        holder = _holder(document)
        if holder not in self._read:
            self.read([document])
        found = self._read[holder]
        if not isinstance(found, Attributes):
            raise found
        return found


def _holder(document: Document) -> str:
    return container_id(document) or document.document_id


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
