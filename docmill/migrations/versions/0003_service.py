"""Jobs of the HTTP service and the keys of its callers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """The tables `service_jobs` and `api_keys` are there; ledgers without steps may have them."""
    tables = sa.inspect(op.get_bind()).get_table_names()
    if "service_jobs" not in tables:
        op.create_table("service_jobs", *_jobs())
        op.create_index("ix_service_jobs_state", "service_jobs", ["state", "due_at"])
        op.create_index("ix_service_jobs_work", "service_jobs", ["work"])
        op.create_index("ix_service_jobs_tenant", "service_jobs", ["tenant", "created_at"])
    if "api_keys" not in tables:
        op.create_table("api_keys", *_api_keys())


def _jobs() -> list[sa.Column[Any]]:
    return [
        sa.Column("job_id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("work", sa.String(64), nullable=False),
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
    ]


def _api_keys() -> list[sa.Column[Any]]:
    return [
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("collections", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float, nullable=False),
    ]
