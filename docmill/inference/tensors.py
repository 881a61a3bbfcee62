"""The seam below all models that are graphs: tensors in, tensors out, wherever it is computed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from docmill.errors import ConfigError

if TYPE_CHECKING:
    import onnxruntime

Tensor: TypeAlias = NDArray[np.generic]
Tensors: TypeAlias = dict[str, Tensor]

_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


class TensorModel(Protocol):
    """A model as a function of named tensors whose first axis is the batch."""

    @property
    def name(self) -> str:
        """The model's name, for messages."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """The names of the inputs and their numpy types."""

    def run(self, inputs: Mapping[str, Tensor]) -> Tensors:
        """The outputs by name; raises TransientError where the model is out of reach."""


class OnnxModel:
    """A `TensorModel` of an ONNX file in this process, on the CPU. Safe for threads."""

    def __init__(self, name: str, file: Path, threads: int = 1) -> None:
        self.name = name
        self._file = file
        self._threads = threads
        self._lock = threading.Lock()

    @property
    def inputs(self) -> Mapping[str, str]:
        """The names of the inputs and their numpy types."""
        return {each.name: _TYPES.get(each.type, "float32") for each in self._loaded().get_inputs()}

    def run(self, inputs: Mapping[str, Tensor]) -> Tensors:
        """The outputs by name."""
        session = self._loaded()
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    def _loaded(self) -> onnxruntime.InferenceSession:
        with self._lock:
            return self._session

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        import onnxruntime

        if not self._file.is_file():
            raise ConfigError(f"The model {self.name} has no file {self._file}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(self._file), options, providers=["CPUExecutionProvider"])
