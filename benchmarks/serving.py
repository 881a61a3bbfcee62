"""Runs the service for the benchmarks that drive it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SECONDS = 300.0


@contextmanager
def serving(home: Path, port: int, command: Sequence[str] = (), **settings: str) -> Iterator[tuple[str, int]]:
    """(address, process id) of a service that answers: `docmill serve`, or what a command of Python starts.

    `settings` are variables of its environment; its log is `serve.log` beside the home.
    """
    chosen = [*command] or ["-m", "docmill.cli", "serve", "--port", str(port)]
    env = os.environ | {"DOCMILL_HOME": str(home)} | settings
    with (home.parent / "serve.log").open("ab") as log:
        started = subprocess.Popen([sys.executable, *chosen], env=env, stdout=log, stderr=log, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url, started.pid
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
        started.wait()


def _wait(url: str) -> None:
    """Returns when the service answers; raises SystemExit where it does not within the time."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=5)
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise SystemExit(f"The service at {url} does not answer.")
