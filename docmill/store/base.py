"""The object store seam: five verbs that a bucket, a folder and a dictionary can all do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class ObjectInfo:
    """An object as a listing shows it; `modified` is seconds since the epoch, `etag` changes whenever the bytes do."""

    key: str
    size: int
    etag: str
    modified: float


class ObjectStore(Protocol):
    """A store of named bytes. `url` ends with `/`; a key appended to it names the object everywhere in docmill."""

    url: str

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Objects whose key begins with `prefix` and sorts behind `after`, in byte order of their keys.

        Some S3 servers have an order of their own, which `after` follows, too: SeaweedFS lists folder by folder.
        """
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """The object's description, None if it is not there."""
        ...

    def get(self, key: str) -> bytes:
        """The object's bytes; raises MissingObjectError."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """The object holds `data` afterwards, whole or not at all."""
        ...

    def delete(self, key: str) -> None:
        """The object is not there afterwards, whether it was or not."""
        ...


@runtime_checkable
class TaggedStore(Protocol):
    """A store whose objects have tags beside their bytes."""

    def tags(self, key: str) -> Mapping[str, str]:
        """The object's tags by name; raises MissingObjectError, and TransientError where they may not be read."""
        ...
