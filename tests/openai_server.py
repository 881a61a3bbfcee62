"""A real OpenAI-compatible server for tests: llama.cpp (xllamacpp) with a tiny model of random weights.

What it writes means nothing, but its grammar holds it to a JSON schema. `python -m tests.openai_server FILE PORT KIND`
serves in the foreground.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.services import answers, free_port, process, wait_for

CHAT, EMBEDDING = "chat", "embedding"
DIMENSIONS = 64
API_KEY = "docmill-test-key"
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def write_tiny_model(path: Path) -> None:
    """A language model of one layer, whose tokens are bytes: 0.3 MB, the same file every time."""
    import gguf

    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256)), "<|im_start|>", "<|im_end|>"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(DIMENSIONS)
    writer.add_block_count(1)
    writer.add_feed_forward_length(128)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3, *[6] * 256, 3, 3])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_chat_template(_TEMPLATE)
    random = np.random.default_rng(7)
    shapes = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (DIMENSIONS, DIMENSIONS))
    shapes |= {"ffn_gate": (128, DIMENSIONS), "ffn_up": (128, DIMENSIONS), "ffn_down": (DIMENSIONS, 128)}
    tensors = {f"blk.0.{name}": shape for name, shape in shapes.items()}
    for name, shape in (tensors | dict.fromkeys(("token_embd", "output"), (len(tokens), DIMENSIONS))).items():
        writer.add_tensor(f"{name}.weight", (random.standard_normal(shape) * 0.1).astype(np.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(DIMENSIONS, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextmanager
def openai_server(folder: Path, kind: str = CHAT, model: Path | None = None, port: int = 0) -> Iterator[str]:
    """The base URL (it ends with /v1) of a server of one model, the tiny one unless a GGUF file is given.

    It wants API_KEY. A server of embeddings does not chat.
    """
    if model is None:
        model = folder / "tiny.gguf"
        write_tiny_model(model)
    port = port or free_port()
    log = folder / f"{kind}-{port}.log"
    command = [sys.executable, "-m", "tests.openai_server", str(model), str(port), kind]
    with process(command, log, dict(os.environ), grace=0.5) as started:
        wait_for(lambda: started.poll() is not None or answers(port), f"the OpenAI-compatible server (log: {log})")
        assert started.poll() is None, f"the OpenAI-compatible server ended; its log: {log}"
        yield f"http://127.0.0.1:{port}/v1"


def _serve(model: str, port: int, kind: str) -> None:
    """Serves until the process is ended."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"tiny"}
    params.port = port
    params.api_keys = [API_KEY]
    params.n_ctx = 8192
    params.n_parallel = 2
    params.warmup = False
    params.cpuparams.n_threads = 1
    if kind == EMBEDDING:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
