"""Where a model runs: the tables `[models.<name>]` of the settings. Nothing else changes when a model moves."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from docmill.config import Section
from docmill.inference.endpoint import Dialect
from docmill.inference.minilm import Precision
from docmill.inference.servers import CallPolicy


class Runtime(StrEnum):
    """What computes a model: ONNX Runtime in this process, a Triton server, an OpenAI-compatible one."""

    ONNX = "onnx"
    TRITON = "triton"
    OPENAI = "openai"


class ModelConfig(Section):
    """One model. A name of the registry needs a place only; any other model needs to be described as well."""

    runtime: Annotated[Runtime, Field(description="onnx (in this process), triton or openai (any such server)")] = (
        Runtime.ONNX
    )
    model: Annotated[str, Field(description="the model's name at its server; default: the table's name")] = ""
    version: Annotated[str, Field(description="of a model that docmill does not know: raise it with the weights")] = ""
    urls: Annotated[
        tuple[str, ...], Field(description="addresses; the later ones are asked when the earlier ones fail")
    ] = ()
    api_key: Annotated[SecretStr, Field(description="sent as a bearer token (a secret)")] = SecretStr("")
    ca_file: Annotated[str, Field(description="certificates to trust instead of the system's")] = ""
    timeout: Annotated[float, Field(gt=0, description="seconds that a request may take")] = 60.0
    batch: Annotated[int, Field(ge=1, description="texts or pictures in a request")] = 32
    policy: CallPolicy = CallPolicy()
    precision: Annotated[Precision, Field(description="int8, float32 or float16 of all-MiniLM-L6-v2")] = "int8"
    folder: Annotated[
        Path | None, Field(description="model.onnx and tokenizer.json of a model that docmill does not know")
    ] = None
    tokenizer: Annotated[Path | None, Field(description="its tokenizer.json; default: that of all-MiniLM-L6-v2")] = None
    dimensions: Annotated[int, Field(ge=0, description="the length of its vectors")] = 0
    max_tokens: Annotated[int, Field(ge=0, description="tokens that it reads of a text")] = 0
    pooling: Annotated[
        Literal["mean", "first"], Field(description="how its tokens' states become one vector, if it gives states")
    ] = "mean"
    query_prefix: Annotated[str, Field(description="put before each question, as e5 and bge models want it")] = ""
    passage_prefix: Annotated[str, Field(description="put before each chunk")] = ""
    dialect: Annotated[Dialect, Field(description="openai; nim: NVIDIA's input_type; tei: Hugging Face's rerank")] = (
        "openai"
    )

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        if self.runtime is Runtime.ONNX and self.urls:
            raise ValueError("urls are for runtime triton or openai")
        if self.runtime is not Runtime.ONNX and not self.urls:
            raise ValueError(f"runtime {self.runtime} needs urls")
        return self
