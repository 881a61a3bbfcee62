"""Has a virus scanner look at each object before anything reads it: ClamAV's daemon, or any command.

A document that the scanner objects to is quarantined with the scanner's word, and no reader touches it; a file that was
sent to be parsed is refused. Where the scanner cannot be asked nothing is taken in: the stage ends, no document is
marked, and a job is tried again later.
"""

from __future__ import annotations

import shlex
import socket
import struct
import subprocess
from contextlib import closing

from docmill.errors import InfectedDocumentError, SystemicError
from docmill.settings import ScanSettings

_PIECE = 1 << 16
NO_SCAN = ScanSettings()
"""Nobody looks at anything."""
_CLEAN, _FOUND = 0, 1
"""Exit codes of clamscan, clamdscan and those that follow them."""


def scan(data: bytes, name: str, settings: ScanSettings) -> None:
    """The bytes may be read; raises InfectedDocumentError, and SystemicError where the scanner cannot be asked."""
    if settings.clamd:
        _by_clamd(data, name, settings)
    if settings.command:
        _by_command(data, name, settings)


def _by_clamd(data: bytes, name: str, settings: ScanSettings) -> None:
    """ClamAV's INSTREAM: pieces with their length before them, then its verdict."""
    try:
        with closing(_connected(settings)) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                connection.sendall(struct.pack(">I", len(piece)) + piece)
            connection.sendall(struct.pack(">I", 0))
            answer = b"".join(iter(lambda: connection.recv(4096), b"")).strip(b"\0").decode(errors="replace")
    except OSError as error:
        raise _unasked(f"ClamAV at {settings.clamd}", str(error)) from error
    if answer.endswith(" FOUND"):
        raise _infected(name, answer.removeprefix("stream: ").removesuffix(" FOUND"))
    if not answer.endswith("OK"):
        raise _unasked(f"ClamAV at {settings.clamd}", answer or "no answer")


def _connected(settings: ScanSettings) -> socket.socket:
    if settings.clamd.startswith("/"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(settings.seconds)
        try:
            connection.connect(settings.clamd)
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = settings.clamd.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=settings.seconds)


def _by_command(data: bytes, name: str, settings: ScanSettings) -> None:
    command = shlex.split(settings.command)
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=settings.seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unasked(command[0], str(error)) from error
    said = (done.stdout or done.stderr).decode(errors="replace").strip()
    if done.returncode == _FOUND:
        raise _infected(name, said.splitlines()[0] if said else "something")
    if done.returncode != _CLEAN:
        raise _unasked(command[0], f"exit code {done.returncode}: {said[-200:]}")


def _infected(name: str, what: str) -> InfectedDocumentError:
    return InfectedDocumentError(
        f"The scanner found {what[:200]} in {name}.",
        hint="Remove it. One that is clean after all: send it again, or `docmill quarantine NAME --release`.",
    )


def _unasked(scanner: str, why: str) -> SystemicError:
    return SystemicError(f"{scanner} cannot be asked: {why}.", hint="Nothing is taken in unscanned: check the scanner.")
