"""all-MiniLM-L6-v2 as an ONNX graph: BERT, 6 layers, mean pooling and unit length inside the graph.

The graph reads one text of any length, without padding or mask. That is as fast as batches are (a text of 128 tokens
fills the processor), wastes nothing on padding, and makes a text's vector independent of the texts beside it, which
dynamic quantisation of a batch does not: its scales are those of the whole tensor.

Measured choices, ONNX Runtime 1.31, one text of 128 tokens: `SkipLayerNormalization` takes 245 µs, `Add` and
`LayerNormalization` 30 µs; `MultiHeadAttention` 290 µs, `FusedMatMul` over strides (no copies into heads) 250 µs.
"""

from __future__ import annotations

import numpy as np

from docmill.inference.minilm import DIMENSIONS, HEADS, INPUT, LAYERS, MAX_TOKENS, OUTPUT, Precision
from docmill.inference.onnx_graph import MICROSOFT, Graph
from docmill.inference.safetensors import Tensors, read_tensors
from docmill.inference.weights import Weights

HEAD_SIZE = DIMENSIONS // HEADS
EPSILON = 1e-12


def build_minilm(weights: Weights, precision: Precision) -> bytes:
    """The ONNX model; the same weights give the same bytes."""
    tensors = read_tensors(weights.model)
    graph = Graph(precision)
    hidden = _embeddings(graph, tensors)
    for layer in range(LAYERS):
        hidden = _layer(graph, tensors, f"encoder.layer.{layer}.", hidden)
    mean = graph.node("ReduceMean", [hidden, graph.constant(np.array([0]))], keepdims=1)
    unit = graph.node("LpNormalization", [mean], axis=1, p=2)
    vector = graph.node("Squeeze", [unit, graph.constant(np.array([0]))])
    return graph.model(input_name=INPUT, value=vector, output_name=OUTPUT, dimensions=DIMENSIONS)


def _embeddings(graph: Graph, tensors: Tensors) -> str:
    """Word and position embeddings of every token: (tokens, 384)."""
    words = tensors["embeddings.word_embeddings.weight"]
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    table = words if graph.precision == "float32" else words.astype(np.float16)
    word = graph.node("Gather", [graph.constant(table), INPUT])
    if table.dtype == np.float16:
        word = graph.node("Cast", [word], to=1)
    zero = graph.constant(np.array([0]))
    length = graph.node("Shape", [INPUT])
    position = graph.node("Slice", [graph.constant(positions[:MAX_TOKENS]), zero, length, zero])
    return _norm(graph, tensors, "embeddings.LayerNorm.", graph.node("Add", [word, position]))


def _layer(graph: Graph, tensors: Tensors, prefix: str, hidden: str) -> str:
    """One transformer layer with the normalisation after each half (post-LN)."""
    attended = graph.quantize(_attention(graph, tensors, f"{prefix}attention.self.", hidden))
    update = _dense(graph, tensors, f"{prefix}attention.output.dense.", attended)
    hidden = _norm(graph, tensors, f"{prefix}attention.output.LayerNorm.", graph.node("Add", [update, hidden]))
    inner = _dense(graph, tensors, f"{prefix}intermediate.dense.", graph.quantize(hidden))
    inner = graph.node("Gelu", [inner], domain=MICROSOFT)
    update = _dense(graph, tensors, f"{prefix}output.dense.", graph.quantize(inner))
    return _norm(graph, tensors, f"{prefix}output.LayerNorm.", graph.node("Add", [update, hidden]))


def _attention(graph: Graph, tensors: Tensors, prefix: str, hidden: str) -> str:
    """Self-attention of all heads: (tokens, 384)."""
    source = graph.quantize(hidden)
    heads = graph.constant(np.array([0, HEADS, HEAD_SIZE]))
    query, key, value = (
        graph.node("Reshape", [_dense(graph, tensors, f"{prefix}{part}.", source, scale), heads])
        for part, scale in (("query", HEAD_SIZE**-0.5), ("key", 1.0), ("value", 1.0))
    )
    scores = graph.node("FusedMatMul", [query, key], domain=MICROSOFT, transBatchA=1, transBatchB=1, transB=1)
    mixed = graph.node(
        "FusedMatMul", [graph.node("Softmax", [scores], axis=-1), value], domain=MICROSOFT, transBatchB=1
    )
    by_token = graph.node("Transpose", [mixed], perm=[1, 0, 2])
    return graph.node("Reshape", [by_token, graph.constant(np.array([0, DIMENSIONS]))])


def _dense(graph: Graph, tensors: Tensors, prefix: str, value: tuple[str, ...], scale: float = 1.0) -> str:
    factor = np.float32(scale)
    return graph.linear(value, tensors[f"{prefix}weight"] * factor, tensors[f"{prefix}bias"] * factor)


def _norm(graph: Graph, tensors: Tensors, prefix: str, value: str) -> str:
    return graph.layer_norm(value, tensors[f"{prefix}weight"], tensors[f"{prefix}bias"], EPSILON)
