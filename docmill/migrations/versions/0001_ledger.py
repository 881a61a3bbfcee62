"""The ledger's first tables. What is there already stays: ledgers were made without steps before this one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Sources, documents, outcomes, batches and counters are there."""
    op.create_table(
        "sources",
        sa.Column("collection", sa.String(255), primary_key=True),
        sa.Column("url", sa.String(2048), primary_key=True),
        sa.Column("created_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "documents",
        sa.Column("document_id", sa.String(32), primary_key=True),
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("source", sa.String(2048), nullable=False),
        sa.Column("source_key", sa.Text, nullable=False),
        sa.Column("etag", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("batch", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_documents_collection", "documents", ["collection"], if_not_exists=True)
    op.create_index("ix_documents_batch", "documents", ["batch"], if_not_exists=True)
    op.create_table(
        "outcomes",
        sa.Column("document_id", sa.String(32), primary_key=True),
        sa.Column("stage", sa.String(32), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("error_class", sa.String(16)),
        sa.Column("error", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("pages", sa.JSON, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_outcomes_status", "outcomes", ["status"], if_not_exists=True)
    op.create_table(
        "batches",
        sa.Column("batch", sa.String(64), primary_key=True),
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("runner", sa.String(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.BigInteger),
        if_not_exists=True,
    )
