"""Opens the models that the settings name: the one place that knows every runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from docmill.errors import ConfigError
from docmill.ids import digest
from docmill.inference import minilm
from docmill.inference.embedder import Embedder
from docmill.inference.endpoint import EndpointOptions, OpenAIEndpoint
from docmill.inference.minilm import minilm_fingerprint
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.registry import card, verified_files
from docmill.inference.remote_embedder import EmbeddingModel, EndpointEmbedder, TensorEmbedder
from docmill.inference.reranker import CrossEncoder, Reranker
from docmill.inference.tensors import OnnxModel, TensorModel
from docmill.inference.text_encoder import TextEncoder
from docmill.inference.triton import TritonModel, TritonOptions
from docmill.inference.weights import TOKENIZER_SHA256, find_weights, sha256_file

Models = Mapping[str, ModelConfig]

_HINT = "See docs/models.md."


def open_embedder(name: str, models: Models, home: Path) -> Embedder:
    """The embedding model of that name; built models are kept in `home`. ConfigError where it is not described."""
    config = models.get(name)
    served = (config.model if config else "") or name
    if config is None and name != minilm.NAME:
        raise ConfigError(
            f"There is no embedding model {name!r}.", hint=f"Use {minilm.NAME}, or describe it in [models.{name}]."
        )
    if served == minilm.NAME and (config is None or config.folder is None):
        return _minilm(config or ModelConfig(), home)
    assert config is not None
    model, encoder = _described(name, config)
    return _embedder(
        config, model, encoder, open_tensors(name, config) if config.runtime is not Runtime.OPENAI else None
    )


def open_reranker(name: str, models: Models) -> Reranker:
    """The reranking model of that name; raises ConfigError where it is not described."""
    config = _config(name, models)
    if config.runtime is Runtime.OPENAI:
        return open_endpoint(name, models)
    encoder = TextEncoder(_tokenizer(name, config), config.max_tokens or 512)
    concurrency = config.policy.concurrency if config.runtime is Runtime.TRITON else 1
    return CrossEncoder(name, encoder, open_tensors(name, config), batch=config.batch, concurrency=concurrency)


def open_endpoint(name: str, models: Models) -> OpenAIEndpoint:
    """The OpenAI-compatible endpoint of that name; raises ConfigError where it is not described as one."""
    config = _config(name, models)
    if config.runtime is not Runtime.OPENAI:
        raise ConfigError(f"The model {name} has runtime {config.runtime}; this needs runtime openai.", hint=_HINT)
    options = EndpointOptions(
        urls=config.urls[1:],
        dialect=config.dialect,
        batch=config.batch,
        ca_file=config.ca_file,
        policy=config.policy,
    )
    key = config.api_key if config.api_key.get_secret_value() else None
    return OpenAIEndpoint(config.urls[0], config.model or name, key, config.timeout, options)


def open_tensors(name: str, config: ModelConfig, fingerprint: str = "") -> TensorModel:
    """The model as a function of tensors, in this process or at Triton; a `fingerprint` is what Triton must serve."""
    if config.runtime is Runtime.TRITON:
        options = TritonOptions(
            api_key=config.api_key, ca_file=config.ca_file, timeout=config.timeout, policy=config.policy
        )
        return TritonModel(config.model or name, config.urls, options, fingerprint)
    if config.folder is None:
        raise ConfigError(f"The model {name} has neither a folder nor urls.", hint=_HINT)
    return OnnxModel(name, config.folder / "model.onnx")


def open_registered(name: str, models: Models) -> TensorModel | None:
    """A model of the registry where the settings have it run at Triton; None where it runs as its package has it."""
    config = models.get(name)
    if config is None or config.runtime is Runtime.ONNX:
        return None
    if config.runtime is not Runtime.TRITON:
        raise ConfigError(f"The model {name} cannot run with runtime {config.runtime}.", hint="Use onnx or triton.")
    return open_tensors(name, config, card(name).fingerprint)


def _minilm(config: ModelConfig, home: Path) -> Embedder:
    """The embedding model of the registry, wherever it runs."""
    from docmill.inference.onnx_embedder import OnnxEmbedder

    if config.runtime is Runtime.ONNX:
        if config.precision == "float16":
            raise ConfigError(
                "float16 is for GPUs: it runs at Triton only.", hint="Use int8 or float32 in this process."
            )
        return OnnxEmbedder(home, precision=config.precision)
    known = card(minilm.NAME)
    fingerprint = minilm_fingerprint(config.precision)
    model = EmbeddingModel(minilm.NAME, fingerprint, known.dimensions)
    encoder = TextEncoder(verified_files(known)["tokenizer.json"], known.max_tokens)
    tensors = open_tensors(minilm.NAME, config, fingerprint) if config.runtime is Runtime.TRITON else None
    return _embedder(config, model, encoder, tensors)


def _embedder(
    config: ModelConfig, model: EmbeddingModel, encoder: TextEncoder, tensors: TensorModel | None
) -> Embedder:
    if tensors is None:
        return EndpointEmbedder(model, encoder, open_endpoint(model.name, {model.name: config}))
    concurrency = config.policy.concurrency if config.runtime is Runtime.TRITON else 1
    return TensorEmbedder(model, encoder, tensors, batch=config.batch, concurrency=concurrency)


def _described(name: str, config: ModelConfig) -> tuple[EmbeddingModel, TextEncoder]:
    """An embedding model of the user's own. Its fingerprint is made of what the settings and its files say."""
    if not config.dimensions or not config.max_tokens:
        raise ConfigError(
            f"The embedding model {name} needs dimensions and max_tokens.", hint=f"Set them in [models.{name}]."
        )
    tokenizer = _tokenizer(name, config)
    file = config.folder / "model.onnx" if config.folder else None
    if file is not None and not file.is_file():
        raise ConfigError(f"The model {name} has no file {file}.", hint=_HINT)
    fingerprint = digest(
        "embedder",
        config.model or name,
        config.version,
        config.dimensions,
        config.max_tokens,
        config.pooling,
        config.query_prefix,
        config.passage_prefix,
        config.dialect if config.dialect == "nim" else "",
        sha256_file(file) if file else "",
        sha256_file(tokenizer) if config.tokenizer or config.folder else TOKENIZER_SHA256,
    )[:16]
    model = EmbeddingModel(
        name, fingerprint, config.dimensions, config.query_prefix, config.passage_prefix, config.pooling
    )
    return model, TextEncoder(tokenizer, config.max_tokens)


def _tokenizer(name: str, config: ModelConfig) -> Path:
    """Its tokenizer's file: the one set, else that of its folder, else (to count by) that of the registry's model."""
    if config.tokenizer is None and config.folder is None:
        if config.runtime is Runtime.TRITON:
            raise ConfigError(f"The model {name} at Triton needs its tokenizer.", hint=f"Set models.{name}.tokenizer.")
        return find_weights().tokenizer
    file = config.tokenizer or (config.folder or Path()) / "tokenizer.json"
    if not file.is_file():
        raise ConfigError(f"The model {name} has no tokenizer {file}.", hint=_HINT)
    return file


def _config(name: str, models: Models) -> ModelConfig:
    if name not in models:
        raise ConfigError(f"The settings have no model {name!r}.", hint=f"Add a table [models.{name}]. {_HINT}")
    return models[name]
