"""Searches while a collection is reindexed and rolled back: errors, answers of two generations, rates and times.

    .venv/bin/python -m benchmarks.reindex_load lite FOLDER --documents 3000 --threads 3
    .venv/bin/python -m benchmarks.reindex_load server FOLDER --documents 3000 --threads 3

Documents are synthetic texts of some hundred words, embedded by the hashing twin of the model: what is measured is the
index and the swap, not a model. A second process searches from several threads all the while, by meaning and by words
(by meaning alone on the server, which is Milvus 2.3.5), and keeps the index open as `docmill serve` does. The new
generation has smaller chunks, so every hit says by its fingerprint which generation it is of: an answer of more than
one is a mixture, one that is empty an error.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

from pydantic import SecretStr

from docmill.batching import form_batches
from docmill.config import ChunkConfig, PipelineConfig
from docmill.errors import DocmillError
from docmill.generations import roll_back
from docmill.inference.memory import HashEmbedder
from docmill.models import Stage
from docmill.pipeline import run_batch
from docmill.plan import make_plan
from docmill.reindex import reindex
from docmill.retrieve import SearchMode, search
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.databases import MILVUS_ROOT, milvus_program, milvus_server

WORDS = [f"word{number}" for number in range(4_000)]
BEFORE, AFTER = ChunkConfig(max_tokens=256), ChunkConfig(max_tokens=96)
REST = 30.0
"""Seconds of searches before, after the swap, and after the roll-back."""


@dataclass(frozen=True)
class Answer:
    """A search: when it ended and what it took (s), the generations of its hits by fingerprint, and what went wrong."""

    ended: float
    seconds: float
    generations: frozenset[str]
    error: str = ""


def opened(home: Path, uri: str, chunk: ChunkConfig) -> Workspace:
    """A workspace of those chunk settings."""
    token = SecretStr(MILVUS_ROOT if uri else "")
    settings = Settings(home=home, milvus_uri=uri, milvus_token=token, pipeline=PipelineConfig(chunk=chunk))
    return Workspace(settings, embedder=HashEmbedder())


def made(folder: Path, count: int) -> Path:
    """A folder with so many texts of 120 to 400 words."""
    chosen = random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        words = chosen.choices(WORDS, k=chosen.randrange(120, 400))
        lines = [" ".join(words[at : at + 12]) + "." for at in range(0, len(words), 12)]
        (folder / f"{number:05}.txt").write_text("\n\n".join(lines))
    return folder


def searching(home: Path, uri: str, threads: int, over: threading.Event, answers: Queue[Answer]) -> None:
    """Searches from several threads until it is over."""
    workspace, mode = opened(home, uri, BEFORE), SearchMode.DENSE if "://" in uri else SearchMode.HYBRID

    def ask(seed: int) -> None:
        chosen = random.Random(seed)
        while not over.is_set():
            since, error, found = time.monotonic(), "", frozenset[str]()
            question = " ".join(chosen.choices(WORDS, k=5))
            try:
                hits = search(workspace, question, collection="default", top_k=10, mode=mode)
                found = frozenset(each.fingerprint for each in hits)
                error = "" if hits else "nothing was found"
            except DocmillError as raised:
                error = str(raised)
            now = time.monotonic()
            answers.put(Answer(now, now - since, found, error))

    running = [threading.Thread(target=ask, args=(seed,)) for seed in range(threads)]
    with workspace.index.kept_open():
        for each in running:
            each.start()
        for each in running:
            each.join()


@contextmanager
def searched(home: Path, uri: str, threads: int) -> Iterator[list[Answer]]:
    """A process searches inside; its answers are in the list afterwards."""
    processes = multiprocessing.get_context("spawn")
    over, answers, found = processes.Event(), processes.Queue(), []
    started = processes.Process(target=searching, args=(home, uri, threads, over, answers))
    started.start()
    found.append(answers.get(timeout=300))  # it has begun
    try:
        yield found
    finally:
        over.set()
        while started.is_alive() or not answers.empty():
            while not answers.empty():
                found.append(answers.get())
            started.join(0.2)


def shown(name: str, answers: Sequence[Answer], seconds: float, generations: Mapping[str, str]) -> str:
    """A line of the table."""
    took = sorted(each.seconds for each in answers)
    if not took:
        return f"| {name} | {seconds:.0f} | 0 | - | - | - | - | - |"
    kinds = sorted({generations.get(mark, mark) for each in answers for mark in each.generations})
    errors = sum(bool(each.error) for each in answers)
    mixtures = sum(len(each.generations) > 1 for each in answers)
    times = f"{1000 * statistics.median(took):.0f} / {1000 * took[int(len(took) * 0.95)]:.0f} / {1000 * took[-1]:.0f}"
    rate = f"{len(answers) / seconds:.1f}"
    return (
        f"| {name} | {seconds:.0f} | {len(answers)} | {rate} | {times} | {errors} | {mixtures} | {', '.join(kinds)} |"
    )


def measured(home: Path, uri: str, folder: Path, threads: int) -> None:
    """Print a line for each phase."""
    old, new = opened(home, uri, BEFORE), opened(home, uri, AFTER)
    source = f"file://{folder.resolve()}/"
    old.ledger.add_source("default", source)
    for batch in form_batches(old, "default", make_plan(old, "default", source).pending, runner="cli"):
        run_batch(old, batch)
    names = {each.fingerprints[Stage.EMBEDDINGS]: told for each, told in ((old, "old"), (new, "new"))}
    marks = []
    with searched(home, uri, threads) as answers:
        marks.append(("before", time.monotonic()))
        time.sleep(REST)
        marks.append(("while it is built, checked and swapped in", time.monotonic()))
        verdict = reindex(new, "default", lambda batch: run_batch(new, batch))
        marks.append(("after the swap", time.monotonic()))
        time.sleep(REST)
        marks.append(("after the roll-back", time.monotonic()))
        roll_back(new, "default")
        time.sleep(REST)
        marks.append(("", time.monotonic()))
    rows = [len(each.index.held("default", each.space)) for each in (old, new)]
    print(f"{rows[0]} rows before, {rows[1]} after; the verdict: {verdict.reasons or 'passed'}")
    print("| phase | s | searches | a second | p50 / p95 / longest, ms | errors | mixtures | generations |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, begun), (_, ended) in itertools.pairwise(marks):
        own = [each for each in answers if begun <= each.ended < ended]
        print(shown(name, own, ended - begun, names))
    for text in sorted({each.error for each in answers if each.error})[:5]:
        print(f"error: {text}")


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("where", choices=["lite", "server"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=3_000)
    parser.add_argument("--threads", type=int, default=3)
    given = parser.parse_args()
    folder = made(given.folder / "documents", given.documents)
    if given.where == "lite":
        measured(given.folder / "home", "", folder, given.threads)
        return
    with milvus_server(milvus_program(given.folder / "milvus-2.3.5"), given.folder) as url:
        measured(given.folder / "home", url, folder, given.threads)


if __name__ == "__main__":
    main()
