"""What the commands print: tables for people on a terminal, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from docmill.errors import DocmillError
from docmill.ledger import Failure
from docmill.logs import LogLines, log_as_json
from docmill.models import Stage
from docmill.pipeline import StageReport
from docmill.progress import told
from docmill.settings import load_settings
from docmill.workspace import Workspace

_PIPE_WIDTH = 160
"""Columns where the output is no terminal that has a width of its own."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
notes = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def log_as_settings_say() -> None:
    """With log_format = json, what would be notes on standard error are lines of the log."""
    if load_settings().log_format == "json":
        log_as_json()
        notes.file = cast(IO[str], LogLines(logging.getLogger("docmill.cli")))


@contextmanager
def open_workspace() -> Iterator[Workspace]:
    """A workspace from the settings, closed at the end."""
    workspace = Workspace(load_settings())
    try:
        yield workspace
    finally:
        workspace.close()


def print_json(value: object) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def short(source_key: str) -> str:
    """The source key for people: without `file://`, relative to the current folder where it lies below it."""
    path = source_key.removeprefix("file://")
    if path == source_key:
        return source_key
    here = f"{Path.cwd()}/"
    return path.removeprefix(here)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; columns whose name begins with `#` are numbers."""
    made = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", expand=False)
    for column in columns:
        made.add_column(
            column.removeprefix("#"), justify="right" if column.startswith("#") else "left", overflow="fold"
        )
    for row in rows:
        made.add_row(*(escape(str(value)) for value in row))
    console.print(made)


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Errors name the file."""
    try:
        yield
    except DocmillError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint, pages=error.pages) from error


def failure_record(failure: Failure) -> dict[str, object]:
    """A failure for programs."""
    outcome = failure.outcome
    return {
        "document_id": failure.document.document_id,
        "source": failure.document.source_key,
        "batch": failure.document.batch,
        "stage": outcome.stage.value,
        "status": outcome.status.value,
        "error": outcome.error,
        "class": outcome.error_class.value if outcome.error_class else None,
        "message": outcome.message,
        "hint": outcome.hint,
        "pages": list(outcome.pages),
        "attempts": outcome.attempts,
        "run_id": outcome.run_id,
    }


def print_failures(failures: Sequence[Failure]) -> None:
    """A line or two for each failed document: which, where, why, the way out."""
    for each in failures:
        kind = each.outcome.error_class.value if each.outcome.error_class else "partial"
        console.print(
            f"[red]✗[/red] {escape(short(each.document.source_key))}  [dim]{each.outcome.stage}, {kind}[/dim]"
        )
        console.print(f"    {escape(each.outcome.message)}")
        if each.outcome.hint:
            console.print(f"    [dim]{escape(each.outcome.hint)}[/dim]")


class StageBars:
    """Progress bars on standard error, one a stage, and the reports of the stages that are done."""

    def __init__(self) -> None:
        self.reports: list[StageReport] = []
        self._bars = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=notes,
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None
        self._stage = ""

    def begin(self, stage: Stage, batch: str, total: int) -> None:
        """A bar for the stage."""
        self._stage = stage.value
        self._task = self._bars.add_task(stage.value, total=total)
        if not sys.stderr.isatty():
            notes.print(f"{batch} {stage.value}: {total} documents")

    def advance(self, documents: int) -> None:
        """The bar moves."""
        if self._task is not None:
            self._bars.advance(self._task, documents)

    def end(self, report: StageReport) -> None:
        """The report is kept."""
        self.reports.append(report)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The bars are on the screen."""
        with self._bars, told(self):
            yield


def print_stages(workspace: Workspace, reports: Sequence[StageReport]) -> None:
    """A row a stage over all batches of a run: documents, ok, failed, pages a second."""
    rows = [stage_record(workspace, stage, [each for each in reports if each.stage is stage]) for stage in Stage]
    columns = ["stage", "#documents", "#ok", "#failed", "#waiting", "#worked on", "#seconds", "#pages/s"]
    names = ["stage", "documents", "ok", "failed", "waiting", "worked_on", "seconds", "pages_per_second"]
    table("", columns, [["" if row[name] is None else row[name] for name in names] for row in rows])


def stage_record(workspace: Workspace, stage: Stage, reports: Sequence[StageReport]) -> dict[str, object]:
    """A stage of a run in numbers; pages a second count the pages of the documents that the run worked on."""
    ids = [document for each in reports for document in each.worked_on]
    pages = sum(workspace.ledger.pages(ids).values())
    seconds = sum(each.seconds for each in reports if each.worked_on)
    return {
        "stage": stage.value,
        "documents": sum(each.documents for each in reports),
        "ok": sum(each.ok + each.partial for each in reports),
        "failed": sum(each.failed for each in reports),
        "waiting": sum(each.waiting for each in reports),
        "worked_on": len(ids),
        "seconds": round(seconds, 2),
        "pages_per_second": round(pages / seconds, 1) if seconds and pages else None,
    }


def complain(error: DocmillError) -> None:
    """Say what went wrong and the way out: to people, to programs (--json), or to the log."""
    if "--json" in sys.argv:
        print(json.dumps({"error": type(error).__name__, "message": error.message, "hint": error.hint}))
        return
    if isinstance(notes.file, LogLines):
        about = {"error": type(error).__name__, "hint": error.hint}
        logging.getLogger("docmill.cli").error(error.message, extra=about)
        return
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[red]Error:[/red] {escape(error.message)}")
    if error.hint:
        console.print(f"  {error.hint}", markup=False)
