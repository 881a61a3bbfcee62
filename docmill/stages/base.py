"""What goes into a stage's work and what comes out, document by document."""

from __future__ import annotations

from dataclasses import dataclass, field

from docmill.errors import PermanentError, TransientError
from docmill.models import Document, Member


@dataclass(frozen=True)
class Job:
    """A document to be worked on; an artifact that is there already may be taken only where `reuse` says so."""

    document: Document
    reuse: bool


@dataclass(frozen=True)
class Result:
    """What became of a document. `error` is None unless it failed.

    `failed_pages` failed, wholly or in part, while the rest was kept; so was it where `lacking` says what went wrong.
    `members` are the documents inside of it.

    `seconds` is wall time; `note` is for people, such as what was repaired or doubtful.
    """

    document: Document
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    error: PermanentError | TransientError | None = None
    failed_pages: tuple[int, ...] = ()
    lacking: PermanentError | TransientError | None = None
    note: str = ""
    members: tuple[Member, ...] = ()
