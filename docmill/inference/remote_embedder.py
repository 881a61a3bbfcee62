"""Embedders that send token ids or texts away: to any `TensorModel`, or to an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from docmill.errors import ConfigError, SystemicError
from docmill.inference.embedder import Embeddings, Tokens, Vectors
from docmill.inference.endpoint import OpenAIEndpoint
from docmill.inference.tensors import Tensor, TensorModel, Tensors
from docmill.inference.text_encoder import TextEncoder

_UNIT = 1e-5
_STEP = 32
"""Rows are padded to a multiple of so many tokens: a server joins requests of one shape, and there are few shapes."""


@dataclass(frozen=True)
class EmbeddingModel:
    """What an embedder must know of its model. `pooling` counts where the model gives its tokens' states.

    The fingerprint names weights, tokenizer and prefixes, never the place where the model runs.
    """

    name: str
    fingerprint: str
    dimensions: int
    query_prefix: str = ""
    passage_prefix: str = ""
    pooling: str = "mean"


class _Embedder:
    """What both have in common: what the model is, and its tokenizer."""

    def __init__(self, model: EmbeddingModel, encoder: TextEncoder) -> None:
        self.name = model.name
        self.fingerprint = model.fingerprint
        self.dimensions = model.dimensions
        self.max_tokens = encoder.max_tokens
        self._model = model
        self._encoder = encoder

    @property
    def special_tokens(self) -> int:
        """How many tokens the model adds to each text, and its prefix holds."""
        prefix = self._model.passage_prefix
        return self._encoder.special_tokens + (len(self._encoder.tokenize(prefix)) if prefix else 0)

    def tokenize(self, text: str) -> Tokens:
        """All tokens of the text, never cut."""
        return self._encoder.tokenize(text)

    def _prefixed(self, texts: Sequence[str], query: bool) -> list[str]:
        prefix = self._model.query_prefix if query else self._model.passage_prefix
        return [prefix + text for text in texts]

    def _unit(self, vectors: Vectors) -> Vectors:
        """Vectors of length one; raises what is wrong with the model where they cannot be."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dimensions:
            raise ConfigError(
                f"The model {self.name} gives vectors of {vectors.shape[-1]} numbers, not {self.dimensions}.",
                hint=f"Set models.{self.name}.dimensions.",
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or not lengths.all():
            raise SystemicError(f"The model {self.name} gave vectors that are not finite, or zero.")
        off = np.abs(lengths[:, 0] - 1.0) > _UNIT  # those that are of length one keep their bytes
        unit = np.array(vectors)
        unit[off] /= lengths[off]
        return unit


class TensorEmbedder(_Embedder):
    """An `Embedder` of a `TensorModel` that reads rows of token ids: batches of like length, several at once."""

    def __init__(
        self,
        model: EmbeddingModel,
        encoder: TextEncoder,
        tensors: TensorModel,
        *,
        batch: int = 32,
        concurrency: int = 1,
    ) -> None:
        super().__init__(model, encoder)
        self.tensors = tensors
        self._batch = batch
        self._concurrency = concurrency

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Embeddings:
        """The vectors of the texts; those longer than `max_tokens` are read up to there and named in the result."""
        if not texts:
            return Embeddings(np.empty((0, self.dimensions), np.float32))
        rows, truncated = self._encoder.rows(self._prefixed(texts, query))
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        parts = [order[start : start + self._batch] for start in range(0, len(order), self._batch)]
        vectors = np.empty((len(rows), self.dimensions), np.float32)
        with ThreadPoolExecutor(min(self._concurrency, len(parts))) as pool:
            for part, found in zip(
                parts, pool.map(lambda part: self._run([rows[i] for i in part]), parts), strict=True
            ):
                vectors[part] = self._unit(found)
        return Embeddings(vectors, truncated)

    def _run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        width = min(-(-max(map(len, rows)) // _STEP) * _STEP, self.max_tokens)
        given = padded(rows, width)
        found = self.tensors.run(fitting(given, self.tensors))
        values = pooled(found, given["attention_mask"], self._model.pooling)
        return np.asarray(values, dtype=np.float32)


class EndpointEmbedder(_Embedder):
    """An `Embedder` of an OpenAI-compatible endpoint: texts are cut here, so that nothing is cut unseen there."""

    def __init__(self, model: EmbeddingModel, encoder: TextEncoder, endpoint: OpenAIEndpoint) -> None:
        super().__init__(model, encoder)
        self.endpoint = endpoint

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Embeddings:
        """The vectors of the texts; those longer than `max_tokens` are read up to there and named in the result."""
        if not texts:
            return Embeddings(np.empty((0, self.dimensions), np.float32))
        room = self.max_tokens - self._encoder.special_tokens
        cut, truncated = [], []
        for index, text in enumerate(self._prefixed(texts, query)):
            offsets = self._encoder.tokenize(text).offsets
            if len(offsets) > room:
                truncated.append(index)
            cut.append(text[: offsets[room - 1][1]] if len(offsets) > room else text or " ")
        kind = "query" if query else "passage"
        input_type = kind if self.endpoint.options.dialect == "nim" else ""
        size = self.endpoint.options.batch
        parts = [cut[start : start + size] for start in range(0, len(cut), size)]
        with ThreadPoolExecutor(min(self.endpoint.options.policy.concurrency, len(parts))) as pool:
            found = list(pool.map(lambda part: self.endpoint.embed(part, input_type), parts))
        vectors = np.array([vector for part in found for vector in part], dtype=np.float32)
        return Embeddings(self._unit(vectors), tuple(truncated))


def padded(rows: Sequence[Sequence[int]], width: int) -> Tensors:
    """Rows of token ids as a matrix with zeros behind them, and the mask that says which are tokens."""
    ids = np.zeros((len(rows), width), np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def fitting(given: Tensors, model: TensorModel) -> Tensors:
    """Of the tensors those that the model wants, in the types that it wants."""
    unknown = [name for name in model.inputs if name not in given]
    if unknown:
        raise ConfigError(
            f"The model {model.name} wants {', '.join(unknown)}, which a text model does not.",
            hint=f"Its inputs may be {', '.join(given)}.",
        )
    return {name: given[name].astype(kind) for name, kind in model.inputs.items()}


def pooled(found: Tensors, mask: Tensor, pooling: str) -> Tensor:
    """One vector a text: the output of two axes if there is one, else the mean (or the first) of its tokens' states."""
    for values in found.values():
        if values.ndim == 2:
            return values
    states = np.asarray(next(iter(found.values())), dtype=np.float32)
    if pooling == "first":
        return states[:, 0]
    weights = mask.astype(np.float32)[:, :, None]
    return np.asarray((states * weights).sum(axis=1) / weights.sum(axis=1))
