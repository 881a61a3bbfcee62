"""The tables of the service beside those of the ledger, in one database: `docmill/migrations/` makes them all.

Dagster may keep its own in the same database, and has one named `jobs`.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

jobs = sa.Table(
    "service_jobs",
    metadata,
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("work", sa.String(64), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("lease_until", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("error", sa.String(64), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, server_default=""),
    sa.Index("ix_service_jobs_state", "state", "due_at"),
    sa.Index("ix_service_jobs_subject", "tenant", "subject", "created_at"),
    sa.Index("ix_service_jobs_tenant", "tenant", "created_at"),
)
usage = sa.Table(
    "usage",
    metadata,
    sa.Column("batch", sa.String(64), primary_key=True),
    sa.Column("stage", sa.String(32), primary_key=True),
    sa.Column("collection", sa.String(255), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("documents", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("partial", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("cpu_seconds", sa.Float, nullable=False),
    sa.Column("gpu_seconds", sa.Float, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("pages", sa.BigInteger, nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
)
api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("collections", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float, nullable=False),
)
extractions = sa.Table(
    "extractions",
    metadata,
    sa.Column("extraction_id", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("document_type", sa.String(16), nullable=False),
    sa.Column("head", sa.JSON, nullable=False),
    sa.Column("request", sa.String(64), nullable=False, index=True),
    sa.Column("job_id", sa.String(64), nullable=False),
    sa.Column("error", sa.JSON),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float, nullable=False),
    sa.Index("ix_extractions_tenant", "tenant", "created_at"),
)
repeats = sa.Table(
    "repeats",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("extraction_id", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)
record_schemas = sa.Table(
    "record_schemas",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("schema", sa.JSON, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)
records = sa.Table(
    "records",
    metadata,
    sa.Column("schema", sa.String(64), primary_key=True),
    sa.Column("document_id", sa.String(32), primary_key=True),
    sa.Column("target", sa.String(64), primary_key=True),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("collection", sa.String(255), nullable=False, index=True),
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
)
protocol_items = sa.Table(
    "protocol_items",
    metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("item_id", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Index("ix_protocol_items_tenant", "kind", "tenant", "created_at"),
)
index_entries = sa.Table(
    "index_entries",
    metadata,
    sa.Column("collection", sa.String(255), primary_key=True),
    sa.Column("entry_id", sa.String(64), primary_key=True),
    sa.Column("ref_id", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("document_id", sa.String(32), nullable=False, index=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("revision", sa.String(32), nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)
