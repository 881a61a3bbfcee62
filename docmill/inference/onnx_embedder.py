"""Computes embeddings in this process with ONNX Runtime.

Texts run one by one, each in one thread, `threads` of them at a time: no padding, no waiting inside an operator, and a
text's vector is the same bytes whatever it is embedded with.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from docmill.errors import SystemicError
from docmill.inference import minilm
from docmill.inference.embedder import Embeddings, Tokens, Vectors
from docmill.inference.minilm import Precision
from docmill.inference.text_encoder import TextEncoder

if TYPE_CHECKING:
    import onnxruntime


class OnnxEmbedder:
    """An `Embedder` of all-MiniLM-L6-v2. The model is built under `home` and loaded at first use, once in a process."""

    def __init__(
        self, home: Path, *, weights: Path | None = None, threads: int | None = None, precision: Precision = "int8"
    ) -> None:
        self.name = minilm.NAME
        self.fingerprint = minilm.minilm_fingerprint(precision)
        self.dimensions = minilm.DIMENSIONS
        self.max_tokens = minilm.MAX_TOKENS
        self.special_tokens = minilm.SPECIAL_TOKENS
        self._home = home
        self._weights = weights
        self._threads = threads or _usable_cores()
        self._precision: Precision = precision

    def prepare(self) -> Path:
        """The folder of the built model, built if it was not there; raise ConfigError if the weights are missing."""
        return _prepare(self._home, self._precision, self._weights)

    def tokenize(self, text: str) -> Tokens:
        """All tokens of the text, never cut."""
        return self._encoder(self.prepare()).tokenize(text)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Embeddings:
        """The vectors of the texts; those longer than `max_tokens` are read up to there and named in the result.

        Questions are embedded as chunks are: the model makes no difference.
        """
        folder = self.prepare()
        ids, truncated = self._encoder(folder).rows(texts)
        rows = [np.array(row, dtype=np.int32) for row in ids]
        vectors = self._run(_load_session(folder), rows)
        if not np.isfinite(vectors).all():
            raise SystemicError(f"The model {self.name} gave vectors that are not finite.")
        return Embeddings(vectors, truncated)

    def _encoder(self, folder: Path) -> TextEncoder:
        return TextEncoder(folder / minilm.TOKENIZER_FILE, self.max_tokens)

    def _run(self, session: onnxruntime.InferenceSession, rows: Sequence[np.ndarray]) -> Vectors:
        """One vector a row of token ids; long rows first, so that the threads end together."""
        vectors = np.empty((len(rows), self.dimensions), dtype=np.float32)

        def run(index: int) -> None:
            vectors[index] = session.run([minilm.OUTPUT], {minilm.INPUT: rows[index]})[0]

        order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
        if self._threads == 1 or len(rows) < 2:
            for index in order:
                run(index)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(run, order))
        return vectors


def _usable_cores() -> int:
    """Cores that this process may use; threads cost no CPU time here, since each computes a text of its own."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=8)
def _prepare(home: Path, precision: Precision, weights: Path | None) -> Path:
    """The intact folder of the model; the hashes of its files are computed once in a process."""
    return minilm.ensure_minilm(home, precision, weights)


@lru_cache(maxsize=8)
def _load_session(folder: Path) -> onnxruntime.InferenceSession:
    """A session that computes in the calling thread, with the graph's operators as they are.

    More than the basic optimisations would fuse `Add` and `LayerNormalization` into an operator eight times slower.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(folder / minilm.MODEL_FILE), options, providers=["CPUExecutionProvider"])
