"""What was spent: a document's share of the processors' time, and sums of batch and stage, which outlive documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Outcomes have CPU seconds (0 for those of before), and there is a table of sums."""
    there = {each["name"] for each in sa.inspect(op.get_bind()).get_columns("outcomes")}
    if "cpu_seconds" not in there:
        op.add_column("outcomes", sa.Column("cpu_seconds", sa.Float, nullable=False, server_default="0"))
    op.create_table(
        "usage",
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
        if_not_exists=True,
    )
