"""What a client keeps at the service under an id: files, indexes, retrievers, links; rows in the ledger's database."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import JsonValue

from docmill.database import Database, again
from docmill.tables import protocol_items as _items
from docmill.workspace import Workspace

Body = dict[str, JsonValue]


@dataclass(frozen=True)
class Item:
    """One thing of a kind; `tenant` is whose it is, "" for what belongs to the service. Times are s since the epoch."""

    kind: str
    item_id: str
    tenant: str
    name: str
    body: Body
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float = 0.0


class Items:
    """The things of one kind."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    @again
    def put(
        self, tenant: str, name: str, body: Mapping[str, JsonValue], item_id: str = "", expires_at: float = 0.0
    ) -> Item:
        """The thing as it is kept now: a new one, or the one of that id with this name and body.

        Once `expires_at` is over `sweep` takes it away, never where it is 0.
        """
        now = time.time()
        chosen = item_id or str(uuid.uuid4())
        own = (_items.c.kind == self._kind, _items.c.item_id == chosen)
        values = {"name": name, "body": dict(body), "updated_at": now, "expires_at": expires_at}
        with self._database.write() as connection:
            row = connection.execute(sa.select(_items).where(*own)).first()
            if row is None:
                keys = {"kind": self._kind, "item_id": chosen, "tenant": tenant, "created_at": now}
                connection.execute(_items.insert().values(**keys, **values))
                return Item(self._kind, chosen, tenant, name, dict(body), now, now, expires_at)
            connection.execute(_items.update().where(*own).values(**values))
            return Item(self._kind, chosen, row.tenant, name, dict(body), row.created_at, now, expires_at)

    def find(self, item_id: str, tenant: str | None = None) -> Item | None:
        """The thing, None if there is none or it is another tenant's; a tenant of None sees all."""
        query = sa.select(_items).where(_items.c.kind == self._kind, _items.c.item_id == item_id)
        if tenant is not None:
            query = query.where(_items.c.tenant == tenant)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _item(row) if row else None

    def all(self, tenant: str | None = None, name: str | None = None) -> list[Item]:
        """The tenant's things, oldest first; with a name those that are called so."""
        query = sa.select(_items).where(_items.c.kind == self._kind).order_by(_items.c.created_at, _items.c.item_id)
        if tenant is not None:
            query = query.where(_items.c.tenant == tenant)
        if name is not None:
            query = query.where(_items.c.name == name)
        with self._database.read() as connection:
            return [_item(row) for row in connection.execute(query)]

    @again
    def sweep(self) -> None:
        """What has expired is gone; this looks at nothing else."""
        over = (_items.c.kind == self._kind, _items.c.expires_at > 0, _items.c.expires_at < time.time())
        with self._database.write() as connection:
            connection.execute(_items.delete().where(*over))

    @again
    def delete(self, item_id: str, tenant: str | None = None) -> bool:
        """The thing is gone; False if there was none."""
        chosen = _items.delete().where(_items.c.kind == self._kind, _items.c.item_id == item_id)
        if tenant is not None:
            chosen = chosen.where(_items.c.tenant == tenant)
        with self._database.write() as connection:
            return connection.execute(chosen).rowcount > 0


def items_of(workspace: Workspace, kind: str) -> Items:
    """The things of a kind in the workspace's database."""
    return Items(workspace.ledger.database, kind)


def _item(row: sa.Row[tuple[object, ...]]) -> Item:
    return Item(**row._mapping)
