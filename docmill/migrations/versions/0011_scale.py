"""What lets a ledger of millions be asked every minute: an index of keys, and which batches may be unfinished."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_HEAD = 'substr(source_key, 1, 500) COLLATE "C"'
"""What is indexed of a key on PostgreSQL, whose B-trees refuse more than 2,704 bytes."""


def upgrade() -> None:
    """Documents have an index on their keys, batches two numbers; at first every batch may be unfinished."""
    there = {each["name"] for each in sa.inspect(op.get_bind()).get_columns("batches")}
    for name, default in (("changed", "1"), ("settled", "0")):
        if name not in there:
            op.add_column("batches", sa.Column(name, sa.BigInteger, nullable=False, server_default=default))
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    key = sa.text(_HEAD) if on_postgresql else "source_key"
    op.create_index("ix_documents_key", "documents", ["collection", key], if_not_exists=True)
