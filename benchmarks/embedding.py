"""How many texts are embedded in one CPU-second, and how near int8 stays to float32.

    python benchmarks/embedding.py [--write] [--home FOLDER] [--pdf FOLDER]

The text is Python's own reference documentation (`pydoc_data.topics`), or that of the PDF files of a folder, cut into
texts of 64, 128 and 256 tokens. Tokenizing is part of the time. Best of three rounds, one thread. torch takes part if
it and transformers can be imported: sorted batches of 32, one thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

from docmill.inference.embedder import Vectors
from docmill.inference.onnx_embedder import OnnxEmbedder
from docmill.inference.weights import find_weights

LENGTHS = (64, 128, 256)
TOKENS_A_LENGTH = 24_576
ROUNDS = 3
Embed = Callable[[Sequence[str]], Vectors]


def source_text(pdf: Path | None) -> str:
    """Prose to cut into texts, white space collapsed."""
    if pdf is None:
        return " ".join(" ".join(topics.values()).split())
    import pymupdf

    pages = (page.get_text() for path in sorted(pdf.rglob("*.pdf")) for page in pymupdf.open(path))
    return " ".join(" ".join(pages).split())


def cut(text: str, embedder: OnnxEmbedder, tokens: int) -> list[str]:
    """Texts of about `tokens` tokens (special ones included), spread over the whole source, ends at words."""
    offsets = embedder.tokenize(text[:3_000_000]).offsets
    room = tokens - embedder.special_tokens
    starts = np.linspace(0, len(offsets) - room - 1, TOKENS_A_LENGTH // tokens).astype(int)
    return [text[offsets[start][0] : offsets[start + room - 1][1]] for start in starts]


def texts_per_cpu_second(embed: Embed, texts: Sequence[str]) -> float:
    embed(texts[:8])
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        embed(texts)
        best = min(best, time.process_time() - start)
    return len(texts) / best


def torch_embed() -> Embed | None:
    """The same model as sentence-transformers computes it, or None if torch and transformers are not installed."""
    if not (importlib.util.find_spec("torch") and importlib.util.find_spec("transformers")):
        return None
    import torch
    from transformers import AutoTokenizer, BertModel

    torch.set_num_threads(1)
    folder = str(find_weights().model.parent)
    model = BertModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def embed(texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), 384), np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            batch = tokenizer(
                [texts[index] for index in part], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            with torch.inference_mode():
                states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1)
            vectors[part] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors

    return embed


def same_neighbours(first: Vectors, second: Vectors, count: int = 5) -> float:
    """The share of each text's `count` nearest texts that both agree on."""
    tops = []
    for vectors in (first, second):
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -2)
        tops.append(np.argsort(-scores, axis=1)[:, :count])
    return float(np.mean([len(set(a) & set(b)) / count for a, b in zip(*tops, strict=True)]))


def processor() -> str:
    """The processor's name and the int8 instructions it has."""
    info = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    name = re.search(r"model name\s*: (.*)", info)
    flags = [flag for flag in ("amx_int8", "avx512_vnni", "avx_vnni", "avx2") if re.search(rf"\b{flag}\b", info)]
    return f"{name.group(1) if name else 'unknown'} ({', '.join(flags)})"


def report(home: Path, pdf: Path | None) -> str:
    """The table in Markdown."""
    exact = OnnxEmbedder(home, threads=1, precision="float32")
    int8 = OnnxEmbedder(home, threads=1)
    runtimes: dict[str, Embed] = {
        "docmill int8 (the default)": lambda texts: int8.embed(texts).vectors,
        "docmill float32": lambda texts: exact.embed(texts).vectors,
    }
    torch = torch_embed()
    if torch:
        runtimes["torch float32, batches of 32"] = torch
    text = source_text(pdf)
    sets = {length: cut(text, int8, length) for length in LENGTHS}
    every = [each for texts in sets.values() for each in texts]
    reference = exact.embed(every).vectors
    lines = [
        "| runtime | " + " | ".join(f"{length} tokens" for length in LENGTHS) + " | cosine, mean | 1 % below | top 5 |",
        "|---|" + "---|" * (len(LENGTHS) + 3),
    ]
    for name, embed in runtimes.items():
        speeds = " | ".join(f"{texts_per_cpu_second(embed, texts):.0f}" for texts in sets.values())
        vectors = embed(every)
        cosines = (vectors * reference).sum(axis=1)
        quality = f"{cosines.mean():.4f} | {np.quantile(cosines, 0.01):.4f} | {same_neighbours(vectors, reference):.3f}"
        lines.append(f"| {name} | {speeds} | {quality} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write benchmarks/embedding.md too")
    parser.add_argument("--home", type=Path, help="where the models are built (default: a temporary folder)")
    parser.add_argument("--pdf", type=Path, help="take the text from the PDF files of this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        table = report(arguments.home or Path(temporary), arguments.pdf)
    print(table)
    if arguments.write:
        Path(__file__).with_suffix(".md").write_text(PAGE.format(table=table, setting=setting()), encoding="utf-8")


def setting() -> str:
    return f"{processor()}, Python {sys.version.split()[0]}, onnxruntime {version('onnxruntime')}, one thread"


PAGE = """# Embedding speed

Texts of all-MiniLM-L6-v2 in one CPU-second, tokenizing included; cosine to float32, and the share of each text's five
nearest texts that float32 names too.

{table}

{setting}. Written by:

```
python benchmarks/embedding.py --write
```
"""

if __name__ == "__main__":
    main()
