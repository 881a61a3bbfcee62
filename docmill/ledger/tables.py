"""The tables of the ledger; those of the service beside them are in `docmill.tables`.

A batch's `changed` counts what has happened to its documents that may leave it unfinished; it is known to be finished
where `settled` says the same. The index `ix_documents_key`, which differs between SQLite and PostgreSQL, is made by the
migrations alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from docmill.models import Stage, Status
from docmill.tables import metadata as metadata

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("collection", sa.String(255), primary_key=True),
    sa.Column("url", sa.String(2048), primary_key=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("cursor", sa.Text, nullable=False, server_default=""),
    sa.Column("scan_started", sa.Float, nullable=False, server_default="0"),
)
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("document_id", sa.String(32), primary_key=True),
    sa.Column("collection", sa.String(255), nullable=False),
    sa.Column("source", sa.String(2048), nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("etag", sa.String(255), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("media_type", sa.String(255), nullable=False, default=""),
    sa.Column("version", sa.String(64), nullable=False, default=""),
    sa.Column("batch", sa.String(64), nullable=False, index=True),
    sa.Column("gone_since", sa.Float, nullable=False, server_default="0"),
    sa.Column("deleted_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("access", sa.JSON, nullable=False, server_default='["*"]'),
    sa.Column("metadata", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("object_tag", sa.String(512), nullable=False, server_default=""),
    sa.Column("name_hash", sa.String(16), nullable=False, server_default=""),
    sa.Index("ix_documents_name", "collection", "name_hash"),
)
outcomes = sa.Table(
    "outcomes",
    metadata,
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
    sa.Column("cpu_seconds", sa.Float, nullable=False, server_default="0"),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch", sa.String(64), primary_key=True),
    sa.Column("collection", sa.String(255), nullable=False),
    sa.Column("documents", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("runner", sa.String(32), nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("settled", sa.BigInteger, nullable=False, server_default="0"),
)
counters = sa.Table(
    "counters", metadata, sa.Column("name", sa.String(64), primary_key=True), sa.Column("value", sa.BigInteger)
)
generations = sa.Table(
    "generations",
    metadata,
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
)
SHOWN = [column for column in documents.c if column.name not in ("gone_since", "deleted_at", "name_hash")]
"""What a `Document` holds."""
ALIVE = documents.c.deleted_at == 0

# What is rare has an index of its own, which a query uses only if it says the same, with the same constants.
BURIED = documents.c.deleted_at != sa.literal_column("0")
GONE = documents.c.gone_since != sa.literal_column("0")
MEMBER = documents.c.source.like(sa.literal_column("'%!/'"))
FAULTY = outcomes.c.status != sa.literal_column("'ok'")
USABLE = outcomes.c.status.in_([Status.OK.value, Status.PARTIAL.value])
sa.Index("ix_documents_buried", documents.c.collection, sqlite_where=BURIED, postgresql_where=BURIED)
sa.Index("ix_documents_gone", documents.c.collection, sqlite_where=GONE, postgresql_where=GONE)
sa.Index(
    "ix_documents_member",
    documents.c.source,
    sqlite_where=MEMBER,
    postgresql_where=MEMBER,
    postgresql_using="hash",  # a B-tree refuses keys over 2,704 bytes
)
sa.Index("ix_outcomes_faulty", outcomes.c.document_id, sqlite_where=FAULTY, postgresql_where=FAULTY)


def current(fingerprints: Mapping[Stage, str]) -> sa.ColumnElement[bool]:
    """Whether an outcome is of its document's version, and has its stage's fingerprint.

    Not for raw documents: the fingerprint of their outcomes holds the object's etag.
    """
    later = [(stage, each) for stage, each in fingerprints.items() if stage is not Stage.RAW_DOCUMENTS]
    settings = (sa.and_(outcomes.c.stage == stage.value, outcomes.c.fingerprint == each) for stage, each in later)
    return sa.and_(outcomes.c.version == documents.c.version, sa.or_(sa.false(), *settings))
