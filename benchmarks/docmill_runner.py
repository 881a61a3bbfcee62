"""docmill in its fast mode over a folder of PDFs: headings, tables, boxes, int8 vectors, Milvus Lite, isolated workers.

The same stages and ledger as everywhere; the work of the worker processes is counted where it is done.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path

from stopwatch import Stopwatch, arguments, cpu_seconds, leave

STAGES = {"raw_documents": "parse", "extracted_elements": "parse", "chunks": "chunk", "embeddings": "embed"}
PACKAGES = ("docmill", "pymupdf", "onnxruntime", "pymilvus", "milvus-lite")


class Meter:
    """Told of every stage; adds its CPU seconds to the stopwatch."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch, self.began, self.chunks, self.pages = watch, 0.0, 0, 0

    def begin(self, stage: str, batch: str, total: int) -> None:
        self.began = cpu_seconds()

    def advance(self, documents: int) -> None:
        pass

    def end(self, report) -> None:  # noqa: ANN001 - docmill is imported later, to count its import
        if report.stage == "extracted_elements":
            forkserver._forkserver._stop()  # the workers' seconds count once their parent has ended
            self.pages += report.counts.get("pages", 0)
        self.chunks += report.counts.get("chunks", 0)
        name = STAGES.get(report.stage, "index")
        self.watch.stages[name] = self.watch.stages.get(name, 0.0) + cpu_seconds() - self.began


@contextmanager
def fresh_home() -> Iterator[Path]:
    """An empty home but for the model, which is built once a home (0.4 CPU seconds, in the first run) and kept."""
    models = Path(__file__).resolve().parent / ".home" / "models"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "models").symlink_to(models)
        yield Path(home)


def main(runner: str, packages: tuple[str, ...]) -> None:
    """Ingest the folder by a runner and leave the figures."""
    folder, out = arguments()
    watch = Stopwatch()
    with fresh_home() as home:
        os.environ |= {"DOCMILL_HOME": str(home), "DOCMILL_PIPELINE__EXTRACT__MODE": "fast"}
        with watch.stage("import"):
            from docmill.batching import form_batches
            from docmill.index.lean import import_pymilvus
            from docmill.models import Stage
            from docmill.pipeline import Scope
            from docmill.plan import make_plan
            from docmill.progress import told
            from docmill.runners import find_runner
            from docmill.settings import load_settings
            from docmill.sources import resolve_source
            from docmill.workspace import Workspace

            import_pymilvus()
            workspace = Workspace(load_settings())
        meter = Meter(watch)
        plan = make_plan(workspace, "bench", resolve_source(workspace, str(folder)))
        with told(meter):
            for batch in form_batches(workspace, "bench", plan.pending, runner="benchmark"):
                find_runner(runner).run(workspace, batch, list(Stage), Scope())
        failures = workspace.ledger.failures()
        workspace.close()
    for each in failures:
        print(f"{each.document.source_key}: {each.outcome.message}", file=sys.stderr)
    leave(Path(out), watch, pages=meter.pages, chunks=meter.chunks, packages=packages)


if __name__ == "__main__":
    main("library", PACKAGES)
