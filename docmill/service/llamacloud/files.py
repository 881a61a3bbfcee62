"""Files that a key has uploaded: a row each, and the bytes in the store at `files/<file id>`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

from docmill.artifacts import extension
from docmill.ids import content_version
from docmill.keys import Key
from docmill.service.llamacloud.items import Body, Item, Items, items_of
from docmill.service.llamacloud.wire import moment, project_id
from docmill.service.problems import not_found
from docmill.workspace import Workspace

_KIND = "file"


@dataclass(frozen=True)
class StoredFile:
    """A file of a key. `version` is the sha256 of its bytes, "" as long as they have not come."""

    file_id: str
    name: str
    external_id: str
    size: int
    version: str
    created_at: float
    updated_at: float

    def view(self, key: Key) -> Body:
        """The file as the protocol shows it."""
        return {
            "id": self.file_id,
            "name": self.name,
            "external_file_id": self.external_id,
            "file_size": self.size,
            "file_type": extension(self.name).lstrip(".") or None,
            "project_id": project_id(key),
            "created_at": moment(self.created_at),
            "updated_at": moment(self.updated_at),
            "last_modified_at": moment(self.updated_at),
            "data_source_id": None,
        }


class Files:
    """The files in a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = workspace.store
        self._items: Items = items_of(workspace, _KIND)

    def add(self, tenant: str, name: str, data: bytes, external_id: str = "") -> StoredFile:
        """A new file with these bytes; it is durable when this returns."""
        return self._keep(tenant, name, data, external_id or name)

    def announce(self, tenant: str, name: str, external_id: str = "") -> StoredFile:
        """A new file whose bytes are yet to come."""
        return _file(self._items.put(tenant, name, {"external_id": external_id or name, "size": 0, "version": ""}))

    def fill(self, file_id: str, tenant: str, data: bytes) -> StoredFile:
        """The announced file with its bytes; raises a Problem 404."""
        known = self.get(file_id, tenant)
        return self._keep(tenant, known.name, data, known.external_id, file_id)

    def _keep(self, tenant: str, name: str, data: bytes, external_id: str, file_id: str = "") -> StoredFile:
        chosen = file_id or str(uuid.uuid4())
        self._store.put(_key(chosen), data)
        body: Body = {"external_id": external_id, "size": len(data), "version": content_version(data)}
        return _file(self._items.put(tenant, name, body, chosen))

    def find(self, file_id: str, tenant: str | None) -> StoredFile | None:
        """The file, None if the tenant has none of that id."""
        found = self._items.find(file_id, tenant)
        return _file(found) if found else None

    def get(self, file_id: str, tenant: str) -> StoredFile:
        """The file; raises a Problem 404 where the tenant has none of that id."""
        found = self.find(file_id, tenant)
        if found is None:
            raise not_found(f"file {file_id}")
        return found

    def data(self, file_id: str, tenant: str) -> bytes:
        """The file's bytes; raises a Problem 404 where there is no such file or its bytes have not come."""
        found = self.get(file_id, tenant)
        if not found.version:
            raise not_found(f"content of the file {file_id} yet: its upload has not ended")
        return self._store.get(_key(file_id))

    def all(self, tenant: str) -> list[StoredFile]:
        """The tenant's files, oldest first."""
        return [_file(each) for each in self._items.all(tenant)]

    def delete(self, file_id: str, tenant: str) -> None:
        """The file is gone with its bytes; raises a Problem 404."""
        self.get(file_id, tenant)
        self._items.delete(file_id, tenant)
        self._store.delete(_key(file_id))


def _key(file_id: str) -> str:
    return f"files/{file_id}"


def _file(item: Item) -> StoredFile:
    body = item.body
    return StoredFile(
        item.item_id,
        item.name,
        str(body["external_id"]),
        int(cast(int, body["size"])),
        str(body["version"]),
        item.created_at,
        item.updated_at,
    )
