"""Counts very many names, in a file that nobody else sees and that is gone at the end: memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from docmill.errors import SystemicError

_IN_LIST = 500


class Tally:
    """How often each name was counted. It lies in a temporary file of SQLite, in the folder that TMPDIR names.

    Raises SystemicError at its end where the file could not be written.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("CREATE TABLE names (name TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID")
        self._file.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        if isinstance(error, sqlite3.OperationalError):
            hint = "Free some space in the folder that TMPDIR names, then run again."
            raise SystemicError(f"The temporary file cannot be written: {error}.", hint=hint) from error

    def count(self, names: Iterable[str]) -> None:
        """Each of the names was counted once more."""
        counted = "INSERT INTO names VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET times = times + 1"
        self._file.executemany(counted, ((name,) for name in names))

    def of(self, names: Sequence[str]) -> dict[str, int]:
        """How often those of the names were counted that ever were."""
        found: dict[str, int] = {}
        for start in range(0, len(names), _IN_LIST):
            part = names[start : start + _IN_LIST]
            marks = ", ".join("?" * len(part))
            query = f"SELECT name, times FROM names WHERE name IN ({marks})"  # noqa: S608 - only marks
            found |= dict(self._file.execute(query, part))
        return found
