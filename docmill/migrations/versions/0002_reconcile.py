"""Where the scan of a source is, and which documents are gone or being deleted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Sources have a cursor, and documents say when they were missed and deleted; ledgers without steps may have so."""
    _add("sources", sa.Column("cursor", sa.Text, nullable=False, server_default=""))
    _add("sources", sa.Column("scan_started", sa.Float, nullable=False, server_default="0"))
    _add("documents", sa.Column("gone_since", sa.Float, nullable=False, server_default="0"))
    _add("documents", sa.Column("deleted_at", sa.Float, nullable=False, server_default="0"))


def _add(table: str, column: sa.Column[Any]) -> None:
    if column.name not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)
