"""Runs in Triton's Python back end on a CPU: the same graph as in docmill's own process, so the same bytes come out.

The graph reads one text without padding; a batch that Triton has joined is run row by row, in as many threads as the
parameter `threads` says. Needs onnxruntime and numpy. Where they are not on the interpreter's path (the stub ignores
PYTHONPATH), DOCMILL_TRITON_PACKAGES names their folder.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.environ.get("DOCMILL_TRITON_PACKAGES", os.path.dirname(__file__)))

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """The graph is loaded with the options that docmill's own process takes."""
        config = json.loads(args["model_config"])
        parameters = {name: each["string_value"] for name, each in config.get("parameters", {}).items()}
        self.max_tokens = int(parameters["max_tokens"])
        self.pool = ThreadPoolExecutor(int(parameters.get("threads", "1")))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        file = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.output = config["output"][0]["name"]

    def execute(self, requests: list[object]) -> list[object]:
        """A response a request; a text that is too long fails its own request only."""
        return [self.respond(request) for request in requests]

    def respond(self, request: object) -> object:
        """The vectors of one request's rows."""
        ids = pb_utils.get_input_tensor_by_name(request, "input_ids").as_numpy()
        mask = pb_utils.get_input_tensor_by_name(request, "attention_mask").as_numpy()
        lengths = np.maximum(mask.sum(axis=1), 1)
        if lengths.max(initial=1) > self.max_tokens:
            message = f"a text has {lengths.max()} tokens, the model reads {self.max_tokens}"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG))
        rows = [np.ascontiguousarray(row[:length], dtype=np.int32) for row, length in zip(ids, lengths, strict=True)]
        vectors = list(self.pool.map(lambda row: self.session.run(None, {"input_ids": row})[0], rows))
        values = np.stack(vectors).astype(np.float32)
        return pb_utils.InferenceResponse([pb_utils.Tensor(self.output, values)])

    def finalize(self) -> None:
        """The threads are gone."""
        self.pool.shutdown()
