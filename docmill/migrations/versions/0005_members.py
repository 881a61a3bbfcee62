"""The members of a container are found by its key."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Documents have an index on their source."""
    op.create_index("ix_documents_source", "documents", ["source"], if_not_exists=True, postgresql_using="hash")
