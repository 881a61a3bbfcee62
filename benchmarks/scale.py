"""Brings very many small documents into a collection: does memory stay flat, and what does a document cost?

    python -m benchmarks.scale [--documents 100000] [--minutes 60] [--server FOLDER] [--output FILE.md]

The documents are synthetic texts of about 60 words, in batches of 1,000, read and embedded by this process and its
workers (`--runner library`) into Milvus Lite, or into a Milvus server of its own (2.3.5, installed into FOLDER if it is
not there, with its data). CPU seconds and memory (private pages) are those of all processes but the server's, looked up
in /proc every two seconds: the command's own, which holds Milvus Lite while it is open, and the workers'. How far it is
stands in the ledger. What the index alone takes: of Milvus Lite what a process that does nothing else takes more when
it has opened the collection, of a server all its private memory. After `--minutes` the run is ended where it stands.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.index import family
from tests.databases import MILVUS_ROOT, milvus_program, milvus_server

WORDS = ["brake", "kit", "order", "price", "pump", "valve", "report", "meeting", "invoice", "sensor", "engine", "water"]
WORDS += ["budget", "project", "annual", "review", "market", "table", "north", "house", "garden", "river", "history"]
PER_FOLDER = 1_000
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PARTS = 10
OPENING = """
import sys
from benchmarks.scale import private
from docmill.index.milvus import MilvusIndex
index = MilvusIndex(sys.argv[1])
with MilvusIndex(sys.argv[1] + ".empty.db").session() as client:
    client.list_collections()
before = private("self")
with index.session() as client:
    for name in client.list_collections():
        client.load_collection(name)
        client.query(name, filter="", limit=1)
    print((private("self") - before) / 2**20)
"""
"""Prints the MiB that an index takes more than an empty one, in a process that has imported and opened everything."""


def private(process: str) -> int:
    """Bytes of the process's memory that are its alone."""
    fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
    return (int(fields[1]) - int(fields[2])) * PAGE


@dataclass(frozen=True)
class Look:
    """The documents done so far, MiB of the command and of its workers, seconds since the start, and CPU seconds."""

    documents: int
    command: float
    workers: float
    wall: float
    cpu: float


@dataclass
class Watch:
    """What the processes of a session take."""

    session: int
    ledger: Path
    since: float = field(default_factory=time.monotonic)
    cpu: dict[int, float] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)

    def look(self) -> None:
        """The figures of now; a process that has ended counts with its last."""
        resident = {True: 0, False: 0}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.session:
                    self.cpu[int(folder.name)] = (int(fields[11]) + int(fields[12])) / TICK
                    resident[int(folder.name) == self.session] += private(folder.name)
            except (FileNotFoundError, ProcessLookupError):
                continue
        wall = time.monotonic() - self.since
        command, workers = resident[True] / 2**20, resident[False] / 2**20
        self.looks.append(Look(done(self.ledger), command, workers, wall, sum(self.cpu.values())))


def done(ledger: Path) -> int:
    """How many documents are in the collection."""
    if not ledger.exists():
        return 0
    connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=60)
    try:
        row = connection.execute("SELECT sum(documents) FROM usage WHERE stage = 'vector_collection'").fetchone()
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
    return int(row[0] or 0)


def make(folder: Path, count: int) -> None:
    """So many texts, in folders of a thousand."""
    dice = random.Random(1)
    for number in range(count):
        place = folder / f"{number // PER_FOLDER:05d}"
        place.mkdir(parents=True, exist_ok=True)
        text = f"Note {number}\n\n{' '.join(dice.choices(WORDS, k=60))}.\n"
        (place / f"note{number:07d}.txt").write_text(text, encoding="utf-8")


@contextmanager
def index_settings(server: Path | None) -> Iterator[dict[str, str]]:
    """The settings of the index: none for Milvus Lite, those of a server that runs meanwhile."""
    if server is None:
        yield {}
        return
    with milvus_server(milvus_program(server / "milvus-2.3.5"), server) as url:
        yield {"DOCMILL_MILVUS_URI": url, "DOCMILL_MILVUS_TOKEN": MILVUS_ROOT}


def ingest(folder: Path, home: Path, minutes: float, settings: dict[str, str]) -> Watch:
    """What `docmill ingest` took."""
    command = [str(Path(sys.executable).parent / "docmill"), "ingest", str(folder), "--runner", "library"]
    env = os.environ | {"DOCMILL_HOME": str(home), "DOCMILL_BATCH__DOCUMENTS": "1000"} | settings
    with (home.parent / "ingest.log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
        watch = Watch(started.pid, home / "ledger.db")
        while started.poll() is None:
            watch.look()
            if watch.looks[-1].wall > 60 * minutes:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
                return watch
            time.sleep(2)
    if started.returncode:
        os.killpg(started.pid, signal.SIGKILL)
        raise SystemExit((home.parent / "ingest.log").read_text()[-2_000:])
    return watch


def index_alone(home: Path) -> float:
    """MiB that the collection takes in a process that does nothing but open it."""
    command = [sys.executable, "-c", OPENING, str(home / "index.db")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return float(answer.stdout)


def started() -> int:
    """Bytes of private memory of all processes that this one started and that are alive."""
    return sum(private(str(pid)) for pid in family() if pid != os.getpid())


def curve(watch: Watch) -> list[str]:
    """A row for each tenth of the documents: the most memory while it was under way, and what it cost."""
    most = watch.looks[-1].documents
    rows = ["| documents done | MiB of the command, at most | MiB of the workers, at most | CPU s | wall s |"]
    rows += ["|---|---|---|---|---|"]
    for part in range(1, PARTS + 1):
        low, high = most * (part - 1) / PARTS, most * part / PARTS
        within = [each for each in watch.looks if low <= each.documents < high + (part == PARTS)]
        if within:
            command, workers = max(each.command for each in within), max(each.workers for each in within)
            last = within[-1]
            rows.append(f"| to {high:,.0f} | {command:,.0f} | {workers:,.0f} | {last.cpu:,.0f} | {last.wall:,.0f} |")
    return rows


def main() -> None:
    """Make, ingest, print."""
    parser = argparse.ArgumentParser(description="Memory and cost of very many small documents.")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--server", type=Path, metavar="FOLDER")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="docmill-scale-") as name:
        home = Path(name) / "home"
        home.mkdir()
        make(Path(name) / "in", chosen.documents)
        with index_settings(chosen.server) as settings:
            watch = ingest(Path(name) / "in", home, chosen.minutes, settings)
            alone = index_alone(home) if chosen.server is None else started() / 2**20
        ledger = sum(path.stat().st_size for path in home.glob("ledger.db*")) / 1e6
        index = sum(path.stat().st_size for path in (home / "index.db").rglob("*") if path.is_file()) / 1e6
        files = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6
    end = watch.looks[-1]
    each = 1_000 * end.cpu / max(1, end.documents)
    lines = [
        "| documents | done | CPU s | CPU ms each | wall s | ledger MB | index MB | home MB | MiB of the index alone |",
        "|---|---|---|---|---|---|---|---|---|",
        f"| {chosen.documents:,} | {end.documents:,} | {end.cpu:,.0f} | {each:.1f} | "
        f"{end.wall:,.0f} | {ledger:,.0f} | {index:,.0f} | {files:,.0f} | {alone:,.0f} |",
        "",
        *curve(watch),
    ]
    print("\n".join(lines))
    if chosen.output:
        chosen.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
