"""A dictionary as an object store: the twin of the real ones for tests and experiments."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from docmill.errors import MissingObjectError
from docmill.store.base import ObjectInfo


class MemoryStore:
    """Objects in memory; `name` makes stores differ in their `memory://<name>/` address."""

    def __init__(self, name: str = "memory") -> None:
        self.url = f"memory://{name}/"
        self._objects: dict[str, tuple[bytes, float]] = {}

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """Objects in byte order of their keys."""
        for key in sorted(self._objects):
            info = self.head(key)
            if key.startswith(prefix) and key > after and info is not None:
                yield info

    def head(self, key: str) -> ObjectInfo | None:
        """The object's description, None if it is not there."""
        if key not in self._objects:
            return None
        data, modified = self._objects[key]
        return ObjectInfo(key=key, size=len(data), etag=hashlib.sha256(data).hexdigest()[:32], modified=modified)

    def get(self, key: str) -> bytes:
        """The object's bytes."""
        if key not in self._objects:
            raise MissingObjectError(f"{self.url}{key} is not there any more.")
        return self._objects[key][0]

    def put(self, key: str, data: bytes) -> None:
        """The object holds `data`."""
        self._objects[key] = (data, time.time())

    def delete(self, key: str) -> None:
        """The object is gone."""
        self._objects.pop(key, None)
