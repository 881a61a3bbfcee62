"""all-MiniLM-L6-v2 as an ONNX graph: BERT, 6 layers, mean pooling and unit length inside the graph.

The graph reads one text of any length, without padding or mask. That is as fast as batches are (128 tokens fill a
core), wastes nothing on padding, and makes a text's vector independent of the texts beside it, which dynamic
quantisation of a batch does not: its scales are those of the whole tensor.

Measured with ONNX Runtime 1.31, one text of 128 tokens: `SkipLayerNormalization` takes 245 µs, `Add` and
`LayerNormalization` 30 µs; `MultiHeadAttention` 290 µs, `FusedMatMul` over strides (no copies into heads) 250 µs.

int8 keeps a cosine of 0.9986 to float32 (0.994 without the first two):
- The feed-forward's inner values have a scale for each token: few tokens hold values ten times those of the others.
- Four of the 384 dimensions are far larger than the rest after every normalisation: they are divided by `SMOOTHING`
  before quantisation and their weights multiplied (SmoothQuant, https://arxiv.org/abs/2211.10438), exact powers of two.
- Weights have a scale for each output.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from docmill.inference.minilm import DIMENSIONS, HEADS, INPUT, LAYERS, MAX_TOKENS, OUTPUT, Precision
from docmill.inference.onnx_graph import MICROSOFT, ROW_ZERO, Floats, Graph, Quantized
from docmill.inference.safetensors import Tensors, read_tensors
from docmill.inference.weights import Weights

HEAD_SIZE = DIMENSIONS // HEADS
EPSILON = 1e-12
GELU_LOWEST = -0.17
SMOOTHING = {63: 4.0, 99: 4.0, 157: 2.0, 223: 2.0}


class Hidden(NamedTuple):
    """Hidden states (tokens, 384): as they are, and as the next linear layers read them (smoothed, if quantised)."""

    states: str
    source: str | Quantized


def build_minilm(weights: Weights, precision: Precision) -> bytes:
    """The ONNX model; the same weights give the same bytes."""
    return _Builder(read_tensors(weights.model), precision).build()


class _Builder:
    """Holds what every part of the graph needs."""

    def __init__(self, tensors: Tensors, precision: Precision) -> None:
        self.tensors = tensors
        self.int8 = precision == "int8"
        self.graph = Graph()
        self.length = self.graph.node("Shape", [INPUT])
        self.heads = self.graph.constant(np.array([0, HEADS, HEAD_SIZE]))
        self.flat = self.graph.constant(np.array([0, DIMENSIONS]))
        self.smoothing = np.ones(DIMENSIONS, np.float32)
        if self.int8:
            self.smoothing[list(SMOOTHING)] = list(SMOOTHING.values())
            self.smooth = self.graph.constant(self.smoothing)
            self.zero_points = self.graph.slice_like(np.full(MAX_TOKENS, ROW_ZERO, np.uint8), self.length)

    def build(self) -> bytes:
        graph = self.graph
        hidden = self.embeddings()
        for layer in range(LAYERS):
            hidden = self.layer(f"encoder.layer.{layer}.", hidden)
        mean = graph.node("ReduceMean", [hidden.states, graph.constant(np.array([0]))], keepdims=1)
        unit = graph.node("LpNormalization", [mean], axis=1, p=2)
        vector = graph.node("Squeeze", [unit, graph.constant(np.array([0]))])
        return graph.model(input_name=INPUT, value=vector, output_name=OUTPUT, dimensions=DIMENSIONS)

    def embeddings(self) -> Hidden:
        """Word, position and segment embeddings of every token; float16 halves the largest table without a loss."""
        positions = self.tensors["embeddings.position_embeddings.weight"][:MAX_TOKENS]
        segment = self.tensors["embeddings.token_type_embeddings.weight"][0]
        words = self.tensors["embeddings.word_embeddings.weight"]
        table = self.graph.constant(words.astype(np.float16) if self.int8 else words)
        word = self.graph.node("Gather", [table, INPUT])
        if self.int8:
            word = self.graph.node("Cast", [word], to=1)
        position = self.graph.slice_like(positions + segment, self.length)
        return self.norm("embeddings.LayerNorm.", self.graph.node("Add", [word, position]))

    def layer(self, prefix: str, hidden: Hidden) -> Hidden:
        """One transformer layer: each half adds to its input and is then normalised."""
        update = self.attention(f"{prefix}attention.", hidden.source)
        hidden = self.norm(f"{prefix}attention.output.LayerNorm.", self.graph.node("Add", [update, hidden.states]))
        update = self.feed_forward(prefix, hidden.source)
        return self.norm(f"{prefix}output.LayerNorm.", self.graph.node("Add", [update, hidden.states]))

    def attention(self, prefix: str, source: str | Quantized) -> str:
        """Self-attention of all heads. The heads stay where the linear layers put them: (tokens, heads, 32)."""
        graph = self.graph
        query, key, value = (
            graph.node("Reshape", [self.smoothed_linear(f"{prefix}self.{part}.", source, factor), self.heads])
            for part, factor in (("query", HEAD_SIZE**-0.5), ("key", 1.0), ("value", 1.0))
        )
        scores = graph.node("FusedMatMul", [query, key], domain=MICROSOFT, transBatchA=1, transBatchB=1, transB=1)
        shares = graph.node("Softmax", [scores], axis=-1)
        mixed = graph.node("FusedMatMul", [shares, value], domain=MICROSOFT, transBatchB=1)
        by_token = graph.node("Reshape", [graph.node("Transpose", [mixed], perm=[1, 0, 2]), self.flat])
        weight, bias = self.dense(f"{prefix}output.dense.")
        if self.int8:
            return graph.linear_int8(graph.quantize(by_token), weight, bias)
        return graph.linear(by_token, weight, bias)

    def feed_forward(self, prefix: str, source: str | Quantized) -> str:
        graph = self.graph
        inner = graph.node("Gelu", [self.smoothed_linear(f"{prefix}intermediate.dense.", source)], domain=MICROSOFT)
        weight, bias = self.dense(f"{prefix}output.dense.")
        if not self.int8:
            return graph.linear(inner, weight, bias)
        quantized, scales = graph.quantize_rows(inner, self.zero_points, GELU_LOWEST)
        product = graph.node("Mul", [graph.linear_int8(quantized, weight, None), scales])
        return graph.node("Add", [product, graph.constant(bias)])

    def smoothed_linear(self, prefix: str, source: str | Quantized, factor: float = 1.0) -> str:
        """A linear layer of normalised states, its result multiplied by `factor`."""
        weight, bias = self.dense(prefix)
        weight, bias = weight * np.float32(factor), bias * np.float32(factor)
        if isinstance(source, Quantized):
            return self.graph.linear_int8(source, weight * self.smoothing, bias)
        return self.graph.linear(source, weight, bias)

    def norm(self, prefix: str, value: str) -> Hidden:
        gamma, beta = (self.tensors[f"{prefix}{part}"] / self.smoothing for part in ("weight", "bias"))
        normal = self.graph.layer_norm(value, gamma, beta, EPSILON)
        if not self.int8:
            return Hidden(normal, normal)
        return Hidden(self.graph.node("Mul", [normal, self.smooth]), self.graph.quantize(normal))

    def dense(self, prefix: str) -> tuple[Floats, Floats]:
        return self.tensors[f"{prefix}weight"], self.tensors[f"{prefix}bias"]
