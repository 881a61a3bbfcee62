"""Fewer and smaller indices: of what is rare only the rare rows are indexed, and nothing is indexed twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_FORMER = {"ix_outcomes_status": "outcomes", "ix_documents_collection": "documents", "ix_documents_source": "documents"}
_MEMBER = sa.text("source LIKE '%!/'")
_GONE = sa.text("gone_since <> 0")
_BURIED = sa.text("deleted_at <> 0")
_FAULTY = sa.text("status <> 'ok'")


def upgrade() -> None:
    """Indices hold outcomes that are not ok, members of containers, and documents that are gone or buried.

    Documents are found by their collection in `ix_documents_key`. Processes of before go on without the former indices.
    """
    for name, table in _FORMER.items():
        op.drop_index(name, table, if_exists=True)
    _create("ix_outcomes_faulty", "outcomes", "document_id", _FAULTY)
    _create("ix_documents_member", "documents", "source", _MEMBER, using="hash")
    _create("ix_documents_gone", "documents", "collection", _GONE)
    _create("ix_documents_buried", "documents", "collection", _BURIED)


def _create(name: str, table: str, column: str, where: sa.TextClause, using: str = "btree") -> None:
    op.create_index(
        name,
        table,
        [column],
        if_not_exists=True,
        sqlite_where=where,
        postgresql_where=where,
        postgresql_using=using,
    )
