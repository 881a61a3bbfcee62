"""Writes ONNX graphs node by node, with the operators that ONNX Runtime computes fastest on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.generic]
Floats: TypeAlias = NDArray[np.float32]
Signature: TypeAlias = tuple[str, int, Sequence[str | int]]
MICROSOFT = "com.microsoft"
OPSET = 18
IR_VERSION = 9
ROW_ZERO = 16


class Quantized(NamedTuple):
    """Names of a uint8 tensor, its scale and its zero point: value = (data - zero_point) * scale."""

    data: str
    scale: str
    zero_point: str


class Graph:
    """A graph under construction. Values are known by numbered names: the same calls give the same bytes."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Array) -> str:
        """The name of a new constant."""
        name = f"c{len(self._constants)}"
        self._constants.append(onnx.numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def scalar(self, value: float) -> str:
        """The name of a new float32 constant."""
        return self.constant(np.array(value, np.float32))

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

    def slice_like(self, values: Array, length: str) -> str:
        """As many first rows of a constant as the tensor `length` says."""
        zero = self.constant(np.array([0]))
        return self.node("Slice", [self.constant(values), zero, length, zero])

    def quantize(self, value: str) -> Quantized:
        """The value in uint8 with one scale and zero point, found anew at each run."""
        return Quantized(*self.nodes("DynamicQuantizeLinear", [value], 3))

    def quantize_rows(self, value: str, zero_points: str, lowest: float) -> tuple[Quantized, str]:
        """The value in uint8 with a scale for each row, and these scales as a column: a row's large values cost the
        others no precision. No element of `value` is below `lowest` (negative); `zero_points` is a vector of ROW_ZERO.
        """
        largest = self.node("ReduceMax", [value, self.constant(np.array([1]))], keepdims=0)
        scale = self.node("Mul", [largest, self.scalar(1 / (255 - ROW_ZERO))])
        scale = self.node("Max", [scale, self.scalar(-lowest / ROW_ZERO)])
        data = self.node("QuantizeLinear", [value, scale, zero_points], axis=0)
        column = self.node("Unsqueeze", [scale, self.constant(np.array([1]))])
        return Quantized(data, self.scalar(1.0), self.constant(np.array(ROW_ZERO, np.uint8))), column

    def linear(self, value: str, weight: Floats, bias: Floats) -> str:
        """`value @ weight.T + bias` in float32; `weight` is (outputs, inputs), as the published models keep it."""
        product = self.node("MatMul", [value, self.constant(weight.T)])
        return self.node("Add", [product, self.constant(bias)])

    def linear_int8(self, value: Quantized, weight: Floats, bias: Floats | None) -> str:
        """The same with products of int8 numbers, summed in int32."""
        quantized, scales = quantize_columns(weight.T)
        inputs = [value.data, self.constant(quantized), value.scale, self.constant(scales), value.zero_point]
        inputs.append(self.constant(np.zeros(len(scales), np.int8)))
        if bias is not None:
            inputs.append(self.constant(bias))
        return self.node("MatMulIntegerToFloat", inputs, domain=MICROSOFT)

    def layer_norm(self, value: str, gamma: Array, beta: Array, epsilon: float) -> str:
        """Layer normalisation over the last axis."""
        return self.node("LayerNormalization", [value, self.constant(gamma), self.constant(beta)], epsilon=epsilon)

    def model(self, *, input_name: str, value: str, output_name: str, dimensions: int) -> bytes:
        """The finished model: one row of int32 token ids in, one vector out."""
        given = (input_name, onnx.TensorProto.INT32, ["tokens"])
        return self.finish([given], value, (output_name, onnx.TensorProto.FLOAT, [dimensions]))

    def finish(self, inputs: Sequence[Signature], value: str, output: Signature) -> bytes:
        """The finished model, whose output is `value`; names, element types and shapes are those of the signatures."""
        self._nodes.append(onnx.helper.make_node("Identity", [value], [output[0]], name="output"))
        tensor = onnx.helper.make_tensor_value_info
        given = [tensor(name, kind, list(shape)) for name, kind, shape in inputs]
        graph = onnx.helper.make_graph(self._nodes, "embedding", given, [tensor(*output)], self._constants)
        opsets = [onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(MICROSOFT, 1)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="docmill")
        return bytes(model.SerializeToString(deterministic=True))


def quantize_columns(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Symmetric int8 weights (inputs, outputs) and a scale for each output, so that `weight ≈ quantized * scales`.

    Processors without VNNI add the products of two neighbouring inputs (uint8 times int8) in 16 bits, which saturates.
    So no two neighbours of one sign exceed 128 together (255 * 128 < 2**15): every processor gives the same sums.
    """
    positive, negative = np.maximum(weight, 0), np.maximum(-weight, 0)
    pairs = np.maximum(positive[0::2] + positive[1::2], negative[0::2] + negative[1::2]).max(axis=0)
    scales = np.maximum(pairs, np.abs(weight).max(axis=0)) / 127
    scales[scales == 0] = 1
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)
