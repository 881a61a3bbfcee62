"""What clients keep at the service by name, and what they put into indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """There are a table of files, pipelines and the like, and one of the documents that were put into indexes."""
    op.create_table(
        "protocol_items",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("item_id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "index_entries",
        sa.Column("collection", sa.String(255), primary_key=True),
        sa.Column("entry_id", sa.String(64), primary_key=True),
        sa.Column("ref_id", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("document_id", sa.String(32), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("revision", sa.String(32), nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    for name, table, columns in (
        ("ix_protocol_items_tenant", "protocol_items", ["kind", "tenant", "created_at"]),
        ("ix_index_entries_document_id", "index_entries", ["document_id"]),
    ):
        op.create_index(name, table, columns, if_not_exists=True)
