"""Chunks: the pieces of a document that are embedded and found as one."""

from __future__ import annotations

from enum import StrEnum

from docmill.models.base import Model
from docmill.models.elements import ElementType
from docmill.models.places import Region


class Span(Model):
    """Characters `start` to `end` (exclusive) of the text of element `ordinal`."""

    ordinal: int
    start: int
    end: int


class ChunkKind(StrEnum):
    """Whether a chunk is a passage of its document, or its card: what the document is, for finding whole documents."""

    PASSAGE = "passage"
    DOCUMENT = "document"


class Chunk(Model):
    """A piece of a document that is embedded and found as one.

    `text` is what is shown; `spans` say which characters of which elements it holds; those after the first `overlap`
    spans hold no character that an earlier chunk holds. `section` is the path of titles above it, `seconds` are the
    first and last second of sound or video that it stands for. `context` tells what the chunk is of, `labels` are a
    table's text without its numbers; `token_count` is that of what is embedded. `parent` is the ordinal of the first
    chunk of the passage that the chunk belongs to. `language` is ISO 639-1 or "".
    """

    ordinal: int
    text: str
    token_count: int
    spans: tuple[Span, ...]
    overlap: int = 0
    section: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    types: tuple[ElementType, ...] = ()
    place: str = ""
    seconds: tuple[float, float] | None = None
    language: str = ""
    context: str = ""
    labels: str = ""
    parent: int = 0
    kind: ChunkKind = ChunkKind.PASSAGE

    @property
    def embedded(self) -> str:
        """What the embedding model reads: numbers of tables say little to it, and their labels all."""
        body = self.labels or self.text
        return f"{self.context}\n{body}" if self.context else body
