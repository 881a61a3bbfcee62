"""Brings very many small documents into a collection: does memory stay flat, and what does a document cost?

    python benchmarks/scale.py [--documents 100000] [--output FILE.md]

The documents are synthetic texts of about 60 words, in batches of 1,000, read and embedded by this process and its
workers (`--runner library`) into Milvus Lite. CPU seconds and memory are those of all processes, looked up
in /proc every two seconds; the ledger's size is that of its SQLite files.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

WORDS = ["brake", "kit", "order", "price", "pump", "valve", "report", "meeting", "invoice", "sensor", "engine", "water"]
WORDS += ["budget", "project", "annual", "review", "market", "table", "north", "house", "garden", "river", "history"]
PER_FOLDER = 1_000
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Watch:
    """What the processes of a session took: CPU seconds, and MiB resident at each look (private pages)."""

    session: int
    cpu: dict[int, float] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)

    def look(self) -> None:
        """The figures of now; a process that has ended counts with its last."""
        resident = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                shared = (folder / "statm").read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.session:
                self.cpu[int(folder.name)] = (int(fields[11]) + int(fields[12])) / TICK
                resident += (int(shared[1]) - int(shared[2])) * PAGE
        self.memory.append(resident / 2**20)


def make(folder: Path, count: int) -> None:
    """So many texts, in folders of a thousand."""
    dice = random.Random(1)
    for number in range(count):
        place = folder / f"{number // PER_FOLDER:05d}"
        place.mkdir(parents=True, exist_ok=True)
        text = f"Note {number}\n\n{' '.join(dice.choices(WORDS, k=60))}.\n"
        (place / f"note{number:07d}.txt").write_text(text, encoding="utf-8")


def ingest(folder: Path, home: Path) -> tuple[Watch, float]:
    """What `docmill ingest` took, and its wall seconds."""
    command = [str(Path(sys.executable).parent / "docmill"), "ingest", str(folder), "--runner", "library"]
    env = os.environ | {"DOCMILL_HOME": str(home), "DOCMILL_BATCH__DOCUMENTS": "1000"}
    since = time.monotonic()
    with (home.parent / "ingest.log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
        watch = Watch(started.pid)
        while started.poll() is None:
            watch.look()
            time.sleep(2)
    if started.returncode:
        os.killpg(started.pid, signal.SIGKILL)
        raise SystemExit((home.parent / "ingest.log").read_text()[-2_000:])
    return watch, time.monotonic() - since


def quarters(memory: list[float]) -> list[float]:
    """The most in each quarter of the run."""
    size = max(1, len(memory) // 4)
    return [max(memory[start : start + size]) for start in range(0, 4 * size, size)]


def main() -> None:
    """Make, ingest, print."""
    parser = argparse.ArgumentParser(description="Memory and cost of very many small documents.")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="docmill-scale-") as name:
        home = Path(name) / "home"
        home.mkdir()
        make(Path(name) / "in", chosen.documents)
        watch, wall = ingest(Path(name) / "in", home)
        ledger = sum(path.stat().st_size for path in home.glob("ledger.db*")) / 1e6
        files = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6
    cpu = sum(watch.cpu.values())
    lines = [
        "| documents | CPU s | CPU ms a document | wall s | MiB at most, by quarter of the run | ledger MB | home MB |",
        "|---|---|---|---|---|---|---|",
        f"| {chosen.documents:,} | {cpu:,.0f} | {1_000 * cpu / chosen.documents:.1f} | {wall:,.0f} | "
        f"{', '.join(f'{each:,.0f}' for each in quarters(watch.memory))} | {ledger:,.0f} | {files:,.0f} |",
    ]
    print("\n".join(lines))
    if chosen.output:
        chosen.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
