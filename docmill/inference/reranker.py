"""How well texts answer a question: cross-encoders as graphs, or any endpoint that reranks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from docmill.errors import ConfigError
from docmill.inference.remote_embedder import fitting, padded
from docmill.inference.tensors import TensorModel
from docmill.inference.text_encoder import TextEncoder


class Reranker(Protocol):
    """Scores texts against a question; `OpenAIEndpoint` is one, too."""

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """A score a text, in their order: higher is better, the scale is the model's."""


class CrossEncoder:
    """A `Reranker` of a `TensorModel` that reads question and text together and gives one logit."""

    def __init__(
        self, name: str, encoder: TextEncoder, tensors: TensorModel, *, batch: int = 32, concurrency: int = 1
    ) -> None:
        self.name = name
        self.tensors = tensors
        self._encoder = encoder
        self._batch = batch
        self._concurrency = concurrency

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """A score a text, in their order: higher is better, the scale is the model's."""
        if not texts:
            return []
        pairs = self._encoder.pairs(query, texts)
        order = sorted(range(len(pairs)), key=lambda index: len(pairs[index][0]))
        parts = [order[start : start + self._batch] for start in range(0, len(order), self._batch)]
        scores = np.empty(len(pairs), np.float32)
        with ThreadPoolExecutor(min(self._concurrency, len(parts))) as pool:
            for part, found in zip(
                parts, pool.map(lambda part: self._run([pairs[i] for i in part]), parts), strict=True
            ):
                scores[part] = found
        return [float(score) for score in scores]

    def _run(self, pairs: Sequence[tuple[list[int], list[int]]]) -> np.ndarray:
        width = max(len(ids) for ids, _ in pairs)
        given = padded([ids for ids, _ in pairs], width)
        for index, (_, kinds) in enumerate(pairs):
            given["token_type_ids"][index, : len(kinds)] = kinds
        logits = np.asarray(next(iter(self.tensors.run(fitting(given, self.tensors)).values())), dtype=np.float32)
        logits = logits.reshape(len(pairs), -1)
        if logits.shape[1] > 2:
            raise ConfigError(
                f"The model {self.name} gives {logits.shape[1]} numbers a pair: it is no cross-encoder.",
                hint="Use a reranking model with one logit (or two: no and yes).",
            )
        return logits[:, -1]
