"""A cross-encoder that anybody can check by hand."""

from pathlib import Path

import numpy as np
import onnx

from docmill.inference.weights import find_weights


def write_cross_encoder(folder: Path) -> None:
    """A cross-encoder whose logit is the share of tokens in the second segment."""
    node, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    axis = onnx.numpy_helper.from_array(np.array([1]), "axis")
    nodes = [
        node("Cast", ["token_type_ids"], ["second"], to=1),
        node("Cast", ["attention_mask"], ["mask"], to=1),
        node("ReduceSum", ["second", "axis"], ["above"], keepdims=1),
        node("ReduceSum", ["mask", "axis"], ["below"], keepdims=1),
        node("Div", ["above", "below"], ["logits"]),
        node("Identity", ["input_ids"], ["unused"]),
    ]
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [tensor(name, onnx.TensorProto.INT64, ["batch", "tokens"]) for name in names]
    outputs = [tensor("logits", onnx.TensorProto.FLOAT, ["batch", 1])]
    graph = onnx.helper.make_graph(nodes, "cross", inputs, outputs, [axis])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    (folder / "tokenizer.json").write_bytes(find_weights().tokenizer.read_bytes())
