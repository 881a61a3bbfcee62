"""What reconciling a source with many objects costs, when next to nothing has changed: CPU seconds and peak memory.

    python benchmarks/reconcile.py [--objects 1000000] [--output FILE.md]

The source is simulated: keys and etags are made up as they are listed, without any network (on S3 a listing of a
million keys is a thousand requests). The ledger is a real SQLite file. One object in 100,000 is new, changed or gone.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.ledger import Batch
from docmill.mirror import _document, reconcile_steps
from docmill.settings import Settings
from docmill.store import ObjectInfo
from docmill.workspace import Workspace

RARE = 100_000
CLAIMED_AT_ONCE = 20_000


class SimulatedBucket:
    """`count` objects; `later` is the state that the second listing finds."""

    url = "s3://simulated/"

    def __init__(self, count: int) -> None:
        self.count, self.later = count, False

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        first = int(after.removesuffix(".pdf").removeprefix("documents/")) + 1 if after else 0
        for number in range(first, self.count):
            if info := self.head(f"documents/{number:09d}.pdf"):
                yield info

    def head(self, key: str) -> ObjectInfo | None:
        number = int(key.removesuffix(".pdf").removeprefix("documents/"))
        kind = number % RARE if self.later else -1
        if kind == 0 or (not self.later and number % RARE == 1):
            return None  # gone in the second listing, or new in it
        return ObjectInfo(key, 1_000, f"etag-{number}{'-changed' * (kind == 2)}", 0.0)


def fill(workspace: Workspace, bucket: SimulatedBucket) -> None:
    """All objects of the first listing are known."""
    documents = [_document("bench", bucket, info) for info in bucket.list()]
    for start in range(0, len(documents), CLAIMED_AT_ONCE):
        part = documents[start : start + CLAIMED_AT_ONCE]
        workspace.ledger.claim(Batch(f"fill-{start}", "bench", len(part), 0, 0.0), part)


def main() -> None:
    """Fill the ledger, change a few objects, reconcile, print."""
    parser = argparse.ArgumentParser(description="CPU seconds of reconciling a large source.")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    bucket = SimulatedBucket(chosen.objects)
    with tempfile.TemporaryDirectory() as home:
        parts = {"index": MemoryIndex(), "embedder": HashEmbedder(8), "open_source": lambda url: bucket}
        workspace = Workspace(Settings(home=Path(home)), **parts)
        fill(workspace, bucket)
        bucket.later = True
        before, since = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        steps = list(reconcile_steps(workspace, "bench", bucket.url))
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - since
        ledger_mb = sum(path.stat().st_size for path in Path(home).glob("ledger.db*")) / 1e6
        workspace.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    batches, deleted = sum(len(step.batches) for step in steps), sum(step.deleted for step in steps)
    lines = [
        "# Reconciling a large source",
        "",
        "| objects | steps | CPU s | wall s | CPU ms a 1,000 keys | ledger MB | batches made | deleted |",
        "|---|---|---|---|---|---|---|---|",
        f"| {chosen.objects:,} | {len(steps)} | {cpu:.1f} | {wall:.1f} | {cpu / chosen.objects * 1e6:.1f} "
        f"| {ledger_mb:.0f} | {batches} | {deleted} |",
        "",
        "The bucket is simulated (no network); on S3 add one request for every 1,000 keys. Each step lists 10,000 keys",
        "and holds no more in memory; where it stands is in the ledger, so that a killed run goes on.",
        "",
        f"Command, on {os.cpu_count()} cores: `python benchmarks/reconcile.py --objects {chosen.objects}`",
    ]
    print("\n".join(lines))
    if chosen.output:
        chosen.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
