"""Hits: the chunks found for a question, with what proves them."""

from __future__ import annotations

from pydantic import Field

from docmill.models.base import Metadata, Model
from docmill.models.places import Region


class Hit(Model):
    """A chunk found for a question, with what proves it; `score` grows with relevance, on a scale of its mode.

    `similarity` is the cosine to the question where it was found by meaning. `also_in` are the source keys of chunks
    with nearly the same text that were left out. `note` says what the search could not do, such as looking for words
    where they are not indexed.
    """

    chunk_id: str
    score: float
    text: str
    collection: str
    document_id: str
    version: str
    source_key: str
    section: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    types: tuple[str, ...] = ()
    place: str = ""
    seconds: tuple[float, float] | None = None
    elements: tuple[int, ...] = ()
    fingerprint: str = ""
    dense_rank: int | None = None
    sparse_rank: int | None = None
    ordinal: int = 0
    parent: int = 0
    similarity: float | None = None
    rerank_score: float | None = None
    also_in: tuple[str, ...] = ()
    metadata: Metadata = Field(default={})
    note: str = ""
