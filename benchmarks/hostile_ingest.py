"""Ingests a folder of hostile files by the real command and says what became of each, and who was called.

Usage: python benchmarks/hostile_ingest.py [--output FILE] [--seconds S] [--memory-mb M] [--only NAME …]
       [--without NAME …]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hostile_files import generated, sparse

from docmill.ledger import Ledger
from docmill.models import Document, Outcome, Stage, Status

SPARSE = "sparse-4-GB.txt"


@dataclass(frozen=True)
class Row:
    """What became of a file: how many of its members were read and failed, and seconds of parsing."""

    name: str
    outcome: str
    members: int
    failed_members: int
    seconds: float
    message: str


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address, and who has come to it so far."""
    callers: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                callers.append(connection.recv(200).decode("latin-1").split("\r\n")[0])
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", callers


def make(folder: Path, url: str, only: Sequence[str], without: Sequence[str]) -> None:
    """The files lie in the folder."""
    for name, content in generated(url).items():
        if (not only or name in only) and name not in without:
            (folder / name).write_bytes(content())
    if not only or SPARSE in only:
        sparse(folder / SPARSE, 4 << 30)


def rows(ledger: Ledger) -> list[Row]:
    """A row for each file, by name."""
    documents = ledger.documents("default")
    outcomes = ledger.outcomes(each.document_id for each in documents)
    found = []
    for document in documents:
        if document.container:
            continue
        members = [each for each in documents if each.container == document.source_key]
        failed = sum(_worst(each, outcomes)[0] not in ("ok", "partial") for each in members)
        outcome, message = _worst(document, outcomes)
        own = outcomes.get((document.document_id, Stage.EXTRACTED_ELEMENTS))
        seconds = own.seconds if own else 0.0
        found.append(Row(document.key, outcome, len(members), failed, seconds, message))
    return found


def _worst(document: Document, outcomes: dict[tuple[str, Stage], Outcome]) -> tuple[str, str]:
    """The first outcome that is not ok, else ok or that it never came through, with its message."""
    for stage in Stage:
        outcome = outcomes.get((document.document_id, stage))
        if outcome is None:
            return "waiting", f"not through {stage}"
        if outcome.status is not Status.OK:
            return (outcome.error if outcome.status is Status.FAILED else outcome.status.value), outcome.message
    return "ok", ""


def report(found: Sequence[Row], seconds: float, cpu: float, peak: float, indexed: int, callers: Sequence[str]) -> str:
    """The page's table; `indexed` rows are in the index afterwards."""
    lines = [
        f"{len(found)} files in {seconds:.0f} s ({cpu:.0f} CPU-s); the largest process had {peak:.0f} MiB; "
        f"{indexed} rows in the index; {len(callers)} calls out of the documents.",
        "",
        "| file | outcome | members | of these failed | s | message |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        message = row.message.replace("|", "\\|").replace("\n", " ")[:180]
        members = f"{row.members or ''} | {row.failed_members or ''}"
        lines.append(f"| {row.name} | {row.outcome} | {members} | {row.seconds:.1f} | {message} |")
    return "\n".join(lines) + "\n"


def rows_in_index(docmill: str, environment: dict[str, str]) -> int:
    """How many rows `docmill status` counts in the index."""
    done = subprocess.run([docmill, "status", "--json"], env=environment, capture_output=True, text=True, check=True)
    return sum(each["rows"] for each in json.loads(done.stdout)["collections"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--memory-mb", type=int, default=4096)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--without", nargs="*", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, listener() as (url, callers):
        folder, home = Path(name, "files"), Path(name, "home")
        folder.mkdir()
        make(folder, url, arguments.only, arguments.without)
        limits = {"DOCMILL_WORKERS__SECONDS": arguments.seconds, "DOCMILL_WORKERS__MEMORY_MB": arguments.memory_mb}
        environment = os.environ | {"DOCMILL_HOME": str(home)} | {key: str(value) for key, value in limits.items()}
        command = [str(Path(sys.executable).parent / "docmill"), "ingest", str(folder), "--runner", "library", "--json"]
        started = time.monotonic()
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
        seconds = time.monotonic() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        ledger = Ledger(f"sqlite:///{home}/ledger.db")
        cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        made = report(rows(ledger), seconds, cpu, peak, rows_in_index(command[0], environment), callers)
        ledger.close()
    print(made if done.returncode in (0, 2) else f"docmill ended with {done.returncode}\n\n{made}")
    if arguments.output:
        arguments.output.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
