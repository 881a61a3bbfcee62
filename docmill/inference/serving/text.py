"""Runs in Triton's Python back end: texts in, vectors out, for clients that have no tokenizer.

It tokenizes what Triton has joined, pads it and asks the model of token ids on the same server, so that there is one
copy of the weights. Needs tokenizers and numpy; DOCMILL_TRITON_PACKAGES may name their folder.
"""

import json
import os
import sys
from typing import Any

sys.path.insert(0, os.environ.get("DOCMILL_TRITON_PACKAGES", os.path.dirname(__file__)))

import numpy as np
import triton_python_backend_utils as pb_utils
from tokenizers import Tokenizer

STEP = 32


class TritonPythonModel:
    """One instance of the tokenizer."""

    def initialize(self, args: dict[str, str]) -> None:
        """The tokenizer cuts at the model's limit; whether it cut a text is an output."""
        config = json.loads(args["model_config"])
        parameters = {name: each["string_value"] for name, each in config["parameters"].items()}
        self.model = parameters["model"]
        self.max_tokens = int(parameters["max_tokens"])
        file = os.path.join(args["model_repository"], args["model_version"], "tokenizer.json")
        self.tokenizer = Tokenizer.from_file(file)
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def execute(self, requests: list[Any]) -> list[Any]:
        """A response a request; all texts of all requests go to the model together."""
        texts = [self.texts(request) for request in requests]
        rows = [self.tokenizer.encode(text).ids for part in texts for text in part]
        truncated = np.array([len(row) > self.max_tokens for row in rows])
        rows = [row if len(row) <= self.max_tokens else [*row[: self.max_tokens - 1], row[-1]] for row in rows]
        answer = self.vectors(rows)
        if answer.has_error():
            return [pb_utils.InferenceResponse(error=answer.error()) for _ in requests]
        vectors = pb_utils.get_output_tensor_by_name(answer, "embedding").as_numpy()
        responses, start = [], 0
        for part in texts:
            end = start + len(part)
            tensors = [
                pb_utils.Tensor("embedding", vectors[start:end]),
                pb_utils.Tensor("truncated", truncated[start:end, None]),
            ]
            responses.append(pb_utils.InferenceResponse(tensors))
            start = end
        return responses

    def texts(self, request: object) -> list[str]:
        """The texts of a request."""
        values = pb_utils.get_input_tensor_by_name(request, "text").as_numpy()
        return [value.decode("utf-8", "replace") for value in values.reshape(-1)]

    def vectors(self, rows: list[list[int]]) -> Any:  # noqa: ANN401
        """The answer of the model of token ids."""
        width = min(-(-max(map(len, rows)) // STEP) * STEP, self.max_tokens)
        ids = np.zeros((len(rows), width), np.int32)
        mask = np.zeros((len(rows), width), np.int32)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        inputs = [pb_utils.Tensor("input_ids", ids), pb_utils.Tensor("attention_mask", mask)]
        asked = pb_utils.InferenceRequest(model_name=self.model, requested_output_names=["embedding"], inputs=inputs)
        return asked.exec()
