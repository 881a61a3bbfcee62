"""Worker processes that a crash, a hang or a memory leak costs one document only.

A document's parser is native code that can crash or hang, so each document is read in a worker process with a limit in
time and memory (`pebble`; the standard pool dies with its workers). Workers are forked from a fork server that has the
readers imported already: importing them anew costs 1.6 CPU seconds a process. They stay warm (`docmill/warm.py`).
"""

from __future__ import annotations

import copy
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures import TimeoutError as LimitTimeout
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pebble import ProcessExpired

from docmill.errors import DocmillError, LimitExceededError, ReaderError, TransientError, is_about_memory
from docmill.warm import pools

if TYPE_CHECKING:
    from docmill.settings import WorkerLimits

Task = TypeVar("Task")
Answer = TypeVar("Answer")


_LOOK_SECONDS = 2.0
"""Pause between two looks whether the processes live, while none answers."""
_OUT_OF_MEMORY = 112
"""The exit code of a worker that met its memory limit: what the engine leaked on the way would burden the next task."""


_cpu_seconds = [0.0]
_counting = threading.Lock()


def cpu_seconds_of_workers() -> float:
    """CPU seconds that tasks took in worker processes that this process started, those included that failed.

    What a worker took that was killed is not known.
    """
    return _cpu_seconds[0]


def _cpu_now() -> float:
    """CPU seconds of this process and of its children that have ended (LibreOffice, tesseract)."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _measured(function: Callable[[Task], Answer], task: Task) -> tuple[float, Answer | DocmillError]:
    """CPU seconds and the task's answer or error; runs in a worker process."""
    since = _cpu_now()
    try:
        answer: Answer | DocmillError = _guarded(function, task)
    except DocmillError as error:
        answer = error
    return _cpu_now() - since, answer


def _guarded(function: Callable[[Task], Answer], task: Task) -> Answer:
    """The task's answer.

    Whatever else a reader raises becomes a ReaderError here: many exceptions of other libraries can be pickled but not
    unpickled, which would break the pool for all documents, and SystemExit would end the parent. A worker that runs
    out of memory ends, for a fresh one to take its place.

    Meanwhile SIGTERM ends the process at once. pebble's own handler waits for native code to come back to Python: when
    it hangs there, the pool stands still for 3 s until it is killed.
    """
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        return function(task)
    except DocmillError:
        raise
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the per-document border: it costs this document
        if is_about_memory(error):
            os._exit(_OUT_OF_MEMORY)
        raise ReaderError(
            f"The reader failed: {type(error).__name__}: {error}.",
            hint="This is a fault of docmill's reader: please report it with the document.",
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)


_Measured = Future[tuple[float, Answer | DocmillError]]
_Waiting = dict[_Measured[Answer], tuple[int, float, str]]


class Isolated(Generic[Task, Answer]):
    """Runs `function` on tasks in worker processes under `limits`; use it as a context manager.

    Tasks that are `is_long` have the time that recordings have.
    """

    def __init__(
        self,
        function: Callable[[Task], Answer],
        limits: WorkerLimits,
        preload: Sequence[str],
        is_long: Callable[[Task], bool] = lambda _: False,
    ) -> None:
        self._function = function
        self._is_long = is_long
        self._limits = limits
        self._warm = pools.take(limits.processes, limits.memory_mb, preload)
        self._scheduled: set[Future[Any]] = set()
        self._closed = threading.Event()

    def __enter__(self) -> Isolated[Task, Answer]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def running(self, function: Callable[[Any], Any]) -> Isolated[Any, Any]:
        """The same processes, running another function; only the original is opened and closed."""
        other = copy.copy(self)
        other._function = function
        return other

    def close(self) -> None:
        """What runs is ended, nothing more is begun; the processes wait for the next user. Any thread may call it."""
        self._closed.set()
        for future in list(self._scheduled):
            future.cancel()
        pools.give_back(self._warm)

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Answer | DocmillError, float]]:
        """(index of the task, its answer or error, wall seconds), in order of completion.

        `tasks` may grow while the results are consumed. A task whose processes broke is done again, once. Raises
        TransientError once the pool was closed.
        """
        waiting: _Waiting[Answer] = {}
        upcoming, again = 0, set[int]()
        while True:
            while len(waiting) < 2 * self._limits.processes and upcoming < len(tasks):
                self._begin(waiting, tasks, upcoming)
                upcoming += 1
            if not waiting:
                return
            for future in self._done_of(waiting):
                index, since, setting = waiting.pop(future)
                self._scheduled.discard(future)
                if _is_broken(future) and index not in again:
                    again.add(index)
                    self._begin(waiting, tasks, index)
                    continue
                yield index, self._answer(future, setting), time.monotonic() - since

    def _done_of(self, waiting: _Waiting[Answer]) -> set[_Measured[Answer]]:
        """The futures that are done, at least one."""
        while not (done := wait(waiting, _LOOK_SECONDS, return_when=FIRST_COMPLETED).done):
            self._warm.look()
        return done

    def _begin(self, waiting: _Waiting[Answer], tasks: Sequence[Task], index: int) -> None:
        if self._closed.is_set():
            raise _ended()
        setting = "media_seconds" if self._is_long(tasks[index]) else "seconds"
        future = self._warm.schedule(_measured, (self._function, tasks[index]), getattr(self._limits, setting))
        self._scheduled.add(future)
        waiting[future] = (index, time.monotonic(), setting)

    def _answer(self, future: _Measured[Answer], setting: str) -> Answer | DocmillError:
        try:
            cpu_seconds, answer = future.result()
            with _counting:
                _cpu_seconds[0] += cpu_seconds
            return answer
        except DocmillError as error:
            return error
        except CancelledError:
            return _ended()
        except LimitTimeout:
            return self._limit("time", f"was not read within {getattr(self._limits, setting):g} s", setting)
        except ProcessExpired as error:
            return self._died(error.exitcode)
        except BrokenProcessPool:
            message = "The worker processes ended twice while the document was to be read."
            return _stopped("crash", message, "See the machine's log: the system may have killed them.")

    def _died(self, code: int) -> LimitExceededError:
        if code == _OUT_OF_MEMORY:
            return self._limit("memory", f"needs more than {self._limits.memory_mb} MiB of memory", "memory_mb")
        if code == -signal.SIGKILL:
            message = "The document had its reader killed, as the system does when the machine's memory runs out."
            return _stopped("memory", message, "Lower workers.processes or workers.memory_mb, or use a larger machine.")
        message = f"The document crashed its reader ({_exit(code)})."
        return _stopped("crash", message, "The other documents are not affected: please report it with the document.")

    @staticmethod
    def _limit(stopped: str, what: str, setting: str) -> LimitExceededError:
        variable = f"DOCMILL_WORKERS__{setting.upper()}"
        hint = f"Raise workers.{setting} in docmill.toml or {variable}, or split the document."
        return _stopped(stopped, f"The document {what} (limit workers.{setting}).", hint)


def _is_broken(future: Future[Any]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), BrokenProcessPool)


def _ended() -> TransientError:
    return TransientError("The work was stopped before its end.", hint="Run it again: what was done is kept.")


def _stopped(stopped: str, message: str, hint: str) -> LimitExceededError:
    error = LimitExceededError(message, hint=hint)
    error.stopped = stopped
    return error


def _exit(code: int) -> str:
    """How a process ended, for people."""
    if code < 0 and -code in set(signal.Signals):
        return signal.Signals(-code).name
    return f"exit code {code}"
