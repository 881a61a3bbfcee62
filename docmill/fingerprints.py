"""What a stage's results depend on, as a hash: it names artifacts and makes staleness visible."""

from __future__ import annotations

from collections.abc import Mapping

from docmill.config import PipelineConfig
from docmill.ids import digest, fingerprint
from docmill.models import Stage

CODE_VERSIONS: Mapping[Stage, str] = {
    Stage.RAW_DOCUMENTS: "1",
    Stage.EXTRACTED_ELEMENTS: "9",
    Stage.ENRICHED_ELEMENTS: "1",
    Stage.CHUNKS: "4",
    Stage.EMBEDDINGS: "2",
    Stage.VECTOR_COLLECTION: "4",
}
"""Raised by whoever changes a stage so that it gives other results for the same input and settings."""


_CHANGES_NO_RESULT: dict[str, bool | set[str]] = {
    "pages_per_task": True,
    "force_ocr": True,
    "speech": {"model", "url", "timeout"},
}
_NO_RESULT_OF_CAPTIONS: dict[str, set[str]] = {"caption": {"url", "timeout", "parallel"}}


def stage_fingerprints(
    config: PipelineConfig, embedder: str, readers: Mapping[str, object] | None = None
) -> dict[Stage, str]:
    """The fingerprint of each stage; each but the first two depends on the one before.

    `embedder` is the embedding model's fingerprint: chunks depend on it for its tokenizer, vectors for its weights.
    `readers` names what else elements depend on: the speech model by its content, installed extractors.
    """
    settings: dict[Stage, dict[str, object]] = {
        Stage.RAW_DOCUMENTS: {},
        Stage.EXTRACTED_ELEMENTS: config.extract.model_dump(mode="json", exclude=_CHANGES_NO_RESULT)
        | ({"force_ocr": True} if config.extract.force_ocr else {})
        | {name: value for name, value in (readers or {}).items() if value},
        Stage.ENRICHED_ELEMENTS: config.enrich.model_dump(mode="json", exclude=_NO_RESULT_OF_CAPTIONS)
        if config.enrich.active
        else {},
        Stage.CHUNKS: config.chunk.model_dump(mode="json") | {"tokenizer": embedder},
        Stage.EMBEDDINGS: {"model": embedder},
        Stage.VECTOR_COLLECTION: config.index.model_dump(mode="json"),
    }
    found: dict[Stage, str] = {}
    upstream = ""
    for stage in Stage:
        found[stage] = fingerprint(stage.value, CODE_VERSIONS[stage], settings[stage], upstream)
        upstream = "" if stage is Stage.RAW_DOCUMENTS else found[stage]
    return found


def layout_fingerprint(config: PipelineConfig) -> str:
    """What rows of one physical collection have in common beside the model: how chunks are cut and indexed."""
    versions = "-".join(CODE_VERSIONS[stage] for stage in (Stage.CHUNKS, Stage.EMBEDDINGS, Stage.VECTOR_COLLECTION))
    settings = {"chunk": config.chunk.model_dump(mode="json"), "index": config.index.model_dump(mode="json")}
    return fingerprint("layout", versions, settings, "")


def raw_fingerprint(stage_fingerprint: str, etag: str) -> str:
    """What an outcome of the raw documents depends on: the stage's fingerprint and the object's etag."""
    return digest(stage_fingerprint, etag)[:16]
