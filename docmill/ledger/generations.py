"""Which generations of vectors each collection has."""

from __future__ import annotations

import sqlalchemy as sa

from docmill.database import again
from docmill.index.base import Space
from docmill.index.generation import Generation
from docmill.ledger.rows import Rows
from docmill.ledger.tables import generations as _generations

_OF_SPACE = ("model", "name", "dimensions", "metric", "layout")


def _space_columns(space: Space) -> dict[str, object]:
    return {"digest": space.digest, **{name: getattr(space, name) for name in _OF_SPACE}}


def _generation(row: sa.Row[tuple[object, ...]]) -> Generation:
    found = dict(row._mapping)
    space = Space(**{name: found.pop(name) for name in _OF_SPACE})
    found.pop("digest")
    return Generation.model_validate({**found, "space": space})


class Generations(Rows):
    """The generations of all collections."""

    @again
    def put_generation(self, generation: Generation) -> None:
        """The generation is known as it is given."""
        row = {**generation.model_dump(mode="json", exclude={"space"}), **_space_columns(generation.space)}
        with self._write() as connection:
            self._upsert(connection, _generations, [row])

    def generations(self, collection: str) -> list[Generation]:
        """The collection's generations, oldest first."""
        query = sa.select(_generations).where(_generations.c.collection == collection)
        with self._read() as connection:
            rows = connection.execute(query.order_by(_generations.c.created_at, _generations.c.digest)).all()
        return [_generation(row) for row in rows]

    def generation(self, collection: str, digest: str) -> Generation | None:
        """The generation, None if it is not known."""
        return next((each for each in self.generations(collection) if each.digest == digest), None)

    @again
    def forget_generation(self, collection: str, digest: str) -> None:
        """The generation is not known any more."""
        table = _generations
        with self._write() as connection:
            connection.execute(table.delete().where(table.c.collection == collection, table.c.digest == digest))
