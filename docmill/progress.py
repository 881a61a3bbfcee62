"""Where progress goes: to the log, and to a program (the command line) that says who is to be told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from docmill.models import Document, Outcome, Stage, Status

if TYPE_CHECKING:
    from docmill.pipeline import StageReport

_log = logging.getLogger(__name__)


class Progress(Protocol):
    """Told how far a stage is."""

    def begin(self, stage: Stage, batch: str, total: int) -> None:
        """A stage begins with so many documents."""
        ...

    def advance(self, documents: int) -> None:
        """So many more are done."""
        ...

    def end(self, report: StageReport) -> None:
        """The stage is done."""
        ...


class Silent:
    """Progress that nobody looks at."""

    def begin(self, stage: Stage, batch: str, total: int) -> None:
        """Nothing happens."""

    def advance(self, documents: int) -> None:
        """Nothing happens."""

    def end(self, report: StageReport) -> None:
        """Nothing happens."""


_listener: list[Progress] = [Silent()]


def current() -> Progress:
    """Who is told now."""
    return _listener[-1]


@contextmanager
def told(progress: Progress) -> Iterator[None]:
    """`progress` is told as long as this lasts, also of work that another library (Dagster) runs in this process."""
    _listener.append(progress)
    try:
        yield
    finally:
        _listener.pop()


def numbers_of(report: StageReport) -> dict[str, int]:
    """How many documents stand how."""
    return {name: getattr(report, name) for name in ("documents", "ok", "partial", "failed", "waiting")}


def log_stage(report: StageReport) -> None:
    """A line of the log says how the batch stands."""
    about = {"collection": report.collection, "worked_on": report.processed, "seconds": round(report.seconds, 3)}
    _log.info("stage", extra=numbers_of(report) | about)


def log_outcome(document: Document, outcome: Outcome) -> None:
    """A line of the log says what became of the document; where all is well only for those who look for faults."""
    about = {"document_id": document.document_id, "source": document.source_key, "reason": outcome.message}
    about |= {name: getattr(outcome, name) for name in ("status", "error", "hint", "seconds")}
    _log.log(logging.DEBUG if outcome.status is Status.OK else logging.INFO, "document", extra=about)
