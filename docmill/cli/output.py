"""What the commands print: tables for people on a terminal, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from docmill.errors import DocmillError
from docmill.ledger import Failure
from docmill.logs import LogLines, log_as_json
from docmill.models import Outcome, Stage, Status
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


@contextmanager
def comparing(source: str) -> Iterator[Callable[[int], None]]:
    """While a source is gone through, standard error says how many objects have been compared: call it with some more.

    Where it is no terminal a line is written for each call but the first, so that a small source says nothing.
    """
    total = 0

    def tell(listed: int) -> None:
        nonlocal total
        line = f"{escape(short(source))}: {total + listed:,} objects compared"
        if total and not notes.is_terminal:
            notes.print(line)
        total += listed
        status.update(line)

    with notes.status(f"Listing {escape(short(source))}") as status:
        yield tell


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


@dataclass
class StageTotals:
    """A stage of a run over all its batches; `seconds` and `pages` are those of the documents that were worked on."""

    documents: int = 0
    ok: int = 0
    failed: int = 0
    waiting: int = 0
    worked_on: int = 0
    seconds: float = 0.0
    pages: int = 0

    def add(self, report: StageReport, pages: int) -> None:
        """The stage of another batch is among them."""
        self.documents += report.documents
        self.ok += report.ok + report.partial
        self.failed += report.failed
        self.waiting += report.waiting
        self.worked_on += report.processed
        self.seconds += report.seconds if report.worked_on else 0.0
        self.pages += pages


class StageBars:
    """Progress bars on standard error, one a stage, and what came of the stages that are done.

    That is added up as it comes: a run of very many batches keeps no list of its documents. `notes` is what the stages
    found odd in documents that are all right, such as a name that belies the content.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.notes: list[dict[str, str]] = []
        self._workspace = workspace
        self._totals: dict[Stage, StageTotals] = {stage: StageTotals() for stage in Stage}
        self._bars = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=notes,
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[Stage, TaskID] = {}
        self._begun: dict[Stage, int] = {}
        self._task: TaskID | None = None

    def begin(self, stage: Stage, batch: str, total: int) -> None:
        """The stage's bar is longer by that."""
        self._begun[stage] = self._begun.get(stage, 0) + total
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage.value, total=total)
        self._task = self._tasks[stage]
        self._bars.update(self._task, total=self._begun[stage])
        if not sys.stderr.isatty():
            notes.print(f"{batch} {stage.value}: {total} documents")

    def advance(self, documents: int) -> None:
        """The bar moves."""
        if self._task is not None:
            self._bars.advance(self._task, documents)

    def end(self, report: StageReport) -> None:
        """The report is added to the stage's."""
        pages = sum(self._workspace.ledger.pages(report.worked_on).values())
        self._totals[report.stage].add(report, pages)
        outcomes = self._workspace.ledger.outcomes(report.worked_on)
        odd = {key[0]: each.message for key, each in outcomes.items() if _is_odd(report.stage, key[1], each)}
        self.notes += [
            {"source": document.source_key, "stage": report.stage.value, "message": odd[document.document_id]}
            for document in self._workspace.ledger.documents_by_id(list(odd))
        ]

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The bars are on the screen."""
        with self._bars, told(self):
            yield

    @property
    def begun(self) -> bool:
        """Whether any stage has been run."""
        return bool(self._begun)

    def records(self) -> list[dict[str, object]]:
        """Each stage of the run for programs; pages a second count those of the documents that the run worked on."""
        return [_stage_record(stage, each) for stage, each in self._totals.items()]


def _is_odd(wanted: Stage, stage: Stage, outcome: Outcome) -> bool:
    return stage is wanted and outcome.status is Status.OK and bool(outcome.message)


def print_stages(bars: StageBars) -> None:
    """A row a stage over all batches of a run: documents, ok, failed, pages a second."""
    columns = ["stage", "#documents", "#ok", "#failed", "#waiting", "#worked on", "#seconds", "#pages/s"]
    names = ["stage", "documents", "ok", "failed", "waiting", "worked_on", "seconds", "pages_per_second"]
    table("", columns, [["" if row[name] is None else row[name] for name in names] for row in bars.records()])


def _stage_record(stage: Stage, totals: StageTotals) -> dict[str, object]:
    seconds, pages = totals.seconds, totals.pages
    shown = {name: getattr(totals, name) for name in ("documents", "ok", "failed", "waiting", "worked_on")}
    speed = round(pages / seconds, 1) if seconds and pages else None
    return {"stage": stage.value, **shown, "seconds": round(seconds, 2), "pages_per_second": speed}


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
