"""What was read of an object's tags: a listing does not show them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Documents have what was read of their object's tags, "" for nothing."""
    there = {each["name"] for each in sa.inspect(op.get_bind()).get_columns("documents")}
    if "object_tag" not in there:
        op.add_column("documents", sa.Column("object_tag", sa.String(512), nullable=False, server_default=""))
