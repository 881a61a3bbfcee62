"""Who works on jobs: processes, told apart from all others, dead ones too."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    """A name of this process that no other one gets: host, process id and its start."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    """When a process of this machine began, in ticks since the start of the system; "" if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine that has ended; False where that cannot be told."""
    host, _, rest = owner.partition(":")
    pid, _, started = rest.partition(":")
    return host == socket.gethostname() and pid.isdigit() and bool(started) and _started(int(pid)) != started
