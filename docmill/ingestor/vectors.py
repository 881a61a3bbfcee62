"""Gives elements their vectors, of the length that the caller's model would have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docmill.inference.embedder import Embedder, Vectors
from docmill.ingestor.options import EmbedOptions
from docmill.ingestor.shape import Json, text_of

_LENGTH = 2048
"""What the client's own vector database writer makes its collections for."""
_LENGTHS = {"nvidia/nv-embedqa-e5-v5": 1024}


def wanted_length(options: EmbedOptions) -> int:
    """How many numbers a vector has."""
    return options.dimensions or _LENGTHS.get(options.model_name, _LENGTH)


def embed(elements: Sequence[Json], options: EmbedOptions, embedder: Embedder) -> list[Json]:
    """The elements with vectors of unit length where they have text of a kind that is wanted."""
    if _aggregates(options, elements):
        elements = _gathered(elements)
    texts = [_text(element, options, elements) for element in elements]
    indices = [index for index, text in enumerate(texts) if text.strip()]
    if not indices:
        return list(elements)
    unique = list(dict.fromkeys(texts[index] for index in indices))
    vectors = fitted(embedder.embed(unique).vectors, wanted_length(options))
    rows = {text: _numbers(row) for text, row in zip(unique, vectors, strict=True)}
    made = list(elements)
    for index in indices:
        made[index] = _with_vector(made[index], rows[texts[index]], options, embedder.name)
    return made


def fitted(vectors: Vectors, length: int) -> Vectors:
    """The vectors with zeros behind them, which changes no distance, or cut and of unit length again."""
    rows, dimensions = vectors.shape
    if dimensions <= length:
        return np.hstack([vectors, np.zeros((rows, length - dimensions), dtype=np.float32)])
    cut = vectors[:, :length]
    norms = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.asarray(cut / np.where(norms == 0, 1, norms), dtype=np.float32)


def _numbers(row: Vectors) -> list[float]:
    """The numbers with the digits that a 32-bit float holds: fewer to send than Python's own 17."""
    return [round(value, 8) for value in row.tolist()]


def _text(element: Json, options: EmbedOptions, elements: Sequence[Json]) -> str:
    """What is embedded of the element, "" for nothing."""
    field = options.custom_content_field
    if field:
        return str((element["metadata"]["custom_content"] or {}).get(field) or "")
    kind = element["document_type"]
    switch = {
        "text": options.embed_text_elements,
        "structured": options.embed_structured_elements,
        "image": options.embed_image_elements,
        "audio": options.embed_audio_elements,
    }.get(kind, False)
    if switch is None:
        switch = not (_aggregates(options, elements) and kind in ("text", "structured"))
    return text_of(element) if switch else ""


def _aggregates(options: EmbedOptions, elements: Sequence[Json]) -> bool:
    """Whether pages are embedded as a whole, by their pictures' texts."""
    pages = any(each["metadata"]["content_metadata"]["subtype"] == "page_image" for each in elements)
    whole = options.image_elements_aggregate_page_content or options.image_elements_modality == "text_image"
    return pages and whole


def _gathered(elements: Sequence[Json]) -> list[Json]:
    """Page pictures with the text of their page and of its tables."""
    made: list[Json] = []
    for element in elements:
        about = element["metadata"]["content_metadata"]
        if about["subtype"] != "page_image":
            made.append(element)
            continue
        same = [
            each for each in elements if each["metadata"]["content_metadata"]["page_number"] == about["page_number"]
        ]
        texts = [text_of(each) for each in same if each["document_type"] in ("text", "structured")]
        known = element["metadata"]["image_metadata"]["text"]
        text = "\n".join(dict.fromkeys(filter(None, [known, *texts])))
        image = {**element["metadata"]["image_metadata"], "text": text}
        made.append({**element, "metadata": {**element["metadata"], "image_metadata": image}})
    return made


def _with_vector(element: Json, vector: list[float], options: EmbedOptions, model: str) -> Json:
    metadata = element["metadata"]
    custom = {**(metadata["custom_content"] or {}), "embedding_model": model}
    if options.result_target_field:
        custom[options.result_target_field] = vector
        return {**element, "metadata": {**metadata, "custom_content": custom}}
    return {**element, "metadata": {**metadata, "embedding": vector, "custom_content": custom}}
