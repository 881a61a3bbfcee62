"""Where progress goes: nowhere, unless a program (the command line) says who is to be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from docmill.models import Stage

if TYPE_CHECKING:
    from docmill.pipeline import StageReport


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
