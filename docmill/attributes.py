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
            side_car = self._side_car() if self.side_car else SideCar()
            return Attributes(side_car, self._object_tag() if self.tag else self.object_tag)
        except (PermanentError, TransientError) as error:
            return error

    def _side_car(self) -> SideCar:
        try:
            data = self.store.get(self.document.key + SIDE_CAR)
        except MissingObjectError:
            return SideCar()
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
        looks: dict[str, _Look] = {}
        for each in documents:
            holder = _holder(each)
            if holder in self._read or holder in looks:
                continue
            owner = self._workspace.ledger.document(holder) if each.container else each
            if owner is None:
                self._read[holder] = MissingObjectError(f"{each.container} was deleted.")
            else:
                looks[holder] = self._look(owner, with_side_car, with_tags)
        asked = {holder: each for holder, each in looks.items() if each.side_car or each.tag}
        self._read |= {holder: each.read() for holder, each in looks.items() if holder not in asked}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self._read |= zip(asked, pool.map(_Look.read, asked.values()), strict=True)

    def _look(self, owner: Document, with_side_car: Collection[str] | None, with_tags: Collection[str] | None) -> _Look:
        key = owner.source_key
        name = tag_name(self._workspace.settings.access_object_tags, key)
        again = with_tags is None or key in with_tags or not tag_read(name, owner.object_tag)
        side_car = with_side_car is None or key in with_side_car
        store = self._workspace.source_of(owner)
        return _Look(store, owner, side_car, name if again else "", owner.object_tag if name else "")

    def of(self, document: Document) -> Attributes:
        """The attributes of a document, read now where they were not.

        Raises SideCarError for a side-car that says something else, TransientError for what cannot be read now.
        """
        self.read([document])
        found = self._read[_holder(document)]
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
