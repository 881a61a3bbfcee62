"""What work cost: CPU and GPU seconds, bytes, pages and tokens, summed by batch and stage.

The sums outlive documents: what was spent stays spent when a document is deleted or worked on again. A document's own
share of its last work at each stage stands in its outcomes.

CPU seconds are those of this process and its worker processes while a stage was at work, shared out over its documents
by their wall time. A process that runs two stages at once (the HTTP service) counts some of it twice; a Dagster run and
the command line run one. GPU seconds are what Triton says that it computed for the stage's models meanwhile, for
whomever; models in this process and other servers tell none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from docmill.database import Database, again
from docmill.tables import usage as _usage
from docmill.workers import cpu_seconds_of_workers

Group = Literal["collection", "batch", "stage", "day"]


@dataclass(frozen=True)
class Spent:
    """What was spent on documents (counted once each time one went through a stage); times are seconds."""

    documents: int = 0
    failed: int = 0
    partial: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    bytes: int = 0
    pages: int = 0
    tokens: int = 0


_SUMS = [field.name for field in fields(Spent)]


@dataclass(frozen=True)
class UsageRow:
    """The sums of a group: a collection, a batch, a stage or a day."""

    name: str
    spent: Spent


class Usage:
    """The sums in the ledger's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @again
    def add(self, collection: str, batch: str, stage: str, spent: Spent) -> None:
        """The sums of batch and stage have grown by that; its day is that of its first work."""
        given = {"collection": collection, "batch": batch, "stage": stage, "day": _today()} | vars(spent)
        with self._database.write() as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            statement = (sqlite.insert(_usage) if on_sqlite else postgresql.insert(_usage)).values(**given)
            grown = {name: _usage.c[name] + statement.excluded[name] for name in _SUMS}
            connection.execute(statement.on_conflict_do_update(index_elements=["batch", "stage"], set_=grown))

    def by(self, group: Group, *, collection: str | None = None, since: str = "") -> list[UsageRow]:
        """The sums of each group, by name, of one collection and of days (YYYY-MM-DD) from `since` on if given.

        Every document goes through all stages, so documents are those of the first stage, unless groups are stages.
        """
        column = _usage.c[group]
        documents = _usage.c.documents
        if group != "stage":
            documents = sa.case((_usage.c.stage == "raw_documents", documents), else_=0)  # type: ignore[assignment]
        sums = [sa.func.coalesce(sa.func.sum(documents), 0).label("documents")]
        sums += [sa.func.coalesce(sa.func.sum(_usage.c[name]), 0).label(name) for name in _SUMS[1:]]
        query = sa.select(column.label("name"), *sums).group_by(column).order_by(column)
        if collection is not None:
            query = query.where(_usage.c.collection == collection)
        if since:
            query = query.where(_usage.c.day >= since)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [UsageRow(row.name, _spent(row)) for row in rows]


def _spent(row: sa.Row[tuple[object, ...]]) -> Spent:
    found = dict(row._mapping)
    kinds = {field.name: float if field.type == "float" else int for field in fields(Spent)}
    return Spent(**{name: kinds[name](found[name]) for name in _SUMS})  # type: ignore[arg-type]


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


class Stopwatch:
    """CPU seconds of this process and of its worker processes since the last look."""

    def __init__(self) -> None:
        self._since = self._now()

    def look(self) -> float:
        """The seconds since the last look."""
        now = self._now()
        spent, self._since = now - self._since, now
        return max(0.0, spent)

    @staticmethod
    def _now() -> float:
        return time.process_time() + cpu_seconds_of_workers()


def shares(total: float, weights: Sequence[float]) -> list[float]:
    """The total, shared out in proportion to the weights; evenly where these are all 0."""
    whole = sum(weights)
    if not weights:
        return []
    return [total * each / whole for each in weights] if whole > 0 else [total / len(weights)] * len(weights)
