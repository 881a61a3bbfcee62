"""all-MiniLM-L6-v2 as a GGUF file in float32, so that llama.cpp serves the model that the other runtimes compute."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np

from docmill.inference.minilm import DIMENSIONS, HEADS, LAYERS
from docmill.inference.safetensors import read_tensors
from docmill.inference.weights import find_weights

_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_HEAD = {
    "word_embeddings": "token_embd",
    "position_embeddings": "position_embd",
    "token_type_embeddings": "token_types",
    "LayerNorm": "token_embd_norm",
}


def write_minilm_gguf(path: Path) -> None:
    """The file is there; word pieces are written as llama.cpp wants them, with a mark at the beginning of words."""
    weights = find_weights()
    tensors = read_tensors(weights.model)
    vocabulary = json.loads(weights.tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    words = sorted(vocabulary, key=vocabulary.__getitem__)
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(512)
    writer.add_embedding_length(DIMENSIONS)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(4 * DIMENSIONS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    special = {word for word in words if word.startswith("[") and word.endswith("]") and len(word) > 2}
    writer.add_token_list(
        [word if word in special else word[2:] if word.startswith("##") else f"▁{word}" for word in words]
    )
    writer.add_token_types([3 if word in special else 1 for word in words])
    writer.add_unk_token_id(vocabulary["[UNK]"])
    writer.add_sep_token_id(vocabulary["[SEP]"])
    writer.add_pad_token_id(vocabulary["[PAD]"])
    writer.add_bos_token_id(vocabulary["[CLS]"])
    names = {f"embeddings.{ours}": theirs for ours, theirs in _HEAD.items()}
    for layer in range(LAYERS):
        names |= {f"encoder.layer.{layer}.{ours}": f"blk.{layer}.{theirs}" for ours, theirs in _LAYER.items()}
    for ours, theirs in names.items():
        for part in ("weight", "bias"):
            if f"{ours}.{part}" in tensors:
                writer.add_tensor(f"{theirs}.{part}", np.ascontiguousarray(tensors[f"{ours}.{part}"], dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
