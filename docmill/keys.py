"""API keys of the HTTP service: only their hashes are kept.

A key is 256 random bits, so one round of SHA-256 is enough: there is nothing to guess, unlike with passwords.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa

from docmill.database import Database, again
from docmill.errors import UsageError
from docmill.tables import api_keys

_PREFIX = "dm_"


@dataclass(frozen=True)
class Key:
    """Who calls: a key without its secret. `collections` are those that it may use; empty means all."""

    key_id: str
    name: str
    collections: tuple[str, ...] = ()
    created_at: float = 0.0
    revoked_at: float = 0.0

    def allows(self, collection: str) -> bool:
        """Whether the key may use the collection."""
        return not self.collections or collection in self.collections


LOCAL = Key("local", "local")
"""Who calls from this machine without a key, where that is allowed."""


class Keys:
    """The API keys in the ledger's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @again
    def create(self, name: str, collections: tuple[str, ...] = ()) -> str:
        """A new key, told this once; raises UsageError for a name that a valid key has."""
        if not name.strip() or len(name) > 255:
            raise UsageError("A key needs a name of 1 to 255 characters.")
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "key_id": secrets.token_hex(8),
            "name": name,
            "hash": _hash(secret),
            "collections": list(collections),
            "created_at": time.time(),
            "revoked_at": 0.0,
        }
        with self._database.write() as connection:
            query = sa.select(api_keys.c.key_id).where(api_keys.c.name == name, api_keys.c.revoked_at == 0)
            if connection.execute(query).first() is not None:
                raise UsageError(f"There is a key named {name!r}.", hint="Revoke it or take another name.")
            connection.execute(api_keys.insert().values(**row))
        return secret

    @again
    def revoke(self, name: str) -> bool:
        """The key of that name or id is refused from now on; False if there is no valid one."""
        with self._database.write() as connection:
            named = sa.or_(api_keys.c.name == name, api_keys.c.key_id == name)
            statement = api_keys.update().where(named, api_keys.c.revoked_at == 0).values(revoked_at=time.time())
            return connection.execute(statement).rowcount > 0

    def all(self) -> list[Key]:
        """All keys, oldest first, the revoked ones too."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at)).all()
        return [_key(row) for row in rows]

    def any(self) -> bool:
        """Whether there is a valid key."""
        with self._database.read() as connection:
            query = sa.select(api_keys.c.key_id).where(api_keys.c.revoked_at == 0).limit(1)
            return connection.execute(query).first() is not None

    def find(self, secret: str) -> Key | None:
        """The valid key with this secret, None if there is none; the hashes are compared in constant time."""
        wanted = _hash(secret)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(api_keys).where(api_keys.c.hash == wanted)).all()
        for row in rows:
            if hmac.compare_digest(row.hash, wanted) and not row.revoked_at:
                return _key(row)
        return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    found = row._mapping
    names = tuple(str(each) for each in found["collections"])
    return Key(found["key_id"], found["name"], names, found["created_at"], found["revoked_at"])
