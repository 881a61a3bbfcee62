"""The schemas that batches are extracted by: named, versioned, kept in the ledger's database."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import sqlalchemy as sa
from pydantic import Field, JsonValue

from docmill.database import Database, again
from docmill.errors import UsageError
from docmill.models import Model
from docmill.structured.record import Json
from docmill.structured.schema import load
from docmill.tables import record_schemas as _rows

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class Unit(StrEnum):
    """What a record is made of: a document, each of its pages, or each row of its tables."""

    DOCUMENT = "document"
    PAGE = "page"
    ROW = "row"


class SchemaOptions(Model):
    """How documents are read by a schema; an empty `engine` is the default one, empty `collections` are all."""

    unit: Unit = Unit.DOCUMENT
    engine: str = ""
    instructions: str = ""
    keys: dict[str, str] = Field(default_factory=dict)
    votes: int = Field(default=1, ge=1, le=16)
    collections: tuple[str, ...] = ()


_PLAIN = SchemaOptions()


@dataclass(frozen=True)
class NamedSchema:
    """A version of a schema; `created_at` is seconds since the epoch."""

    name: str
    version: int
    schema: Json
    options: SchemaOptions
    created_at: float = 0.0


class Schemas:
    """The schemas in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, schema: Json, options: SchemaOptions = _PLAIN) -> NamedSchema:
        """The schema under its name: a new version if it or its options changed. Raises UsageError, SchemaError."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a schema.", hint="Use a to z, 0 to 9, _ and -, a letter first.")
        load(schema)
        latest = self.find(name)
        if latest is not None and latest.schema == schema and latest.options == options:
            return latest
        made = NamedSchema(name, latest.version + 1 if latest else 1, schema, options, time.time())
        self._insert(made)
        return made

    @again
    def _insert(self, made: NamedSchema) -> None:
        row = dict(vars(made)) | {"options": made.options.model_dump(mode="json")}
        with self._database.write() as connection:
            connection.execute(_rows.insert().values(**row))

    def find(self, name: str, version: int | None = None) -> NamedSchema | None:
        """The schema's version, the newest without one; None if it is not known."""
        query = sa.select(_rows).where(_rows.c.name == name).order_by(_rows.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(_rows.c.version == version)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _named(row) if row else None

    def all(self) -> Sequence[NamedSchema]:
        """The newest version of every schema, by name."""
        with self._database.read() as connection:
            names = list(connection.execute(sa.select(_rows.c.name).distinct().order_by(_rows.c.name)).scalars())
        found = [self.find(name) for name in names]
        return [each for each in found if each is not None]

    @again
    def remove(self, name: str) -> bool:
        """The schema is not used any more; its records stay. False if it is not known."""
        with self._database.write() as connection:
            return connection.execute(_rows.delete().where(_rows.c.name == name)).rowcount > 0


def _named(row: sa.Row[tuple[object, ...]]) -> NamedSchema:
    found = row._mapping
    options = SchemaOptions.model_validate(found["options"])
    return NamedSchema(found["name"], found["version"], found["schema"], options, found["created_at"])


def proposed(examples: Sequence[Json]) -> Json:
    """A JSON Schema that all example records fit, with types, nested objects and arrays."""
    from genson import SchemaBuilder

    builder = SchemaBuilder()
    for example in examples:
        builder.add_object(cast(JsonValue, example))
    made: Json = builder.to_schema()
    return made
