"""What a ledger of very many documents costs: to fill, to ask, to compare with its source, to look through.

    python benchmarks/reconcile.py [--objects 1000000] [--claims | --by-key] [--ledger URL [--server PID]]

The source is simulated: keys and etags are made up as they are listed, without any network (on S3 a listing of a
million keys is a thousand requests). The ledger is a real one, SQLite unless `--ledger` names an empty database, whose
server on this machine is the process `--server`. All documents are through all stages: the database makes their
outcomes batch by batch and stage by stage, as runs would, so that filling it measures claims only; with `--by-key` in
the order of their key, which takes tens of millions in an hour; with `--claims` none has outcomes, and documents are
claimed and reconciled only. One object in 100,000 is new, changed or gone at the second listing. What looks through
whole collections is asked in a process of its own, whose peak of memory is told; the index is empty.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import psutil
import sqlalchemy as sa

from docmill.backup import back_up
from docmill.doctor import _rows
from docmill.errors import MissingObjectError
from docmill.estimate import estimate
from docmill.fingerprints import raw_fingerprint
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.ledger import Batch
from docmill.ledger.tables import documents, outcomes
from docmill.maintenance import prune
from docmill.mirror import reconcile_steps
from docmill.models import ErrorClass, Stage
from docmill.plan import make_plan
from docmill.settings import Settings
from docmill.sources import listed_document
from docmill.standing import unfinished
from docmill.status import collection_status
from docmill.store import ObjectInfo
from docmill.workspace import Workspace

RARE = 100_000
BATCH = 1_000
SAME = {"status": "ok", "error": "", "message": "", "hint": "", "pages": [], "attempts": 1, "seconds": 0.01,
        "counts": {"pages": 1, "rows": 0}, "run_id": "library-20260101-000001-01234567", "updated_at": 2.0}  # fmt: skip
"""What the outcomes have in common."""


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


def peak() -> float:
    """The most memory that this process has held, in MiB; `ru_maxrss` would tell that of who started it."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def spent_by(server: int) -> float:
    """The CPU seconds of a database server so far: of the process with that id, and of its children, ended or not."""
    if not server:
        return 0.0
    whole = psutil.Process(server)
    times = [whole.cpu_times(), *(each.cpu_times() for each in whole.children())]
    return sum(each.user + each.system for each in times) + times[0].children_user + times[0].children_system


@dataclass
class Costs:
    """What was measured, a row each."""

    server: int = 0
    rows: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """What happens inside is a row: CPU seconds here and of the server, wall seconds, the most memory so far."""
        before, since, other = resource.getrusage(resource.RUSAGE_SELF), time.monotonic(), spent_by(self.server)
        yield
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - since
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = f"| {what} | {cpu:,.2f} | {spent_by(self.server) - other:,.2f} | {wall:,.2f} | {peak():,.0f} |"
        print(row, flush=True)
        self.rows.append(row)


def fill(workspace: Workspace, bucket: SimulatedBucket) -> None:
    """All objects of the first listing are claimed by batches."""
    listing = (listed_document("bench", bucket, info) for info in bucket.list())
    number = 0
    while part := list(islice(listing, BATCH)):
        number += 1
        batch = Batch(f"20260101-{number:06d}-01234567", "bench", len(part), 1_000 * len(part), 1.0)
        workspace.ledger.claim(batch, part)
        if number % 1_000 == 0:
            spent = time.process_time()
            print(f"{number * BATCH:,} claimed; this process took {spent:,.0f} CPU s", flush=True)


def finish(workspace: Workspace, *, by_key: bool = False) -> None:
    """All documents are through all stages: a transaction for each batch and stage, as runs do it.

    With `by_key` a transaction holds documents whose ids begin alike instead: tens of millions of outcomes are written
    in hours otherwise, for each then lies somewhere else in the index.
    """
    database, batches = workspace.ledger.database, workspace.ledger.batches()
    key = documents.c.document_id
    for batch in batches:
        with database.write() as connection:
            own = documents.update().where(documents.c.batch == batch.batch)
            connection.execute(own.values(version=key.concat(key)))
    if by_key:
        starts = [f"{number:02x}" for number in range(256)]
        parts = [sa.and_(key >= low, key < high) for low, high in zip(starts, [*starts[1:], "g"], strict=True)]
    else:
        parts = [documents.c.batch == batch.batch for batch in batches]
    for part in parts:
        _finish(workspace, part)


def _finish(workspace: Workspace, chosen: sa.ColumnElement[bool]) -> None:
    database, fingerprints = workspace.ledger.database, workspace.fingerprints
    theirs = sa.select(documents.c.document_id, documents.c.version).where(chosen).order_by(documents.c.document_id)
    with database.write() as connection:
        raw = fingerprints[Stage.RAW_DOCUMENTS]
        rows = [
            {"document_id": row.document_id, "stage": Stage.RAW_DOCUMENTS.value, "version": row.version, **SAME}
            | {"fingerprint": raw_fingerprint(raw, row.etag)}
            for row in connection.execute(theirs.add_columns(documents.c.etag))
        ]
        connection.execute(outcomes.insert(), rows)
    for stage in list(Stage)[1:]:
        given = {**SAME, "stage": stage.value, "fingerprint": fingerprints[stage]}
        values = [sa.literal(value, outcomes.c[name].type).label(name) for name, value in given.items()]
        with database.write() as connection:
            made = theirs.add_columns(*values)
            connection.execute(outcomes.insert().from_select(["document_id", "version", *given], made))


def megabytes(workspace: Workspace, home: str) -> float:
    """What the ledger takes on disk."""
    if workspace.settings.ledger.startswith("sqlite"):
        with workspace.ledger.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log counts what the file holds
        return sum(path.stat().st_size for path in Path(home).glob("ledger.db*")) / 1e6
    with workspace.ledger.database.read() as connection:
        size = connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
    return float(size) / 1e6


def largest(workspace: Workspace) -> list[str]:
    """The tables and indices that take most, a row each, in MB."""
    sqlite = "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name"
    postgresql = "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't')"
    on_sqlite = workspace.settings.ledger.startswith("sqlite")
    with workspace.ledger.database.read() as connection:
        rows = connection.execute(sa.text(f"{sqlite if on_sqlite else postgresql} ORDER BY 2 DESC LIMIT 12")).all()
    return [f"| `{name}` | {size / 1e6:,.0f} |" for name, size in rows]


def opened(home: str, ledger: str, bucket: SimulatedBucket) -> Workspace:
    """A workspace whose source is simulated."""
    given = {"ledger_url": ledger} if ledger else {}
    settings = Settings(home=Path(home), **given)
    return Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder(8), open_source=lambda url: bucket)


def _plan(workspace: Workspace) -> None:
    estimate(workspace, make_plan(workspace, "bench", SimulatedBucket.url))


LOOKS: dict[str, Callable[[Workspace], object]] = {
    "status": lambda workspace: collection_status(workspace, "bench"),
    "doctor: the rows of documents": lambda workspace: list(_rows(workspace, "bench")),
    "reindex: what is pending": lambda workspace: unfinished(workspace, "bench"),
    "prune_history": lambda workspace: prune(workspace, days=30),
    "backup": lambda workspace: back_up(workspace.ledger.database, workspace.settings.folder / "a.backup"),
    "plan, nothing new": _plan,
}
"""What looks through a whole collection."""


def looked(what: str, home: str, ledger: str, server: int, objects: int) -> str:
    """One of LOOKS in a process of its own, as a row: its CPU seconds without its start, wall seconds, peak MiB."""
    given = ["--objects", str(objects), "--folder", home, "--ledger", ledger, "--server", str(server), "--look", what]
    done = subprocess.run([sys.executable, __file__, *given], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Fill the ledger, ask it, look through it, change a few objects, reconcile, print."""
    parser = argparse.ArgumentParser(description="Costs of a ledger of very many documents.")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--ledger", default="")
    parser.add_argument("--server", type=int, default=0, help="the process id of the ledger's server, on this machine")
    parser.add_argument("--folder", type=Path, help="where the home lies for as long as it takes")
    parser.add_argument("--claims", action="store_true", help="documents are claimed and reconciled, without outcomes")
    parser.add_argument("--by-key", action="store_true", help="outcomes are made in the order of their key")
    parser.add_argument("--look", choices=LOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    bucket = SimulatedBucket(chosen.objects)
    if chosen.look:
        workspace = opened(str(chosen.folder), chosen.ledger, bucket)
        with Costs(chosen.server).of(chosen.look):
            LOOKS[chosen.look](workspace)
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as home:
        lines = measured(home, chosen.ledger, chosen.server, bucket, claims=chosen.claims, by_key=chosen.by_key)
    lines.append(f"Command, on {os.cpu_count()} cores: `python benchmarks/reconcile.py --objects {chosen.objects}`")
    print("\n".join(lines))
    if chosen.output:
        chosen.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def measured(home: str, url: str, server: int, bucket: SimulatedBucket, *, claims: bool, by_key: bool) -> list[str]:
    """The lines of the report."""
    costs, workspace = Costs(server), opened(home, url, bucket)
    ledger = workspace.ledger
    with costs.of("claim all, in batches of 1,000"):
        fill(workspace, bucket)
    if not claims:
        with costs.of("(six outcomes of each are made)"):
            finish(workspace, by_key=by_key)
    print(f"{megabytes(workspace, home):,.0f} MB", *(filled := largest(workspace)), sep="\n", flush=True)
    ledger_mb = megabytes(workspace, home)
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
    for what in () if claims else LOOKS:
        costs.rows.append(looked(what, home, url, server, bucket.count))
        print(costs.rows[-1], flush=True)
    workspace.close()
    batches, deleted = sum(len(step.batches) for step in steps), sum(step.deleted for step in steps)
    return [
        f"{bucket.count:,} objects, {'PostgreSQL' if url else 'SQLite'}: a ledger of {ledger_mb:,.0f} MB; "
        f"reconciling made {batches} batches and deleted {deleted} documents in {len(steps)} steps.",
        "",
        "| | CPU s | of the server | wall s | MiB at most so far |",
        "|---|---|---|---|---|",
        *costs.rows,
        "",
        "| | MB |",
        "|---|---|",
        *filled,
        "",
    ]


if __name__ == "__main__":
    main()
