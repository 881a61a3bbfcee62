"""CPU seconds to bring 100 real PDF pages into a vector collection: docmill and two peers, in one run on one machine.

    sh benchmarks/peers.sh
    python benchmarks/end_to_end.py --pdfs FOLDER [--pages 100] [--repeat 3] [--only docmill …] [--output FILE.md]

The corpus of the published figures is the PDFs of the ICDAR-2013 table competition (public EU and US documents; to be
found in the repository tabulapdf/tabula-java): the first by name until 100 pages are reached, the last document whole.

Each pipeline is a process of its own, `RUNNER FOLDER OUT_JSON`, which writes `{"stages": {"import": seconds, ...},
"pages": n, "chunks": n}` in seconds of CPU (user and system, with ended children); "versions", a mapping, may be added.
The total is taken from outside; what it holds beyond the stages (start and end of the process) is the column "other".
Pages are those that the pipeline says it read. Nothing is downloaded during a run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from resource import RUSAGE_CHILDREN

import pymupdf
from stopwatch import cpu_seconds

HERE = Path(__file__).resolve().parent
STAGES = ("import", "parse", "chunk", "embed", "index")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "UNSTRUCTURED_DISABLE_NOTICE": "1", "DO_NOT_TRACK": "1"}
LABELS = {
    "docmill": "docmill, mode fast, library alone",
    "dagster": "docmill, mode fast, through the Dagster job",
    "llamaindex": "LlamaIndex: SimpleDirectoryReader + SentenceSplitter(1024) + MiniLM (torch) + Milvus Lite",
    "unstructured": "unstructured fast + chunk_by_title + MiniLM (torch) + Milvus Lite",
}


@dataclass(frozen=True)
class Result:
    """What one pipeline took: CPU seconds by stage and in all, wall seconds, and what it made."""

    name: str
    stages: dict[str, float]
    cpu: float
    wall: float
    pages: int
    chunks: int
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def other(self) -> float:
        """CPU seconds outside the stages: the start and the end of the process."""
        return self.cpu - sum(self.stages.values())


def take(pdfs: Path, pages: int, into: Path) -> tuple[int, int]:
    """Copy the first PDFs by name until `pages` pages are reached; the numbers of documents and pages."""
    documents = counted = 0
    for path in sorted(pdfs.glob("*.pdf")):
        if counted >= pages:
            break
        try:
            with pymupdf.open(path) as document:
                counted += document.page_count
        except pymupdf.FileDataError:
            print(f"{path.name} is not a PDF that opens: left out", file=sys.stderr)
            continue
        shutil.copyfile(path, into / path.name)
        documents += 1
    return documents, counted


def interpreter(name: str) -> Path:
    """The Python of a pipeline's virtual environment; docmill's two run in this one's."""
    return Path(sys.executable) if name in ("docmill", "dagster") else HERE / ".venv" / name / "bin" / "python"


def ready(name: str) -> bool:
    """Whether a pipeline can run; says on stderr what is missing."""
    for path in (HERE / f"{name}_runner.py", interpreter(name)):
        if not path.exists():
            print(f"{name} is left out: {path.relative_to(HERE)} is missing", file=sys.stderr)
            return False
    return True


def run(name: str, folder: Path, out: Path) -> Result:
    """Run one pipeline over `folder`. Raises RuntimeError with the end of its stderr if it fails."""
    command = [str(interpreter(name)), str(HERE / f"{name}_runner.py"), str(folder), str(out)]
    cpu, wall = cpu_seconds(RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, env=os.environ | OFFLINE, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    cpu, wall = cpu_seconds(RUSAGE_CHILDREN) - cpu, time.monotonic() - wall
    said = json.loads(out.read_text(encoding="utf-8"))
    return Result(
        name, said["stages"], cpu, wall, said["pages"], said["chunks"], versions=dict(said.get("versions", {}))
    )


def measure(names: Sequence[str], folder: Path, scratch: Path, repeat: int) -> list[Result]:
    """Of each pipeline the run with the median total; they take turns, so that a busy spell meets all alike."""
    runs: dict[str, list[Result]] = {name: [] for name in names}
    for turn in range(repeat):
        for name in names:
            runs[name].append(run(name, folder, scratch / f"{name}.json"))
            print(f"run {turn + 1} of {name}: {runs[name][-1].cpu:.1f} CPU seconds", file=sys.stderr)
    return [sorted(each, key=lambda result: result.cpu)[(repeat - 1) // 2] for each in runs.values()]


def table(results: Sequence[Result]) -> str:
    """The results as a pipe table, in CPU seconds."""
    lines = [f"| pipeline | {' | '.join(STAGES)} | other | **total** | wall | pages | chunks |", "|---" * 11 + "|"]
    for each in results:
        cells = [f"{each.stages.get(stage, 0.0):.2f}" for stage in STAGES]
        cells += [f"{each.other:.2f}", f"**{each.cpu:.1f}**", f"{each.wall:.1f}", str(each.pages), str(each.chunks)]
        lines.append(f"| {LABELS[each.name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def report(results: Sequence[Result], corpus: tuple[int, int], repeat: int, command: str) -> str:
    """The results as Markdown, with what is needed to repeat them."""
    runs = "One run" if repeat == 1 else f"The run with the median total of {repeat}"
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"
    lines = [
        "# End to end, CPU seconds",
        "",
        f"{corpus[0]} documents, {corpus[1]} pages. {runs} of each pipeline, never two at a time, on {machine}.",
        "CPU seconds are user and system time with all child processes; wall is seconds by the clock.",
        "",
        table(results),
        "",
        "Versions:",
        "",
        *(
            f"- {each.name}: {', '.join(f'{k} {v}' for k, v in each.versions.items())}"
            for each in results
            if each.versions
        ),
        "",
        "Command:",
        "",
        f"    {command}",
    ]
    return "\n".join(lines) + "\n"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="CPU seconds of docmill and two peers over the same PDF pages.")
    parser.add_argument("--pdfs", type=Path, required=True, metavar="FOLDER", help="where the PDFs are")
    parser.add_argument("--pages", type=int, default=100, help="how many pages at least (default 100)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, of which the median counts (default 1)")
    parser.add_argument("--only", nargs="+", choices=tuple(LABELS), default=tuple(LABELS), help="which pipelines")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="write the table as Markdown")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; 1 if there was nothing to measure."""
    chosen = options(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pdfs"
        folder.mkdir()
        corpus = take(chosen.pdfs, chosen.pages, folder)
        names = [name for name in chosen.only if ready(name)]
        if not corpus[0] or not names:
            print("nothing to measure", file=sys.stderr)
            return 1
        results = measure(names, folder, Path(scratch), chosen.repeat)
    print(table(results))
    if chosen.output:
        given = f"--pdfs FOLDER --pages {chosen.pages} --repeat {chosen.repeat} --only {' '.join(names)}"
        text = report(results, corpus, chosen.repeat, f"python benchmarks/end_to_end.py {given}")
        chosen.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
