"""Extractions of the HTTP service, schemas of records, and the records themselves."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The four tables are there; ledgers without steps may have them."""
    there = sa.inspect(op.get_bind()).get_table_names()
    for name, columns in _TABLES.items():
        if name not in there:
            op.create_table(name, *columns)
    if "extractions" not in there:
        op.create_index("ix_extractions_request", "extractions", ["request"])
        op.create_index("ix_extractions_tenant", "extractions", ["tenant", "created_at"])
    if "records" not in there:
        op.create_index("ix_records_collection", "records", ["collection"])


_TABLES: dict[str, list[sa.Column[Any]]] = {
    "extractions": [
        sa.Column("extraction_id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("document_type", sa.String(16), nullable=False),
        sa.Column("head", sa.JSON, nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float, nullable=False),
    ],
    "repeats": [
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("extraction_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    ],
    "record_schemas": [
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("schema", sa.JSON, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    ],
    "records": [
        sa.Column("schema", sa.String(64), primary_key=True),
        sa.Column("document_id", sa.String(32), primary_key=True),
        sa.Column("target", sa.String(64), primary_key=True),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("collection", sa.String(255), nullable=False),
        sa.Column("source_key", sa.Text, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("valid", sa.Boolean, nullable=False),
        sa.Column("missing", sa.JSON, nullable=False),
        sa.Column("doubtful", sa.JSON, nullable=False),
        sa.Column("arithmetic", sa.JSON, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("artifact", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    ],
}
