"""How a search is to be done."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docmill.index.conditions import Condition


class SearchMode(StrEnum):
    """By meaning (dense vectors), by words (sparse, BM25), or by both."""

    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


class Fusion(StrEnum):
    """How the lists of a hybrid search become one: by their scores, each scaled to 0 … 1, or by reciprocal ranks."""

    SCORES = "scores"
    RANKS = "ranks"


class SearchOptions(BaseModel):
    """What a search may be told. The defaults were chosen on the retrieval ground (`benchmarks/retrieval.md`).

    `access` are the caller's tags: without any, only what everybody may find is found. `page_weight` is what further
    hits on the same page add to a hit, `document_weight` what the match of the document's card adds. With `expand` what
    documents say for the question's terms, by the thesaurus, is looked for, too; with `focus` what the question says
    of the answer to give is not. `feedback` puts what is found by meaning in order by the question's vector moved
    towards those of the first so many passages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fusion: Fusion = Fusion.SCORES
    alpha: Annotated[float, Field(ge=0, le=1, description="1: by meaning alone, 0: by words alone")] = 0.5
    dense_top_k: Annotated[int, Field(ge=1, le=10_000)] = 300
    sparse_top_k: Annotated[int, Field(ge=1, le=10_000)] = 300
    offset: Annotated[int, Field(ge=0, le=10_000)] = 0
    min_similarity: Annotated[float | None, Field(ge=-1, le=1)] = None
    condition: Condition | None = None
    access: frozenset[str] = frozenset()
    rerank_top_n: Annotated[int, Field(ge=0, le=1_000)] = 0
    page_weight: Annotated[float, Field(ge=0, le=2)] = 0.2
    document_weight: Annotated[float, Field(ge=0, le=2)] = 0.2
    distinct: bool = True
    expand: bool = True
    focus: bool = True
    feedback: Annotated[int, Field(ge=0, le=100)] = 3


DEFAULTS = SearchOptions()
