"""What a ledger of very many documents costs: to fill, to ask every minute, and to compare with its source.

    python benchmarks/reconcile.py [--objects 1000000] [--ledger postgresql+psycopg2://…] [--output FILE.md]

The source is simulated: keys and etags are made up as they are listed, without any network (on S3 a listing of a
million keys is a thousand requests). The ledger is a real one, SQLite unless `--ledger` names an empty database. All
documents are through all stages: their outcomes are made by the database itself, so that filling it measures claims
only. One object in 100,000 is new, changed or gone at the second listing.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from docmill.errors import MissingObjectError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.ledger import Batch
from docmill.mirror import _document, reconcile_steps
from docmill.models import ErrorClass, Stage
from docmill.settings import Settings
from docmill.store import ObjectInfo
from docmill.workspace import Workspace

RARE = 100_000
BATCH = 1_000
OUTCOMES = """
WITH stages (stage) AS (VALUES {stages})
INSERT INTO outcomes (document_id, stage, status, version, fingerprint, error, message, hint, pages, attempts, seconds,
                      counts, run_id, updated_at)
SELECT document_id, stages.stage, 'ok', version, 'f00dfeed0123', '', '', '', '[]', 1, 0.01, '{{"pages": 1, "rows": 1}}',
       'library-20260101-000001-01234567', 2.0
FROM documents CROSS JOIN stages ORDER BY document_id, stages.stage
"""


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

    def get(self, key: str) -> bytes:
        raise MissingObjectError(f"{key} is a side-car that nobody wrote.")


@dataclass
class Costs:
    """What was measured, a row each."""

    rows: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """What happens inside is a row: CPU seconds of this process, wall seconds, the most memory so far."""
        before, since = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        yield
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - since
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = f"| {what} | {cpu:,.2f} | {wall:,.2f} | {after.ru_maxrss / 1024:,.0f} |"
        print(row, flush=True)
        self.rows.append(row)


def fill(workspace: Workspace, bucket: SimulatedBucket) -> None:
    """All objects of the first listing are claimed by batches."""
    listing = (_document("bench", bucket, info) for info in bucket.list())
    number = 0
    while part := list(islice(listing, BATCH)):
        number += 1
        batch = Batch(f"20260101-{number:06d}-01234567", "bench", len(part), 1_000 * len(part), 1.0)
        workspace.ledger.claim(batch, part)


def finish(workspace: Workspace) -> None:
    """All documents are through all stages."""
    with workspace.ledger.database.write() as connection:
        connection.execute(sa.text("UPDATE documents SET version = document_id || document_id"))
        stages = ", ".join(f"('{stage.value}')" for stage in sorted(Stage))
        connection.exec_driver_sql(OUTCOMES.format(stages=stages))


def megabytes(workspace: Workspace, home: str) -> float:
    """What the ledger takes on disk."""
    if workspace.settings.ledger.startswith("sqlite"):
        return sum(path.stat().st_size for path in Path(home).glob("ledger.db*")) / 1e6
    with workspace.ledger.database.read() as connection:
        size = connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
    return float(size) / 1e6


def main() -> None:
    """Fill the ledger, ask it, change a few objects, reconcile, print."""
    parser = argparse.ArgumentParser(description="Costs of a ledger of very many documents.")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--ledger", default="")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    bucket, costs = SimulatedBucket(chosen.objects), Costs()
    with tempfile.TemporaryDirectory() as home:
        parts = {"index": MemoryIndex(), "embedder": HashEmbedder(8), "open_source": lambda url: bucket}
        given = {"ledger_url": chosen.ledger} if chosen.ledger else {}
        workspace = Workspace(Settings(home=Path(home), **given), **parts)
        ledger = workspace.ledger
        with costs.of("claim all, in batches of 1,000"):
            fill(workspace, bucket)
        with costs.of("(the database makes six outcomes of each)"):
            finish(workspace)
        asked: dict[str, Callable[[], object]] = {
            "a tick: unfinished batches, all to be looked through": ledger.unfinished_batches,
            "a tick: unfinished batches, none changed since": ledger.unfinished_batches,
            "a tick: failures that can pass": lambda: ledger.failures(error_class=ErrorClass.TRANSIENT),
            "metrics: documents, and those that stand failed": ledger.totals,
        }
        for what, ask in asked.items():
            with costs.of(what):
                ask()
        bucket.later = True
        with costs.of("reconcile"):
            steps = list(reconcile_steps(workspace, "bench", bucket.url))
        ledger_mb = megabytes(workspace, home)
        workspace.close()
    batches, deleted = sum(len(step.batches) for step in steps), sum(step.deleted for step in steps)
    lines = [
        f"{chosen.objects:,} objects, {'PostgreSQL' if chosen.ledger else 'SQLite'}: a ledger of {ledger_mb:,.0f} MB; "
        f"reconciling made {batches} batches and deleted {deleted} documents in {len(steps)} steps.",
        "",
        "| | CPU s | wall s | MiB at most so far |",
        "|---|---|---|---|",
        *costs.rows,
        "",
        f"Command, on {os.cpu_count()} cores: `python benchmarks/reconcile.py --objects {chosen.objects}`",
    ]
    print("\n".join(lines))
    if chosen.output:
        chosen.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
