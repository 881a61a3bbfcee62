"""What all-MiniLM-L6-v2 is, and its built model on disk. `minilm_graph` builds it, and is imported only for that."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from docmill.ids import digest
from docmill.inference.model_folder import Manifest, ensure_model
from docmill.inference.weights import MODEL_SHA256, TOKENIZER_SHA256, find_weights

Precision: TypeAlias = Literal["int8", "float32", "float16"]

NAME = "all-MiniLM-L6-v2"
LICENCE = "Apache-2.0"
BUILD_VERSION = 2
DIMENSIONS = 384
MAX_TOKENS = 256
SPECIAL_TOKENS = 2
LAYERS = 6
HEADS = 12
INPUT = "input_ids"
MASK = "attention_mask"
OUTPUT = "embedding"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"


def minilm_fingerprint(precision: Precision) -> str:
    """16 hex digits that name the weights, the tokenizer and how the model is built from them."""
    return digest("embedder", NAME, BUILD_VERSION, precision, MAX_TOKENS, MODEL_SHA256, TOKENIZER_SHA256)[:16]


def ensure_minilm(home: Path, precision: Precision = "int8", weights_folder: Path | None = None) -> Path:
    """The intact folder of the model under `home`, built if need be; raise ConfigError if the weights are not there."""
    manifest = Manifest(
        name=NAME,
        version=BUILD_VERSION,
        fingerprint=minilm_fingerprint(precision),
        precision=precision,
        licence=LICENCE,
        dimensions=DIMENSIONS,
        max_tokens=MAX_TOKENS,
        inputs=(INPUT,),
        outputs=(OUTPUT,),
        sources={"model.safetensors": MODEL_SHA256, "tokenizer.json": TOKENIZER_SHA256},
    )

    def build() -> dict[str, bytes]:
        from docmill.inference.minilm_graph import build_minilm

        weights = find_weights(weights_folder)
        weights.verify()
        return {MODEL_FILE: build_minilm(weights, precision), TOKENIZER_FILE: weights.tokenizer.read_bytes()}

    return ensure_model(home, manifest, build)
