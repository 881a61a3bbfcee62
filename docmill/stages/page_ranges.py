"""How a PDF goes through the workers: in page ranges if it is long, and around pages that a worker fails on.

A worker notes each page before it touches it and keeps each page that it has read (`docmill/extract/spool.py`). When it
dies at a page, the pages before are there already; a new task begins after that page, or with it where it may have
been innocent: the time or memory may have gone to the pages before. A page that fails as the first one of its task, or
a second time, or crashes its reader, is not touched again.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field, replace

from docmill.errors import DocmillError, EmptyDocumentError, LimitExceededError, ReaderError
from docmill.extract.spool import NOWHERE, PREVIEW, Spool
from docmill.extract.worker import Answer, Part, Step, Task, Unfinished

PATIENCE = 16
"""How many fruitless tasks a document may cost; one that uses up its time counts as 4."""
_PROGRESS = 20
"""A task that read so many pages before it failed was not fruitless."""


@dataclass
class PdfInWork:
    """One PDF on its way. `after` is told of each task's end and says what is to be done next."""

    task: Task
    _since: float = 0.0
    _pages: int = 0
    _open: int = 1
    _bad: dict[int, str] = field(default_factory=dict)
    _suspects: set[int] = field(default_factory=set)
    _fruitless: int = 0
    _limit: DocmillError | None = None
    _done: bool = False

    @property
    def seconds(self) -> float:
        """Wall time since the first task began."""
        return time.monotonic() - self._since

    def after(
        self, task: Task, answer: Answer | Unfinished | DocmillError, seconds: float
    ) -> list[Task] | Answer | DocmillError:
        """The tasks to come (none where others are still under way), or the document's answer or error."""
        self._since = self._since or time.monotonic() - seconds
        self._open -= 1
        if self._done:
            return []
        if isinstance(answer, LimitExceededError | ReaderError) and _ended_by_pool(answer):
            following = self._around(task, answer)
        elif isinstance(answer, Unfinished):
            following = self._ranges(answer.pages) if task.part.step is Step.DOCUMENT else []
        else:
            return self._end(answer)
        if isinstance(following, DocmillError):
            return self._end(following)
        if not following and self._open == 0:
            if len(self._bad) == self._pages:
                return self._end(self._nothing_left())
            following = [self.task.to(Part(Step.JOIN, bad=tuple(sorted(self._bad.items()))))]
        self._open += len(following)
        return following

    def _end(self, answer: Answer | DocmillError) -> Answer | DocmillError:
        self._done = True
        shutil.rmtree(self.task.spool, ignore_errors=True)  # tasks that still wait for their turn have nothing to do
        if isinstance(answer, EmptyDocumentError) and self._bad:
            self._pages = len(answer.pages)
            return self._nothing_left()
        return answer

    def _ranges(self, pages: int) -> list[Task]:
        """The tasks that read a long document."""
        self._pages = pages
        step = self.task.config.pages_per_task
        parts = [Part(Step.PAGES, start, min(start + step, pages)) for start in range(0, pages, step)]
        return [self.task.to(split) for part in parts for split in self._without_bad(part)]

    def _without_bad(self, part: Part) -> list[Part]:
        """The part in pieces that leave bad pages out."""
        stops = [number for number in sorted(self._bad) if part.start <= number < part.stop]
        starts = [part.start, *(number + 1 for number in stops)]
        pieces = zip(starts, [*stops, part.stop], strict=True)
        return [Part(Step.PAGES, start, stop) for start, stop in pieces if start < stop]

    def _around(self, task: Task, error: LimitExceededError | ReaderError) -> list[Task] | DocmillError:
        """What is to be done after a worker failed: the pages that it did not come to, without the one at fault."""
        spool, part = Spool(task.spool), task.part
        at = spool.noted(part.name)
        if at == PREVIEW:
            self.task = replace(self.task, preview="")
            return [replace(task, preview="", part=replace(part, step=Step.JOIN, bad=tuple(sorted(self._bad.items()))))]
        if at == NOWHERE:
            return error
        self._limit = error
        head = spool.get("head")
        if head is None:
            return self._sampled_again(at, error)
        if part.step is Step.DOCUMENT:
            self._pages = head.count
            part = replace(part, stop=head.count)
        first = min(number for number in range(part.start, part.stop) if number not in self._bad)
        self._count(error, at - first)
        self._judge(at, error, alone=at == first)
        if self._fruitless >= PATIENCE:
            given_up = f"was not read: the document was given up on after a page that {_reason(error)}"
            self._bad |= {number: given_up for number in range(at, part.stop) if number not in self._bad}
        rest = Part(Step.PAGES, at, part.stop)
        return [self.task.to(piece) for piece in self._without_bad(rest)]

    def _sampled_again(self, at: int, error: LimitExceededError | ReaderError) -> list[Task] | DocmillError:
        """The document anew without that page read ahead; a bad page is not touched at all."""
        self._count(error, 0)
        if self._fruitless >= PATIENCE:
            return error
        self._judge(at, error, alone=at == 0)
        again = Part(bad=tuple(sorted(self._bad.items())), untouched=tuple(sorted(self._suspects)))
        return [self.task.to(again)]

    def _judge(self, at: int, error: LimitExceededError | ReaderError, *, alone: bool) -> None:
        """The page is bad, or suspected if pages before it may have taken the time or the memory."""
        by_limit = isinstance(error, LimitExceededError) and error.stopped in ("time", "memory")
        if by_limit and not alone and at not in self._suspects:
            self._suspects.add(at)
        else:
            self._bad[at] = _reason(error)

    def _count(self, error: DocmillError, read: int) -> None:
        if read < _PROGRESS:
            self._fruitless += 4 if getattr(error, "stopped", "") == "time" else 1

    def _nothing_left(self) -> DocmillError:
        """The error of a document of which no page could be read, because of the limits that it met."""
        reasons = "; ".join(dict.fromkeys(self._bad[number] for number in sorted(self._bad)))
        hint = self._limit.hint if self._limit else ""
        pages = tuple(number + 1 for number in sorted(self._bad))
        kind = ReaderError if isinstance(self._limit, ReaderError) else LimitExceededError
        what = "The document" if self._pages == 1 else f"None of the document's {self._pages} pages could be read: it"
        return kind(f"{what} {reasons}.", hint=hint, pages=pages)


def _ended_by_pool(error: LimitExceededError | ReaderError) -> bool:
    """Whether the error is about the worker, not one that the reader raised on purpose."""
    return isinstance(error, ReaderError) or bool(error.stopped)


def _reason(error: DocmillError) -> str:
    """What the error says of the document, to be said of a page."""
    return error.message.removeprefix("The document ").rstrip(".")
