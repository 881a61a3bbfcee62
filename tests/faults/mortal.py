"""A workspace that can be killed at any write, and documents read in this process (workers have tests of their own)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from docmill.config import ChunkConfig, PipelineConfig
from docmill.errors import PermanentError
from docmill.extract.registry import read
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.models import Stage
from docmill.settings import BatchLimits, Settings
from docmill.stages import Job, Result
from docmill.workspace import Workspace

WRITES = {
    "ledger": ("record", "claim", "set_version", "bury", "forget", "save_scan", "mark_gone"),
    "index": ("upsert", "delete"),
    "store": ("put",),
}


class Killed(BaseException):
    """The process ends here, as by SIGKILL: no handler of the product's catches it."""


class Faults:
    """Counts writes; the one at which `countdown` runs out does not return (and is done or not, as `after` says)."""

    def __init__(self) -> None:
        self.countdown = -1
        self.after = False

    def arm(self, countdown: int, *, after: bool) -> None:
        self.countdown, self.after = countdown, after

    def disarm(self) -> None:
        self.countdown = -1


class Mortal:
    """`target`, at whose `writes` the process may be killed."""

    def __init__(self, target: object, writes: Sequence[str], faults: Faults) -> None:
        self._target, self._writes, self._faults = target, writes, faults

    def __getattr__(self, name: str) -> object:
        found = getattr(self._target, name)
        return self._mortal(found) if name in self._writes else found

    def _mortal(self, method):
        def write(*arguments, **named):
            self._faults.countdown -= 1
            killed = self._faults.countdown == 0
            if killed and not self._faults.after:
                raise Killed
            answer = method(*arguments, **named)
            if killed:
                raise Killed
            return answer

        return write


def open_mortal(home: Path, index: MemoryIndex, faults: Faults) -> Workspace:
    """A workspace on a home that may have been left by a killed one."""
    pipeline = PipelineConfig(chunk=ChunkConfig(max_tokens=16, overlap_tokens=0))
    limits = BatchLimits(documents=3, settle_seconds=0)
    settings = Settings(home=home, batch=limits, pipeline=pipeline, delete_cap=1.0)
    workspace = Workspace(settings, index=Mortal(index, WRITES["index"], faults), embedder=HashEmbedder(dimensions=8))
    for part in ("ledger", "store"):
        workspace.__dict__[part] = Mortal(getattr(workspace, part), WRITES[part], faults)
    return workspace


def extract_here(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
    """The stage `extracted_elements` without worker processes."""
    for job in jobs:
        data = workspace.source_of(job.document).get(job.document.key)
        try:
            reading = read(data, job.document.key, workspace.config.extract)
        except PermanentError as error:
            yield Result(job.document, 0.0, error=error)
            continue
        key = workspace.artifacts.elements_key(job.document, workspace.fingerprints[Stage.EXTRACTED_ELEMENTS])
        workspace.artifacts.put_extraction(key, reading.extraction)
        yield Result(job.document, 0.0, {"characters": len(data)})
