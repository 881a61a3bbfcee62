"""Generations of collections, and what documents tell of themselves beside their content: access tags and metadata."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """There is a table of generations; documents have access tags, which let everybody find those that are known."""
    op.create_table(
        "generations",
        sa.Column("collection", sa.String(255), primary_key=True),
        sa.Column("digest", sa.String(12), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.Column("metric", sa.String(32), nullable=False),
        sa.Column("layout", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        if_not_exists=True,
    )
    there = {each["name"] for each in sa.inspect(op.get_bind()).get_columns("documents")}
    for name, default in (("access", '["*"]'), ("metadata", "{}")):
        if name not in there:
            op.add_column("documents", sa.Column(name, sa.JSON, nullable=False, server_default=default))
