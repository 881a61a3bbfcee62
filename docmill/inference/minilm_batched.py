"""all-MiniLM-L6-v2 as an ONNX graph for servers: padded batches with a mask, standard operators only.

On a GPU a batch fills the chip, and ONNX Runtime's CUDA provider and TensorRT fuse attention by themselves from the
standard operators. `minilm_graph` is for CPUs: one text, no padding, operators that only a CPU has.

With float16 all but the pooling is computed in half precision; the mask's -10,000 is within its range.
"""

from __future__ import annotations

import numpy as np
import onnx

from docmill.inference.minilm import DIMENSIONS, HEADS, INPUT, LAYERS, MASK, MAX_TOKENS, OUTPUT
from docmill.inference.minilm_graph import EPSILON, HEAD_SIZE
from docmill.inference.onnx_graph import Array, Graph
from docmill.inference.safetensors import Tensors, read_tensors
from docmill.inference.weights import Weights

_FLOAT, _HALF, _INT32 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT32


def build_batched_minilm(weights: Weights, *, half: bool) -> bytes:
    """The ONNX model: (batch, tokens) int32 ids and mask in, (batch, 384) float32 vectors of unit length out."""
    return _Builder(read_tensors(weights.model), half).build()


class _Builder:
    """Holds what every part of the graph needs."""

    def __init__(self, tensors: Tensors, half: bool) -> None:
        self.tensors = tensors
        self.half = half
        self.type = np.dtype(np.float16 if half else np.float32)
        self.graph = Graph()
        self.split = self.graph.constant(np.array([0, 0, HEADS, HEAD_SIZE]))
        self.joined = self.graph.constant(np.array([0, 0, DIMENSIONS]))

    def build(self) -> bytes:
        graph = self.graph
        mask = graph.node("Cast", [MASK], to=_HALF if self.half else _FLOAT)
        hidden, away = self.embeddings(), self.away(mask)
        for layer in range(LAYERS):
            hidden = self.layer(f"encoder.layer.{layer}.", hidden, away)
        vectors = self.unit_mean(hidden)
        text = ["batch", "tokens"]
        inputs = [(INPUT, _INT32, text), (MASK, _INT32, text)]
        return graph.finish(inputs, vectors, (OUTPUT, _FLOAT, ["batch", DIMENSIONS]))

    def constant(self, values: Array) -> str:
        return self.graph.constant(np.asarray(values).astype(self.type))

    def away(self, mask: str) -> str:
        """What is added to attention scores: 0 for tokens, -10,000 for padding; (batch, 1, 1, tokens)."""
        padding = self.graph.node("Sub", [self.constant(np.array(1.0)), mask])
        scores = self.graph.node("Mul", [padding, self.constant(np.array(-10_000.0))])
        return self.graph.node("Unsqueeze", [scores, self.graph.constant(np.array([1, 2]))])

    def embeddings(self) -> str:
        """Word, position and segment embeddings of every token."""
        positions = self.tensors["embeddings.position_embeddings.weight"][:MAX_TOKENS]
        segment = self.tensors["embeddings.token_type_embeddings.weight"][0]
        word = self.graph.node("Gather", [self.constant(self.tensors["embeddings.word_embeddings.weight"]), INPUT])
        length = self.graph.node("Shape", [INPUT], start=1, end=2)
        position = self.graph.slice_like((positions + segment).astype(self.type), length)
        return self.norm("embeddings.LayerNorm.", self.graph.node("Add", [word, position]))

    def layer(self, prefix: str, hidden: str, away: str) -> str:
        """One transformer layer: each half adds to its input and is then normalised."""
        update = self.attention(f"{prefix}attention.", hidden, away)
        hidden = self.norm(f"{prefix}attention.output.LayerNorm.", self.graph.node("Add", [update, hidden]))
        inner = self.gelu(self.linear(f"{prefix}intermediate.dense.", hidden))
        update = self.linear(f"{prefix}output.dense.", inner)
        return self.norm(f"{prefix}output.LayerNorm.", self.graph.node("Add", [update, hidden]))

    def attention(self, prefix: str, hidden: str, away: str) -> str:
        """Self-attention of all heads: (batch, heads, tokens, 32) inside."""
        graph = self.graph
        query, key, value = (
            graph.node(
                "Transpose",
                [graph.node("Reshape", [self.linear(f"{prefix}self.{part}.", hidden), self.split])],
                perm=order,
            )
            for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        )
        scores = graph.node("Mul", [graph.node("MatMul", [query, key]), self.constant(np.array(HEAD_SIZE**-0.5))])
        shares = graph.node("Softmax", [graph.node("Add", [scores, away])], axis=-1)
        mixed = graph.node("Transpose", [graph.node("MatMul", [shares, value])], perm=[0, 2, 1, 3])
        return self.linear(f"{prefix}output.dense.", graph.node("Reshape", [mixed, self.joined]))

    def gelu(self, value: str) -> str:
        """x (1 + erf(x / √2)) / 2, in the operators that the fusions of ONNX Runtime and TensorRT look for."""
        scaled = self.graph.node("Div", [value, self.constant(np.array(2.0**0.5))])
        above = self.graph.node("Add", [self.graph.node("Erf", [scaled]), self.constant(np.array(1.0))])
        return self.graph.node("Mul", [self.graph.node("Mul", [value, above]), self.constant(np.array(0.5))])

    def linear(self, prefix: str, value: str) -> str:
        product = self.graph.node("MatMul", [value, self.constant(self.tensors[f"{prefix}weight"].T)])
        return self.graph.node("Add", [product, self.constant(self.tensors[f"{prefix}bias"])])

    def norm(self, prefix: str, value: str) -> str:
        gamma, beta = (self.tensors[f"{prefix}{part}"].astype(self.type) for part in ("weight", "bias"))
        return self.graph.layer_norm(value, gamma, beta, EPSILON)

    def unit_mean(self, hidden: str) -> str:
        """The mean of the tokens that are no padding, in float32, of length one."""
        graph = self.graph
        states = graph.node("Cast", [hidden], to=_FLOAT)
        weights = graph.node("Unsqueeze", [graph.node("Cast", [MASK], to=_FLOAT), graph.constant(np.array([2]))])
        axis = graph.constant(np.array([1]))
        mean = graph.node(
            "Div",
            [
                graph.node("ReduceSum", [graph.node("Mul", [states, weights]), axis], keepdims=0),
                graph.node("ReduceSum", [weights, axis], keepdims=0),
            ],
        )
        return graph.node("Div", [mean, graph.node("ReduceL2", [mean, graph.constant(np.array([1]))], keepdims=1)])
