"""What a job is, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from docmill.ids import digest

ANEW = "anew"
"""A job whose payload has this set is done whatever was done before; its result serves later jobs of the same work."""
KEPT = "kept"
"""A job whose payload has this set does not expire: its result stays until it is deleted; the files that came go."""


class JobState(StrEnum):
    """How far a job is; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether it changes no more."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class Job:
    """A job as the database holds it; times are seconds since the epoch, 0 where not yet.

    `error` is the class of what made it fail, with `message` and `hint` for people. `subject` is what the job is about:
    its tenant can list the jobs of one subject. Jobs of a higher `priority` are begun before others, whoever's they
    are. `awaits` is the id of a job that must have ended before this one is begun, "" for none.
    """

    job_id: str
    kind: str
    tenant: str
    work: str
    state: JobState
    payload: dict[str, object]
    files: tuple[str, ...] = ()
    attempts: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    expires_at: float = 0.0
    progress: dict[str, object] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    hint: str = ""
    subject: str = ""
    priority: int = 0
    awaits: str = ""

    def key(self, name: str) -> str:
        """Where one of its files, or its result, lies in the store."""
        return f"jobs/{self.job_id}/{name}"


def work_id(kind: str, options: str, contents: Sequence[str]) -> str:
    """The hash of what is to be done: the kind, the options as canonical text and the sha256 of each content."""
    return digest("work", kind, options, *contents)
