"""Runs the extraction over a folder of broken and odd PDFs and over hostile ones made here: an outcome for every file.

Usage: python benchmarks/robustness.py FOLDER [--generated] [--output FILE] [--seconds S] [--memory-mb M] [--mode MODE]

Without FOLDER it measures documents of 100 to 5,000 pages instead. FOLDER holds PDFs, itself or in `pdf/`; a
`truth.csv` with the columns `file` and `outcome` (what plain PyMuPDF gave) is compared with. `--generated` adds the
documents of `hostile.py` and damaged copies of examples/documents.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import resource
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import forkserver
from pathlib import Path

from hostile import damaged, generated, long_document

from docmill.batching import form_batches
from docmill.config import Mode
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.models import Outcome, Stage, Status
from docmill.pipeline import run_stage
from docmill.plan import make_plan
from docmill.settings import BatchLimits, Settings, WorkerLimits
from docmill.sources import resolve_source
from docmill.workspace import Workspace

EXAMPLES = Path(__file__).parent.parent / "examples" / "documents"
STAGES = (Stage.RAW_DOCUMENTS, Stage.EXTRACTED_ELEMENTS)


@dataclass(frozen=True)
class Row:
    """What became of a file: ok, partial or the name of an error, with its message."""

    name: str
    group: str
    truth: str
    outcome: str
    message: str
    seconds: float
    pages: int
    failed_pages: int


class Memory(threading.Thread):
    """Watches the processes below this one: the most memory (MiB resident) that each kind ever had."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worker = self.all_at_once = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.25):
            below = _below(os.getpid())
            peaks = [_status(pid, "VmHWM") for pid in below]
            self.worker = max(self.worker, *peaks) if peaks else self.worker
            self.all_at_once = max(self.all_at_once, sum(_status(pid, "VmRSS") for pid in [os.getpid(), *below]))

    def stop(self) -> None:
        self._over.set()
        self.join()


def _status(pid: int, name: str) -> float:
    """A line of the process's status in MiB, 0 if the process is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _below(pid: int) -> list[int]:
    """The processes that descend from this one."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(path.read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def gather(folder: Path, target: Path, *, with_generated: bool) -> dict[str, tuple[str, str]]:
    """The files to read lie in `target`; group and truth of each by its name."""
    found: dict[str, tuple[str, str]] = {}
    source = folder / "pdf" if (folder / "pdf").is_dir() else folder
    table = next((path for path in (folder / "truth.csv", folder.parent / "truth.csv") if path.exists()), None)
    truth = {row["file"]: row["outcome"] for row in csv.DictReader(table.open())} if table else {}
    for path in sorted(source.glob("*.pdf")):
        (target / path.name).write_bytes(path.read_bytes())
        found[path.name] = ("folder", truth.get(path.name, ""))
    if with_generated:
        copies = (each for path in sorted(EXAMPLES.glob("*.pdf")) for each in damaged(path.stem, path.read_bytes()))
        for group, files in (("generated", generated()), ("damaged", copies)):
            for name, data in files:
                (target / name).write_bytes(data)
                found[name] = (group, "")
    return found


def extract(workspace: Workspace, folder: Path) -> dict[str, Outcome]:
    """The outcome of every document by its file's name, the extraction's or else that of the stage before."""
    plan = make_plan(workspace, "robustness", resolve_source(workspace, str(folder)))
    for batch in form_batches(workspace, "robustness", plan.pending, runner="benchmark"):
        for stage in STAGES:
            run_stage(workspace, stage, batch)
    documents = workspace.ledger.documents("robustness")
    outcomes = workspace.ledger.outcomes(each.document_id for each in documents)
    last = {each.key: [outcomes.get((each.document_id, stage)) for stage in STAGES] for each in documents}
    return {Path(key).name: found for key, pair in last.items() if (found := pair[1] or pair[0]) is not None}


def rows_of(files: dict[str, tuple[str, str]], outcomes: dict[str, Outcome]) -> list[Row]:
    """A row for every file, also for one without an outcome."""
    rows = []
    for name, (group, truth) in files.items():
        each = outcomes.get(name)
        if each is None:
            rows.append(Row(name, group, truth, "no outcome", "", 0.0, 0, 0))
            continue
        what = each.error if each.status is Status.FAILED else each.status.value
        failed = len(each.pages) if each.status is Status.PARTIAL else 0
        rows.append(Row(name, group, truth, what, each.message, each.seconds, each.counts.get("pages", 0), failed))
    return rows


def disagreements(rows: Sequence[Row]) -> list[Row]:
    """Files that plain PyMuPDF reads and docmill does not."""
    return [row for row in rows if row.truth == "ok" and row.outcome not in ("ok", "partial")]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows] + [""]


def _counts(rows: Sequence[Row], column: str, order: Sequence[str]) -> list[str]:
    kinds = [kind for kind, _ in Counter(row.outcome for row in rows).most_common()]
    counted = Counter((getattr(row, column), row.outcome) for row in rows)
    cells = [[name, *(counted[name, kind] or "–" for kind in kinds)] for name in order]
    return _table([column, *kinds], cells)


def report(rows: Sequence[Row], command: str, limits: WorkerLimits, figures: Sequence[tuple[str, object]]) -> str:
    """The page for benchmarks/."""
    known = [row for row in rows if row.truth]
    lines = ["# Robustness", "", "An outcome for every file of a run over broken, odd and hostile PDFs.", ""]
    lines += ["```sh", command, "```", ""]
    lines += [f"Limits of a worker: {limits.seconds:g} s, {limits.memory_mb} MiB; {limits.processes} workers.", ""]
    lines += _table(["what", "figure"], figures)
    lines += [
        "## Outcomes",
        "",
        "`folder`: the files given; `generated`: made to hurt; `damaged`: examples cut and flipped.",
        "",
    ]
    lines += _counts(rows, "group", sorted({row.group for row in rows}))
    if known:
        lines += [
            "## Against plain PyMuPDF",
            "",
            "Rows: what `get_text` of PyMuPDF gave for the files of the folder.",
            "",
        ]
        lines += _counts(known, "truth", [kind for kind, _ in Counter(row.truth for row in known).most_common()])
        wrong = disagreements(known)
        lines += [f"{len(wrong)} of the files that it reads are refused here{':' if wrong else '.'}", ""]
        lines += (
            _table(["file", "outcome", "message"], [[r.name, r.outcome, r.message] for r in wrong]) if wrong else []
        )
    limited = [row for row in rows if row.outcome in ("LimitExceededError", "ReaderError", "partial")]
    lines += ["## Limits, crashes and failed pages", ""]
    cells = [
        [r.name, r.outcome, f"{r.failed_pages} of {r.pages}" if r.pages else "–", r.message[:200]] for r in limited
    ]
    lines += _table(["file", "outcome", "failed pages", "message"], cells)
    lines += [
        "## The slowest",
        "",
        "Wall time from the first task of a document to its last, with what it waited for its turn.",
        "",
    ]
    slowest = sorted(rows, key=lambda row: -row.seconds)[:12]
    lines += _table(
        ["file", "outcome", "pages", "wall s"], [[r.name, r.outcome, r.pages, f"{r.seconds:.1f}"] for r in slowest]
    )
    return "\n".join(lines)


def long_documents(limits: WorkerLimits) -> str:
    """A table of what documents of ever more pages cost, each alone."""
    cells = []
    for pages in (100, 500, 1_000, 2_000, 5_000):
        with tempfile.TemporaryDirectory() as place:
            target = Path(place) / "documents"
            target.mkdir()
            (target / "long.pdf").write_bytes(long_document(pages))
            settings = Settings(home=Path(place) / "home", batch=BatchLimits(settle_seconds=0), workers=limits)
            workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
            memory = Memory()
            memory.start()
            outcome = extract(workspace, target)["long.pdf"]
            workspace.close()
            memory.stop()
        cells.append([f"{pages:,}", outcome.status.value, f"{outcome.seconds:.1f}", f"{memory.worker:.0f}"])
    head = ["pages", "outcome", "wall s", "most memory of a worker (MiB resident)"]
    return "\n".join(["# Long documents", "", *_table(head, cells)])


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="without it, long documents are measured")
    parser.add_argument("--generated", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--memory-mb", type=int, default=1536)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--mode", type=Mode, default=Mode.AUTO)
    options = parser.parse_args()
    limits = WorkerLimits(processes=options.processes, seconds=options.seconds, memory_mb=options.memory_mb)
    if options.folder is None:
        print(long_documents(limits))
        return
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "documents"
        target.mkdir()
        files = gather(options.folder, target, with_generated=options.generated)
        settings = Settings(
            home=Path(place) / "home",
            batch=BatchLimits(settle_seconds=0),
            workers=limits,
            pipeline={"extract": {"mode": options.mode}},
        )
        workspace = Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())
        memory = Memory()
        memory.start()
        since = time.monotonic()
        outcomes = extract(workspace, target)
        wall = time.monotonic() - since
        workspace.close()
        memory.stop()
        forkserver._forkserver._stop()  # the workers' CPU seconds count once their parent has ended
    rows = rows_of(files, outcomes)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    figures = [
        ("files", len(rows)),
        ("files without an outcome", sum(row.outcome == "no outcome" for row in rows)),
        ("pages read", sum(row.pages - row.failed_pages for row in rows)),
        ("wall", f"{wall:.0f} s"),
        ("CPU, all processes", f"{sum(each.ru_utime + each.ru_stime for each in used):.0f} s"),
        ("most memory of a worker", f"{memory.worker:.0f} MiB resident"),
        ("most memory of all processes at once", f"{memory.all_at_once:.0f} MiB resident"),
        ("versions", f"Python {platform.python_version()}, PyMuPDF {version('pymupdf')}"),
    ]
    flags = " --generated" * options.generated + f" --seconds {options.seconds:g} --memory-mb {options.memory_mb}"
    page = report(rows, f"python benchmarks/robustness.py FOLDER{flags}", limits, figures)
    print(page)
    if options.output:
        options.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
