"""Writes ONNX graphs node by node, with the operators that ONNX Runtime computes fastest on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from docmill.inference.minilm import Precision

Array: TypeAlias = NDArray[np.generic]
MICROSOFT = "com.microsoft"
OPSET = 18
IR_VERSION = 9


class Graph:
    """A graph under construction. Values are known by numbered names: the same calls give the same bytes."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Array) -> str:
        """The name of a new constant."""
        name = f"c{len(self._constants)}"
        self._constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(
        self, operator: str, inputs: Sequence[str], *, domain: str = "", **attributes: float | int | list[int]
    ) -> str:
        """The name of the only output of a new node."""
        return self.nodes(operator, inputs, 1, domain=domain, **attributes)[0]

    def nodes(
        self,
        operator: str,
        inputs: Sequence[str],
        count: int,
        *,
        domain: str = "",
        **attributes: float | int | list[int],
    ) -> list[str]:
        """The names of the outputs of a new node."""
        number = len(self._nodes)
        outputs = [f"v{number}_{index}" for index in range(count)]
        self._nodes.append(
            onnx.helper.make_node(operator, list(inputs), outputs, name=f"n{number}", domain=domain, **attributes)
        )
        return outputs

    def quantize(self, value: str) -> tuple[str, ...]:
        """What `linear` takes: for int8 the value in uint8 with its scale and zero point, found anew at each run."""
        if self.precision == "float32":
            return (value,)
        return tuple(self.nodes("DynamicQuantizeLinear", [value], 3))

    def linear(self, value: tuple[str, ...], weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """`value @ weight.T + bias` in float32; `weight` is (outputs, inputs), as the published models keep it."""
        if self.precision == "float32":
            product = self.node("MatMul", [value[0], self.constant(weight.T)])
            return self.node("Add", [product, self.constant(bias)])
        quantized, scales = quantize_columns(weight.T)
        data, scale, zero = value
        inputs = [data, self.constant(quantized), scale, self.constant(scales), zero]
        inputs += [self.constant(np.zeros(len(scales), np.int8)), self.constant(bias)]
        return self.node("MatMulIntegerToFloat", inputs, domain=MICROSOFT)

    def layer_norm(self, value: str, gamma: Array, beta: Array, epsilon: float) -> str:
        """Layer normalisation over the last axis."""
        return self.node("LayerNormalization", [value, self.constant(gamma), self.constant(beta)], epsilon=epsilon)

    def model(self, *, input_name: str, value: str, output_name: str, dimensions: int) -> bytes:
        """The finished model: one row of int32 token ids in, one vector out."""
        self._nodes.append(onnx.helper.make_node("Identity", [value], [output_name], name="output"))
        tensor = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            self._nodes,
            "embedding",
            [tensor(input_name, onnx.TensorProto.INT32, ["tokens"])],
            [tensor(output_name, onnx.TensorProto.FLOAT, [dimensions])],
            self._constants,
        )
        opsets = [onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(MICROSOFT, 1)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="docmill")
        return bytes(model.SerializeToString(deterministic=True))


def quantize_columns(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 weights (inputs, outputs) and a scale for each output, so that `weight ≈ quantized * scales`."""
    scales = np.abs(weight).max(axis=0) / 127
    scales[scales == 0] = 1
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)
