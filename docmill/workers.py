"""Worker processes that a crash, a hang or a memory leak costs one document only.

A document's parser is native code that can crash or hang, so each document is read in a worker process with a limit in
time and memory (`pebble`; the standard pool dies with its workers). Workers are forked from a fork server that has the
readers imported already: importing them anew costs 1.6 CPU seconds a process.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as LimitTimeout
from multiprocessing import context, popen_forkserver, process
from typing import TYPE_CHECKING, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from docmill.errors import DocmillError, LimitExceededError, ReaderError

if TYPE_CHECKING:
    from docmill.settings import WorkerLimits

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class _Popen(popen_forkserver.Popen):
    """Starts a process without importing the parent's main script in it: that would import Dagster for every worker."""

    def _launch(self, process_obj: process.BaseProcess) -> None:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            super()._launch(process_obj)  # type: ignore[misc]
        finally:
            sys.modules["__main__"] = main


class _Process(context.ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> popen_forkserver.Popen:  # noqa: N802
        return _Popen(process_obj)


class _Context(context.ForkServerContext):
    Process = _Process


def _limit_memory(megabytes: int) -> None:
    """This process may not have more address space than that; past it, allocations fail."""
    limit = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _guarded(function: Callable[[Task], Answer], task: Task) -> Answer:
    """The task's answer; runs in a worker process.

    Whatever else a reader raises becomes a ReaderError here: many exceptions of other libraries can be pickled but not
    unpickled, which would break the pool for all documents, and SystemExit would end the parent.
    """
    try:
        return function(task)
    except (DocmillError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the per-document border: it costs this document
        raise ReaderError(
            f"The reader failed: {type(error).__name__}: {error}.",
            hint="This is a fault of docmill's reader: please report it with the document.",
        ) from None


class Isolated(Generic[Task, Answer]):
    """Runs `function` on tasks in worker processes under `limits`; use it as a context manager."""

    def __init__(self, function: Callable[[Task], Answer], limits: WorkerLimits, preload: Sequence[str]) -> None:
        self._function = function
        self._limits = limits
        multiprocessing.set_forkserver_preload(["docmill.workers", *preload])
        self._pool = ProcessPool(
            max_workers=limits.processes,
            max_tasks=200,
            initializer=_limit_memory,
            initargs=(limits.memory_mb,),
            context=_Context(),
        )

    def __enter__(self) -> Isolated[Task, Answer]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Answer | DocmillError, float]]:
        """(index of the task, its answer or error, wall seconds), in order of completion."""
        waiting: dict[Future[Answer], tuple[int, float]] = {}
        upcoming = iter(enumerate(tasks))
        while True:
            while len(waiting) < 2 * self._limits.processes and (task := next(upcoming, None)) is not None:
                future = self._pool.schedule(_guarded, args=(self._function, task[1]), timeout=self._limits.seconds)
                waiting[future] = (task[0], time.monotonic())
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                index, since = waiting.pop(future)
                yield index, self._answer(future), time.monotonic() - since

    def _answer(self, future: Future[Answer]) -> Answer | DocmillError:
        try:
            return future.result()
        except DocmillError as error:
            return error
        except MemoryError:
            return self._limit(f"needs more than {self._limits.memory_mb} MiB of memory")
        except LimitTimeout:
            return self._limit(f"was not read within {self._limits.seconds:g} s")
        except ProcessExpired as error:
            return LimitExceededError(
                f"The document crashed its reader (exit code {error.exitcode}).",
                hint="The other documents are not affected. Raise workers.memory_mb if it is large, else report it.",
            )

    @staticmethod
    def _limit(what: str) -> LimitExceededError:
        return LimitExceededError(
            f"The document {what}.", hint="Split it, or raise the limit in docmill.toml [workers]."
        )
