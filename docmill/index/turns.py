"""Lets processes take turns at a folder that only one of them may have open.

Two lock files (flock: the kernel releases them when a process dies). Whoever wants the folder first takes `.next`, then
waits for `.lock`, then lets go of `.next`. So the one that waits comes before the one that has just closed the folder
and wants it again: a batch that is written in many turns cannot starve a search.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_SECONDS = 0.01


class Turns:
    """Turns at a folder; the lock files lie beside it."""

    def __init__(self, folder: str) -> None:
        self._lock = Path(folder + ".lock")
        self._next = Path(folder + ".next")

    @contextmanager
    def mine(self, seconds: float) -> Iterator[None]:
        """The folder is this process's; raises TimeoutError after waiting for that long."""
        deadline = time.monotonic() + seconds
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            with self._next.open("w") as following:
                _wait(following, deadline)
                _wait(lock, deadline)
            yield

    def wanted(self) -> bool:
        """Whether another process waits for its turn."""
        with self._next.open("w") as following:
            return not _take(following)


def _wait(file: IO[str], deadline: float) -> None:
    while not _take(file):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL_SECONDS)


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
