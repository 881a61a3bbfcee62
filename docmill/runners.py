"""Who runs a batch: the library in this process, or a platform that is installed beside it (Dagster).

A platform names itself by an entry point of the group `docmill.runners` with its package's name, so the library never
imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Protocol

from docmill.errors import UsageError
from docmill.models import Stage
from docmill.pipeline import Scope, run_batch
from docmill.workspace import Workspace


class BatchRunner(Protocol):
    """Takes batches through stages."""

    name: str

    def run(
        self, workspace: Workspace, batch: str, stages: Sequence[Stage], scope: Scope, started_by: str = "command line"
    ) -> None:
        """The batch has been through the stages; raises what ended it before. `started_by` is told to people."""
        ...

    def check(self, workspace: Workspace) -> tuple[bool, str]:
        """Whether the runner can run, and a sentence on it."""
        ...


class LibraryRunner:
    """Runs batches in this process, without any platform."""

    name = "library"

    def run(
        self, workspace: Workspace, batch: str, stages: Sequence[Stage], scope: Scope, started_by: str = "command line"
    ) -> None:
        """The batch has been through the stages."""
        run_batch(workspace, batch, stages=stages, scope=scope, run_id=f"library-{batch}")

    def check(self, workspace: Workspace) -> tuple[bool, str]:
        """The library can always run."""
        return True, "Batches run in this process; Dagster is not installed here."


def find_runner(name: str = "") -> BatchRunner:
    """The runner of that name; without a name a platform's where one is installed, else the library's.

    Raises UsageError where there is none of that name.
    """
    entry = find_entry(name)
    if entry is None:
        return LibraryRunner()
    runner: BatchRunner = entry.load()()
    return runner


def find_entry(name: str) -> EntryPoint | None:
    """Where `find_runner` would take the runner from, None for the library's; nothing is imported.

    Raises UsageError where there is none of that name.
    """
    if name == LibraryRunner.name:
        return None
    for entry in entry_points(group="docmill.runners"):
        installed = all(find_spec(package) for package in (entry.module.partition(".")[0], entry.name))
        if installed and name in ("", entry.name):
            return entry
    if name:
        hint = "Take library; dagster needs docmill[platform] from a checkout."
        raise UsageError(f"There is no runner {name!r} here.", hint=hint)
    return None
