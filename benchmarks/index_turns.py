"""How long a search waits for its turn at Milvus Lite while a batch is written.

A second process searches once a second; this one writes three windows of 4,000 rows, as a stage does. What counts is
the time from asking for the index until it is the searching process's.

Run it by `.venv/bin/python benchmarks/index_turns.py`.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import time

import numpy as np

from docmill.index import MilvusIndex, Row, Space

WINDOW, WINDOWS, DIMENSIONS = 4_000, 3, 384
SPACE = Space("benchmark", DIMENSIONS)
WORDS = [f"w{number}" for number in range(3_000)]


def make_rows(name: str, count: int) -> list[Row]:
    """Rows of random unit vectors and 150 random words, 20 to a document."""
    vectors = np.random.default_rng(len(name)).standard_normal((count, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = (" ".join(random.choices(WORDS, k=150)) for _ in range(count))
    return [
        Row(f"{name}-{number}", f"{name}-{number // 20}", "v", "f", number % 20, f"s3://b/{name}", text, vector)
        for number, (text, vector) in enumerate(zip(texts, vectors.tolist(), strict=True))
    ]


def search(
    folder: str, begun: multiprocessing.Event, over: multiprocessing.Event, waits: multiprocessing.Queue
) -> None:
    """Search once a second until it is over; how long each search waited."""
    index, vector = MilvusIndex(folder), make_rows("question", 1)[0].vector
    index.search_vector("bench", SPACE, vector, 20)  # what is imported once does not count
    begun.set()
    while not over.is_set():
        since = time.monotonic()
        with index.session():
            waits.put(time.monotonic() - since)
            index.search_vector("bench", SPACE, vector, 20)
            index.search_words("bench", "w1 w2 w3", 20)
        time.sleep(1)


def main() -> None:
    """Print the waits and the time that the writing took."""
    processes = multiprocessing.get_context("spawn")
    folder = f"{tempfile.mkdtemp()}/index.db"
    index = MilvusIndex(folder)
    index.upsert("bench", SPACE, make_rows("first", 10))
    begun, over, waits = processes.Event(), processes.Event(), processes.Queue()
    searching = processes.Process(target=search, args=(folder, begun, over, waits))
    searching.start()
    begun.wait(60)
    since = time.monotonic()
    for number in range(WINDOWS):
        rows = make_rows(f"window{number}", WINDOW)
        index.upsert("bench", SPACE, rows)
        index.held("bench", SPACE, sorted({row.document_id for row in rows}))
    took = time.monotonic() - since
    over.set()
    searching.join()
    found = sorted(waits.get() for _ in range(waits.qsize()))
    mean, longest = sum(found) / len(found), found[-1]
    print(
        f"{WINDOW * WINDOWS} rows in {took:.1f} s; {len(found)} searches waited {mean:.2f} s, at most {longest:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
