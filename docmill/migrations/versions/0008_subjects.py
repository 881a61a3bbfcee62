"""What a job is about, by which its tenant lists it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Jobs have a subject; those of before have none."""
    inspector = sa.inspect(op.get_bind())
    if "subject" not in {each["name"] for each in inspector.get_columns("service_jobs")}:
        op.add_column("service_jobs", sa.Column("subject", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_service_jobs_subject", "service_jobs", ["tenant", "subject", "created_at"], if_not_exists=True)
