"""The same load of batches on 1, 2 and 4 Celery workers: what they cost, and do they get in each other's way?

    python -m benchmarks.workers [--workers 1,2,4] [--batches 4] [--documents 50] [--output FILE.md]

Real PostgreSQL and Redis, the daemon and workers as in production (deploy/celery/dagster.yaml), Milvus Lite in turns.
All batches wait before the workers begin, so that the time is theirs. CPU seconds are those of the runs' processes with
their children, and of the daemon with its code location apart; deadlocks are what PostgreSQL counted. On a
machine with fewer cores than workers this shows overhead and contention, not a speed-up.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from docmill.batching import form_batches
from docmill.plan import make_plan
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.conftest import need
from tests.databases import Postgres, postgres_programs, postgres_server
from tests.orchestration.test_celery import redis_server, start_worker, write_instance
from tests.services import BIN, ROOT, process, wait_for

TICK = os.sysconf("SC_CLK_TCK")
WAIT_SECONDS = 1_800
ENDED = "SELECT count(*) AS number FROM runs WHERE status = 'SUCCESS'"
TIMES = """SELECT min(start_time) AS first, max(end_time) AS last, sum(end_time - start_time) AS total
FROM runs WHERE status = 'SUCCESS'"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = '{}'"


@dataclass(frozen=True)
class Load:
    """What is worked on: so many batches of so many documents."""

    batches: int
    documents: int


def cpu_of(pids: list[int]) -> float:
    """CPU seconds of the processes and of their children that have ended; their sessions' others are counted, too."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) in pids:
            total += sum(map(int, fields[11:15])) / TICK
    return total


def documents_in(folder: Path, load: Load) -> None:
    """The load's documents, of 60 words each."""
    folder.mkdir()
    for number in range(load.batches * load.documents):
        text = f"# Pump {number}\n\n" + " ".join(
            f"The pump P-{number} delivers {number + more} litres." for more in range(9)
        )
        (folder / f"{number:05}.md").write_text(text, encoding="utf-8")


def waiting(workspace: Workspace, folder: Path) -> None:
    """The documents are in batches that nobody has started."""
    plan = make_plan(workspace, "default", f"file://{folder}/")
    workspace.ledger.add_source("default", f"file://{folder}/")
    form_batches(workspace, "default", plan.pending)


def measure(postgres: Postgres, workers: int, load: Load) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory(prefix="docmill-workers-") as name, ExitStack() as stack:
        folder, home, database = Path(name), Path(name) / "home", postgres.create()
        documents_in(folder / "in", load)
        write_instance(home)
        broker = stack.enter_context(redis_server(folder))
        kept = {each: value for each, value in os.environ.items() if not each.startswith(("DOCMILL_", "DAGSTER_"))}
        env = kept | {
            "DOCMILL_HOME": str(home),
            "DAGSTER_HOME": str(home / "dagster"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CELERY_BROKER_URL": f"{broker}/0",
            "CELERY_RESULT_BACKEND": f"{broker}/1",
            "DOCMILL_LEDGER_URL": postgres.url(database),
            "DOCMILL_BATCH__DOCUMENTS": str(load.documents),
            "DOCMILL_SENSOR_SECONDS": "5",
            "DOCMILL_WORKERS__PROCESSES": "1",
        }
        settings = Settings(home=home, ledger_url=env["DOCMILL_LEDGER_URL"], batch={"documents": load.documents})
        opened = stack.enter_context(closing(Workspace(settings)))
        waiting(opened, folder / "in")
        names = [f"w{number}" for number in range(workers)]
        pids = [start_worker(stack, env, f"{each}@b", folder / f"{each}.log").pid for each in names]
        logs = [folder / f"{each}.log" for each in names]
        wait_for(lambda: all("ready" in log.read_text() for log in logs), "the workers", WAIT_SECONDS)
        idle = cpu_of(pids)
        daemon = [str(BIN / "dagster-daemon"), "run", "-w", "workspace.yaml"]
        daemon_pid = stack.enter_context(process(daemon, folder / "daemon.log", env, grace=5)).pid
        since = time.monotonic()
        wait_for(lambda: _ended(postgres, database) == load.batches, f"the end of the runs ({folder})", WAIT_SECONDS)
        wall = time.monotonic() - since
        spent, daemons = cpu_of(pids) - idle, cpu_of([daemon_pid])
        times = postgres.execute(database, TIMES)[0]
        deadlocks = postgres.execute(database, DEADLOCKS.format(database))[0].deadlocks
        held = len({row.document_id for row in opened.index.held("default", opened.space).values()})
        assert held == load.batches * load.documents, f"{held} documents are in the collection"
    return (
        f"| {workers} | {spent:,.0f} | {spent / load.batches:,.1f} | {daemons:,.0f} | "
        f"{times.last - times.first:,.0f} | "
        f"{times.total / load.batches:,.0f} | {wall:,.0f} | {deadlocks} |"
    )


def _ended(postgres: Postgres, database: str) -> int:
    there = postgres.execute(database, "SELECT 1 FROM pg_tables WHERE tablename = 'runs'")
    return int(postgres.execute(database, ENDED)[0].number) if there else 0


def main() -> None:
    """A row for each number of workers."""
    parser = argparse.ArgumentParser(description="The same batches on several Celery workers.")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--documents", type=int, default=50)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    need("redis-server", "redis-server")
    programs = postgres_programs()
    if programs is None:
        raise SystemExit("needs initdb and postgres: apt-get install postgresql-15")
    lines = [
        "| workers | CPU s of the runs | CPU s a batch | CPU s of the daemon | s from first start to last end "
        "| s a run | s in all | deadlocks |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with postgres_server(programs) as postgres:
        for workers in map(int, chosen.workers.split(",")):
            lines.append(measure(postgres, workers, Load(chosen.batches, chosen.documents)))
            print(lines[-1], flush=True)
    if chosen.output:
        chosen.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
