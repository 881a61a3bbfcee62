"""One model in every runtime: texts in a CPU-second, what a server adds to a request, and how equal the vectors are.

    sh benchmarks/peers.sh torch
    python benchmarks/inference.py [--write] [--device cpu|gpu] [--url grpc://host:8001]

all-MiniLM-L6-v2, texts of 128 tokens from Python's reference documentation, tokenizing included, one thread for each
process that computes, best of three rounds. torch and sentence-transformers run in the peers' environment in the same
run. CPU seconds of a server are its processes' own and the client's together. Triton is NVIDIA's binary with docmill's
exported repository; the OpenAI-compatible server is llama.cpp with the same weights in float32.

`--device gpu` measures a Triton server at `--url` that serves an export for GPUs: texts a second by batch and number of
requests under way; nvidia-smi must be there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.embedding import cut, processor, source_text
from docmill.inference.embedder import Embedder, Vectors
from docmill.inference.minilm import NAME
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.onnx_embedder import OnnxEmbedder
from docmill.inference.opening import open_embedder
from docmill.inference.servers import CallPolicy
from docmill.inference.triton_repository import ExportOptions, export_repository
from docmill.inference.weights import find_weights
from tests.minilm_gguf import write_minilm_gguf
from tests.openai_server import API_KEY, EMBEDDING, openai_server
from tests.triton_server import triton_packages, triton_server

HERE = Path(__file__).parent
ROUNDS = 3
TOKENS = 128
REQUESTS = 200
TICK = os.sysconf("SC_CLK_TCK")
ONE = CallPolicy(concurrency=1)


@dataclass
class Row:
    """What was measured of a runtime."""

    name: str
    texts_a_second: float
    vectors: Vectors
    single_ms: float | None = None
    notes: list[str] = field(default_factory=list)


def group_seconds(group: int) -> float:
    """CPU seconds of all processes of a process group so far."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / TICK


def measured(name: str, embedder: Embedder, texts: Sequence[str], group: int | None = None) -> Row:
    """Texts in a CPU-second, this process's and the server's; and the wall time of one short text (median, ms)."""

    def spent() -> float:
        return time.process_time() + (group_seconds(group) if group else 0.0)

    embedder.embed(texts[:8])
    best = float("inf")
    for _ in range(ROUNDS):
        start = spent()
        vectors = embedder.embed(texts).vectors
        best = min(best, spent() - start)
    waits = []
    for _ in range(REQUESTS):
        start = time.perf_counter()
        embedder.embed([texts[0][:40]])
        waits.append(time.perf_counter() - start)
    return Row(name, len(texts) / best, vectors, float(np.median(waits)) * 1e3)


def peer(which: str, texts: Sequence[str], work: Path) -> Row | None:
    """The peer's figures, None where its environment is not there."""
    python = HERE / ".venv/torch/bin/python"
    if not python.exists():
        return None
    (work / "texts.json").write_text(json.dumps({"all": list(texts)}), encoding="utf-8")
    out = work / f"{which}.npz"
    folder = str(find_weights().model.parent)
    command = [python, HERE / "torch_runner.py", which, folder, work / "texts.json", out, str(ROUNDS)]
    subprocess.run(command, check=True, env=dict(os.environ) | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"})
    found = np.load(out)
    return Row(f"{which} float32", len(texts) / float(found["seconds all"]), found["vectors all"])


@contextmanager
def triton(home: Path, work: Path, options: ExportOptions) -> Iterator[tuple[str, str, int]]:
    """gRPC and HTTP addresses and the process group of a server of one export."""
    packages = triton_packages(HERE / ".venv/triton")
    repository = work / f"repository-{options.device}-{options.precision}"
    export_repository(repository, home, options, [NAME])
    config = repository / NAME / "config.pbtxt"
    config.write_text(config.read_text().replace("KIND_GPU", "KIND_CPU"))
    with triton_server(packages, repository, work) as server:
        yield server.grpc, server.http, os.getpgid(server.process.pid)


def at(url: str, runtime: Runtime, **options: object) -> dict[str, ModelConfig]:
    return {NAME: ModelConfig.model_validate({"runtime": runtime, "urls": (url,), "policy": ONE} | options)}


def rows(home: Path, work: Path, texts: Sequence[str]) -> list[Row]:
    """Every runtime, one after the other."""
    found = [
        measured("in-process int8 (the default)", OnnxEmbedder(home, threads=1), texts),
        measured("in-process float32", OnnxEmbedder(home, threads=1, precision="float32"), texts),
    ]
    with triton(home, work, ExportOptions()) as (grpc, http, group):
        for name, url in (("gRPC", grpc), ("HTTP", http)):
            embedder = open_embedder(NAME, at(url, Runtime.TRITON), home)
            found.append(measured(f"Triton int8, {name}, requests of 32", embedder, texts, group))
        embedder = open_embedder(NAME, at(grpc, Runtime.TRITON, batch=1), home)
        found.append(measured("Triton int8, gRPC, requests of 1", embedder, texts, group))
        found.append(joined(home, grpc, texts, group))
    gpu = ExportOptions.model_validate({"device": "gpu", "precision": "float32"})
    with triton(home, work, gpu) as (grpc, _, group):
        embedder = open_embedder(NAME, at(grpc, Runtime.TRITON, precision="float32"), home)
        found.append(measured("Triton float32, the graph for GPUs, on this CPU", embedder, texts, group))
    write_minilm_gguf(work / "minilm.gguf")
    with openai_server(work, EMBEDDING, work / "minilm.gguf") as url:
        options = {"api_key": API_KEY, "precision": "float32", "batch": 8}
        embedder = open_embedder(NAME, at(url, Runtime.OPENAI, **options), home)
        found.append(measured("OpenAI-compatible (llama.cpp) float32", embedder, texts, server_group(url)))
    return [*found, *(each for which in ("torch", "sentence-transformers") if (each := peer(which, texts, work)))]


def joined(home: Path, url: str, texts: Sequence[str], group: int) -> Row:
    """Requests of one text, 16 under way: Triton joins them to batches."""
    policy = CallPolicy(concurrency=16)
    options = {"runtime": Runtime.TRITON, "urls": (url,), "policy": policy, "batch": 1}
    embedder = open_embedder(NAME, {NAME: ModelConfig.model_validate(options)}, home)
    before = embedder.tensors.statistics()  # type: ignore[attr-defined]
    row = measured("Triton int8, gRPC, requests of 1, 16 under way", embedder, texts, group)
    counted = embedder.tensors.statistics().since(before)  # type: ignore[attr-defined]
    row.notes.append(f"Triton joined the {counted.requests} requests of 1 to batches of {counted.mean_batch:.1f}.")
    return row


def server_group(url: str) -> int:
    """The process group of the server that listens at the URL's port, which its command line names."""
    port = url.split(":")[2].split("/")[0]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if "tests.openai_server" in words and port in words:
            return os.getpgid(int(command.parent.name))
    raise RuntimeError(f"no server at {url}")


def table(found: Sequence[Row]) -> str:
    """The rows in Markdown; cosines are to the float32 vectors of docmill's own process."""
    reference = found[1].vectors
    torch = next((row.texts_a_second for row in found if row.name.startswith("torch")), None)
    lines = [
        "| runtime | texts/CPU-s | against torch | one short text, ms | cosine, least | largest difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        cosine = float((row.vectors * reference).sum(axis=1).min())
        difference = float(np.abs(row.vectors - reference).max())
        ratio = f"{row.texts_a_second / torch:.2f}" if torch else "–"
        single = f"{row.single_ms:.2f}" if row.single_ms is not None else "–"
        values = [row.name, f"{row.texts_a_second:.0f}", ratio, single, f"{cosine:.6f}", f"{difference:.1e}"]
        lines.append(f"| {' | '.join(values)} |")
    same = [row.name for row in found[2:] if row.vectors.tobytes() == found[0].vectors.tobytes()]
    lines += ["", f"The same bytes as in-process int8: {'; '.join(same)}."]
    return "\n".join([*lines, *(note for row in found for note in row.notes)])


def gpu_table(home: Path, url: str, precision: str, texts: Sequence[str]) -> str:
    """Texts a second of a server on a GPU by batch and requests under way, with how busy the chip is."""
    lines = ["| batch | requests under way | texts/s | GPU busy, % |", "|---|---|---|---|"]
    many = list(texts) * 20
    for batch in (8, 32, 64):
        for under_way in (1, 4, 16):
            policy = CallPolicy(concurrency=under_way)
            place = at(url, Runtime.TRITON, precision=precision, batch=batch, policy=policy)
            embedder = open_embedder(NAME, place, home)
            embedder.embed(many[:256])
            with ThreadPoolExecutor(1) as pool:
                busy = pool.submit(gpu_use)
                start = time.perf_counter()
                embedder.embed(many)
                speed = len(many) / (time.perf_counter() - start)
                lines.append(f"| {batch} | {under_way} | {speed:.0f} | {busy.result()} |")
    return "\n".join(lines)


def gpu_use() -> str:
    """How busy the GPU is now, in percent, by nvidia-smi."""
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write benchmarks/inference.md too")
    parser.add_argument("--home", type=Path, help="where the models are built (default: a temporary folder)")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--url", default="grpc://127.0.0.1:8001", help="the server on a GPU")
    parser.add_argument("--precision", default="float16", help="what it serves")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        home = arguments.home or work / "home"
        texts = cut(source_text(None), OnnxEmbedder(home, threads=1), TOKENS)
        if arguments.device == "gpu":
            print(gpu_table(home, arguments.url, arguments.precision, texts))
            return
        made = table(rows(home, work, texts))
    print(made)
    if arguments.write:
        page = Path(__file__).with_suffix(".md")
        head, _, rest = page.read_text(encoding="utf-8").partition("<!-- measured -->")
        _, _, tail = rest.partition("<!-- end -->")
        page.write_text(f"{head}<!-- measured -->\n\n{made}\n\n{processor()}.\n\n<!-- end -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
