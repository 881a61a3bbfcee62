"""Documents, and what became of each at every stage."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from docmill.models.base import Metadata, Model

INSIDE = "!/"
"""Stands between the key of a document and the path of a member of it."""


class Document(Model):
    """An object of a source within a collection. `version` is the sha256 of its bytes, "" until they were read.

    `source_key` is the object's whole address (`s3://bucket/a/b.pdf`), `source` the address of the store that holds it,
    ending with `/`: the object's key in that store is the rest. Of a member of another document the source is that
    document's key and `!/` (`s3://bucket/mail.eml!/`), and the etag its version. `modified` (seconds since the epoch)
    is known of listed documents only. Of the tags in `access` a searcher needs one; "*" lets everybody find it.
    `object_tag` is what `docmill.attributes` has read of its object's tags, "" for nothing.
    """

    document_id: str
    collection: str
    source: str
    source_key: str
    etag: str
    size: int
    media_type: str = ""
    version: str = ""
    batch: str = ""
    modified: float = 0.0
    access: tuple[str, ...] = ("*",)
    metadata: Metadata = Field(default_factory=dict)
    object_tag: str = ""

    @property
    def key(self) -> str:
        """The object's key in its store."""
        return self.source_key[len(self.source) :]

    @property
    def container(self) -> str:
        """The source key of the document that this one is a member of, "" for an object of its own."""
        return self.source.removesuffix(INSIDE) if self.source.endswith(INSIDE) else ""


class Status(StrEnum):
    """What became of a document at a stage. `partial`: some of its pages failed, the others are used."""

    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    QUARANTINED = "quarantined"


class Stage(StrEnum):
    """The stages, in order; the names are those of the assets, folders and commands."""

    RAW_DOCUMENTS = "raw_documents"
    EXTRACTED_ELEMENTS = "extracted_elements"
    ENRICHED_ELEMENTS = "enriched_elements"
    CHUNKS = "chunks"
    EMBEDDINGS = "embeddings"
    VECTOR_COLLECTION = "vector_collection"


class ErrorClass(StrEnum):
    """Whether a failure can pass by itself."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"


class Outcome(Model):
    """What became of a document at a stage: one row for (document, stage).

    `seconds` is wall time, `cpu_seconds` the document's share of what the stage took from the processors.
    """

    document_id: str
    stage: Stage
    status: Status
    version: str = ""
    fingerprint: str = ""
    error_class: ErrorClass | None = None
    error: str = ""
    message: str = ""
    hint: str = ""
    pages: tuple[int, ...] = ()
    attempts: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    counts: dict[str, int] = Field(default={})
    run_id: str = ""
    updated_at: float = 0.0
