"""What a search costs by the number of vectors and the kind of index, on Milvus Lite and on a Milvus server.

    .venv/bin/python -m benchmarks.index lite FOLDER --rows 10000 100000
    .venv/bin/python -m benchmarks.index server FOLDER --rows 10000 100000 1000000 --kinds flat hnsw ivf_flat ivf_sq8

Vectors are synthetic: 384 numbers, spread as a model's are (64 directions hold nearly all of the variance, 200
subjects). Rows are written and found by docmill's own index, with 300 candidates a search as its searches ask for, of
which the caller may see 90 %. Recall is the share of the ten (and of the 300) nearest by exact search in numpy that are
found. CPU is that of this process and of all that it started.
The server is Milvus 2.3.5, the last that PyPI has; a machine can run one at a time.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docmill.config import IndexConfig, IndexKind
from docmill.index import MilvusIndex, Row, Space
from docmill.index.base import PUBLIC, Where
from docmill.index.schema import indexes
from tests.databases import MILVUS_ROOT, milvus_program, milvus_server

DIMENSIONS, DIRECTIONS, SUBJECTS, WINDOW = 384, 64, 200, 10_000
LIMIT, NEAREST = 300, 10
WORDS = [f"w{number}" for number in range(20_000)]
NAME, SPACE = "bench", Space("benchmark", DIMENSIONS)
VISIBLE = Where(frozenset({PUBLIC}))
Vectors = NDArray[np.float32]


def vectors(seed: int, count: int) -> Vectors:
    """Unit vectors (count, 384); the same seed gives the same."""
    base = np.random.default_rng(0)
    weights = (1 / np.sqrt(1 + np.arange(DIRECTIONS)))[:, None]
    spread = (base.standard_normal((DIRECTIONS, DIMENSIONS)) * weights).astype(np.float32)
    subjects = base.standard_normal((SUBJECTS, DIRECTIONS)).astype(np.float32)
    own = np.random.default_rng(seed + 1)
    latent = subjects[own.integers(0, SUBJECTS, count)] + own.standard_normal((count, DIRECTIONS), dtype=np.float32)
    found = latent @ spread + 0.3 * own.standard_normal((count, DIMENSIONS), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def windows(count: int) -> Iterator[Vectors]:
    """The vectors of so many rows, 10,000 at a time."""
    for start in range(0, count, WINDOW):
        yield vectors(start, min(WINDOW, count - start))


def rows(start: int, found: Vectors) -> list[Row]:
    """Rows of the vectors with 40 words each (a few are frequent), 20 to a document."""
    chosen = random.Random(start)
    places = np.minimum(np.random.default_rng(start).zipf(1.3, (len(found), 40)), len(WORDS)) - 1
    made = []
    for number, (vector, own) in enumerate(zip(found.tolist(), places.tolist(), strict=True), start=start):
        text = " ".join(WORDS[place] for place in own)
        access = (PUBLIC,) if chosen.random() < 0.9 else ("hr",)
        document = f"d{number // 20}"
        made.append(
            Row(
                f"c{number}", document, "v", "f", number % 20, f"s3://b/{document}", text, vector,
                pages=(number % 20 + 1,), types=("text",), terms=text, access=access,
            )
        )  # fmt: skip
    return made


def exact(questions: Vectors, count: int) -> list[list[str]]:
    """The ids of the 300 nearest visible rows of each question, by comparing with all."""
    kept: list[list[tuple[float, str]]] = [[] for _ in questions]
    for start, found in zip(range(0, count, WINDOW), windows(count), strict=True):
        chosen = random.Random(start)
        seen = np.array([chosen.random() < 0.9 for _ in range(len(found))])
        scores = np.where(seen, questions @ found.T, -2)
        for own, line in zip(kept, scores, strict=True):
            best = np.argpartition(-line, min(LIMIT, len(line) - 1))[:LIMIT]
            own.extend((float(line[at]), f"c{start + at}") for at in best)
            own.sort(reverse=True)
            del own[LIMIT:]
    return [[name for _, name in own] for own in kept]


def _processes() -> dict[int, tuple[int, int]]:
    """Each living process: the one that started it, and its CPU ticks."""
    found: dict[int, tuple[int, int]] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(each.parent.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    return found


def family() -> dict[int, int]:
    """CPU ticks of this process and of every living one that it started, and of theirs."""
    every, own = _processes(), {os.getpid()}
    while more := {pid for pid, (parent, _) in every.items() if parent in own} - own:
        own |= more
    return {pid: every[pid][1] for pid in own & every.keys()}


def cpu() -> float:
    """CPU seconds of this process and of every living one that it started, and of theirs."""
    return sum(family().values()) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of something."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Cost:
    """What the work cost."""
    wall, used = time.monotonic(), cpu()
    work()
    return Cost(time.monotonic() - wall, cpu() - used)


def asked(index: MilvusIndex, questions: Vectors, truth: Sequence[Sequence[str]]) -> str:
    """Times and recall of the searches by vector, in Markdown cells."""
    found: list[list[str]] = []
    walls: list[float] = []
    for question in questions[:3]:
        index.search_vector(NAME, SPACE, question.tolist(), LIMIT, VISIBLE)
    used = cpu()
    for question in questions:
        since = time.monotonic()
        hits = index.search_vector(NAME, SPACE, question.tolist(), LIMIT, VISIBLE)
        walls.append(time.monotonic() - since)
        found.append([each.row.chunk_id for each in hits])
    used = (cpu() - used) / len(walls)
    recall = [
        statistics.mean(
            len(set(own[:depth]) & set(gold[:depth])) / depth for own, gold in zip(found, truth, strict=True)
        )
        for depth in (NEAREST, LIMIT)
    ]
    return f"{_shown(walls)} | {1000 * used:.0f} | {recall[0]:.3f} / {recall[1]:.3f}"


def words_asked(index: MilvusIndex) -> str:
    """Times of searches by four words, in Markdown cells."""
    chosen, walls = random.Random(1), []
    used = cpu()
    for _ in range(20):
        terms = " ".join(chosen.choice(WORDS[:2_000]) for _ in range(4))
        walls.append(timed(lambda terms=terms: index.search_words(NAME, SPACE, terms, LIMIT, VISIBLE)).wall)
    return f"{_shown(walls)} | {1000 * (cpu() - used) / len(walls):.0f} | -"


def _shown(walls: Sequence[float]) -> str:
    ordered = sorted(walls)
    return f"{1000 * statistics.median(ordered):.0f} / {1000 * ordered[int(len(ordered) * 0.95)]:.0f}"


def filled(index: MilvusIndex, count: int) -> str:
    """The collection holds so many rows; what that cost, in a sentence."""
    index.prepare(NAME, SPACE, count)

    def write() -> None:
        for start, found in zip(range(0, count, WINDOW), windows(count), strict=True):
            index.upsert(NAME, SPACE, rows(start, found))

    made = timed(lambda: [rows(start, found) for start, found in enumerate(windows(WINDOW))]).cpu * count / WINDOW
    cost = timed(write)
    return f"{count} rows: {count / cost.wall:.0f} a second, {1000 * (cost.cpu - made) / count:.2f} CPU ms a row"


def token_for(uri: str) -> str:
    """What lets into the server; nothing for a folder."""
    return MILVUS_ROOT if "://" in uri else ""


def indexed(uri: str, kind: IndexKind) -> tuple[MilvusIndex, Cost]:
    """The collection of `uri` with an index of that kind, and what building and loading it cost."""
    index = MilvusIndex(uri, token_for(uri), IndexConfig(kind=kind))

    def build() -> None:
        with index.session() as client:
            physical = f"{NAME}__{SPACE.digest}"
            lite = "://" not in uri
            client.flush(physical)
            client.release_collection(physical)
            client.drop_index(physical, "dense")
            every = indexes(client, SPACE, kind, bm25=False, lite=lite)
            client.create_index(physical, every)
            while not lite and client.describe_index(physical, "dense").get("pending_index_rows", 0):
                time.sleep(0.5)
            client.load_collection(physical)

    return index, timed(build)


def memory() -> float:
    """GiB of memory that this process and all that it started take now."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family())
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def measured(uri: str, count: int, kinds: Sequence[IndexKind], asking: int) -> None:
    """Print the rows of the table for so many vectors at `uri`, by so many searches each."""
    lite = "://" not in uri
    index = MilvusIndex(uri, token_for(uri))
    with index.session():
        print(filled(index, count), flush=True)
    questions = vectors(10**9, asking)
    truth = exact(questions, count)
    for kind in kinds:
        index, built = indexed(uri, kind)
        if lite:
            opened = timed(lambda index=index: index.search_vector(NAME, SPACE, questions[0].tolist(), LIMIT, VISIBLE))
            print(f"  {kind.value}: a search that opens the folder: {opened.wall:.2f} s, {opened.cpu:.2f} CPU s")
        with index.session():
            cells = [str(count), kind.value, f"{built.wall:.0f} / {built.cpu:.0f}", asked(index, questions, truth)]
            print(f"| {' | '.join(cells)} | {memory():.1f} |", flush=True)
    if lite:
        with index.session():
            print(f"| {count} | words (BM25) | - | {words_asked(index)} | {memory():.1f} |", flush=True)
    else:
        with index.session() as client:
            client.drop_alias(NAME)
            client.drop_collection(f"{NAME}__{SPACE.digest}")


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("where", choices=["lite", "server"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000])
    parser.add_argument("--kinds", type=IndexKind, nargs="+", default=[IndexKind.FLAT, IndexKind.HNSW])
    parser.add_argument("--queries", type=int, default=100)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = ""
        if given.where == "server":
            url = stack.enter_context(milvus_server(milvus_program(given.folder / "milvus-2.3.5"), given.folder))
        print("| vectors | index | build: wall / CPU s | search: p50 / p95 ms | CPU ms | recall@10 / @300 | GiB |")
        for count in given.rows:
            measured(url or str(given.folder / f"lite{count}.db"), count, given.kinds, given.queries)


if __name__ == "__main__":
    main()
