"""Runs in the peers' environment: embeds texts with torch or sentence-transformers and tells CPU seconds and vectors.

    .venv/torch/bin/python torch_runner.py (torch|sentence-transformers) FOLDER TEXTS.json OUT.npz ROUNDS

Batches of 32, one thread, tokenizing included, the best of some rounds, as in benchmarks/inference.py.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

Embed = Callable[[Sequence[str]], np.ndarray]


def with_torch(folder: str) -> Embed:
    """transformers' BertModel: sorted batches, masked mean, unit length."""
    import torch
    from transformers import AutoTokenizer, BertModel

    model = BertModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def embed(texts: Sequence[str]) -> np.ndarray:
        vectors = np.empty((len(texts), 384), np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            given = [texts[index] for index in part]
            batch = tokenizer(given, padding=True, truncation=True, max_length=256, return_tensors="pt")
            with torch.inference_mode():
                states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1)
            vectors[part] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors

    return embed


def with_sentence_transformers(folder: str) -> Embed:
    """The library as its users call it; it sorts by length itself."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = 256

    def embed(texts: Sequence[str]) -> np.ndarray:
        return model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)

    return embed


def main() -> None:
    import torch

    torch.set_num_threads(1)
    which, folder, texts, out, rounds = sys.argv[1:]
    embed = {"torch": with_torch, "sentence-transformers": with_sentence_transformers}[which](folder)
    sets = json.loads(Path(texts).read_text(encoding="utf-8"))
    found = {}
    for name, each in sets.items():
        embed(each[:8])
        best = float("inf")
        for _ in range(int(rounds)):
            start = time.process_time()
            vectors = embed(each)
            best = min(best, time.process_time() - start)
        found[f"vectors {name}"] = np.asarray(vectors, dtype=np.float32)
        found[f"seconds {name}"] = best
    np.savez(out, **found)


if __name__ == "__main__":
    main()
