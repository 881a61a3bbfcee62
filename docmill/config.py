"""What a collection is built with. Every field that changes a result is part of the stage's fingerprint."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Base of all settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mode(StrEnum):
    """How much a page may cost: `fast` reads the text layer only, `auto` adds OCR and models where they are needed."""

    FAST = "fast"
    AUTO = "auto"
    ACCURATE = "accurate"


class ExtractConfig(Section):
    """How bytes become elements. `languages` are ISO 639-1 codes for OCR; crops are PNG pictures of figures."""

    mode: Mode = Mode.AUTO
    languages: tuple[str, ...] = ("en",)
    crops: bool = True
    ocr_dpi: Annotated[int, Field(ge=72, le=600)] = 200
    max_pages: Annotated[int, Field(ge=1)] = 5_000
    max_bytes: Annotated[int, Field(ge=1)] = 500_000_000


class ChunkConfig(Section):
    """Sizes are tokens of the embedding model, its two special tokens included."""

    max_tokens: Annotated[int, Field(ge=16, le=8192)] = 256
    overlap_tokens: Annotated[int, Field(ge=0)] = 24


class EmbedConfig(Section):
    """Which model embeds."""

    model: str = "all-MiniLM-L6-v2"


class IndexConfig(Section):
    """How vectors are indexed."""

    metric: str = "COSINE"


class PipelineConfig(Section):
    """The settings of all stages."""

    extract: ExtractConfig = ExtractConfig()
    chunk: ChunkConfig = ChunkConfig()
    embed: EmbedConfig = EmbedConfig()
    index: IndexConfig = IndexConfig()
