"""Jobs in an order of their own and after one another, links by their end, documents by their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from docmill.ids import name_hash

revision = "0010"
down_revision = "0009"
_ROWS = 5_000
_LINK_SECONDS = 604_800.0


def upgrade() -> None:
    """Jobs have a priority and a job that they wait for; protocol items may end; documents have a hash of their name.

    Jobs of before have the usual priority and wait for none; links of before end when the last of them must.
    """
    _add("service_jobs", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    _add("service_jobs", sa.Column("awaits", sa.String(64), nullable=False, server_default=""))
    if _add("protocol_items", sa.Column("expires_at", sa.Float, nullable=False, server_default="0")):
        ended = "UPDATE protocol_items SET expires_at = created_at + :seconds WHERE kind = 'link'"
        op.execute(sa.text(ended).bindparams(seconds=_LINK_SECONDS))
    if _add("documents", sa.Column("name_hash", sa.String(16), nullable=False, server_default="")):
        _name()
    op.create_index("ix_protocol_items_expires", "protocol_items", ["kind", "expires_at"], if_not_exists=True)
    op.create_index("ix_documents_name", "documents", ["collection", "name_hash"], if_not_exists=True)


def _add(table: str, column: sa.Column[Any]) -> bool:
    """The table has the column; True if it had not."""
    there = {each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)}
    if column.name in there:
        return False
    op.add_column(table, column)
    return True


def _name() -> None:
    """Documents of before have the hashes of their names."""
    documents = sa.table("documents", *map(sa.column, ("document_id", "source_key", "name_hash")))
    changing = documents.update().where(documents.c.document_id == sa.bindparam("own"))
    for part in _parts(documents):
        rows = [{"own": each, "named": name_hash(key.rpartition("/")[2])} for each, key in part]
        op.get_bind().execute(changing.values(name_hash=sa.bindparam("named")), rows)


def _parts(documents: sa.TableClause) -> Iterator[list[tuple[str, str]]]:
    last = ""
    query = sa.select(documents.c.document_id, documents.c.source_key).order_by(documents.c.document_id).limit(_ROWS)
    while rows := op.get_bind().execute(query.where(documents.c.document_id > last)).all():
        yield [(row[0], row[1]) for row in rows]
        last = rows[-1][0]
