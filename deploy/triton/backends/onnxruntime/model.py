"""Stands in for Triton's ONNX Runtime back end where a server has only the Python one: the same repository, on a CPU.

Put this folder into the server's back-end directory beside `python` (`--backend-directory`); models whose
config.pbtxt says `backend: "onnxruntime"` are then served by it. NVIDIA's containers have the real one: use that there.
Needs onnxruntime and numpy; DOCMILL_TRITON_PACKAGES may name their folder.
"""

import json
import os
import sys

sys.path.insert(0, os.environ.get("DOCMILL_TRITON_PACKAGES", os.path.dirname(__file__)))

import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance of a model, in one thread."""

    @staticmethod
    def auto_complete_config(config: object) -> object:
        """The configuration as it is: docmill writes it whole."""
        return config

    def initialize(self, args: dict[str, str]) -> None:
        """The graph is loaded."""
        config = json.loads(args["model_config"])
        self.inputs = [each["name"] for each in config["input"]]
        self.outputs = [each["name"] for each in config["output"]]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        file = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list) -> list:
        """A response a request; one that the graph refuses fails alone."""
        return [self.respond(request) for request in requests]

    def respond(self, request: object) -> object:
        """The outputs of one request."""
        given = {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs}
        try:
            found = self.session.run(self.outputs, given)
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG))
        tensors = [pb_utils.Tensor(name, values) for name, values in zip(self.outputs, found, strict=True)]
        return pb_utils.InferenceResponse(tensors)
