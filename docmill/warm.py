"""Pools of worker processes that stay warm from one batch, stage or call to the next.

Starting workers and importing readers in them costs more than reading a small document, so a pool that nobody uses any
more waits half a minute for its next user. Users with the same limits and environment share one pool; at most one pool
waits, so a process never keeps more than one set of idle workers. All end where the process exits.
"""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import context, forkserver, popen_forkserver, process, resource_tracker
from pathlib import Path
from typing import Any

from pebble import ProcessPool

from docmill.errors import TransientError

IDLE_SECONDS = 30.0
_TASKS = 200
"""Documents after which a worker is replaced: native libraries leak."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


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


_environment = threading.Lock()


@contextmanager
def _safe_path() -> Iterator[None]:
    """Processes of Python that are started meanwhile import nothing from the current folder.

    Python starts the fork server and its tracker by `-c`, which puts that folder before all others, and lets neither
    have this process's path: a folder or module there of any imported name would run in every worker.
    """
    with _environment:
        before = os.environ.get("PYTHONSAFEPATH")
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ["PYTHONSAFEPATH"]
            else:
                os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """SIGINT waits until a pool has started; its threads and processes, the fork server too, keep it blocked.

    Ctrl-C in a terminal reaches all processes of a command, but to end them is their parent's, who has to know them
    first. Python's fork server itself ignores SIGINT only once its imports are done.
    """
    resource_tracker.ensure_running()  # the fork server's start would start it, and unblock SIGINT
    with _deferred():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _deferred() -> Iterator[None]:
    """What Python does at SIGINT in the main thread, it does at the end of this.

    Threads of native libraries (OpenBLAS) take the signal though that thread blocks it, and Python tells it then.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, types.FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *given: came.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for given in came[:1]:
            handler(*given)


def _begin(megabytes: int, environment: dict[str, str], preload: Sequence[str]) -> None:
    """This process has the parent's environment and the modules, and may have that much more address space than now.

    A fork server that began for another user lacks the modules: they are imported here, before any task's time begins.
    The fork server's environment is that of its start: credentials may have been set or renewed since. The address
    space that it has now (Python and the readers, about 200 MiB) depends on the machine, so it is not counted. Native
    libraries run one thread each, for documents are read in parallel: each thread would reserve address space.
    """
    os.environ.clear()
    os.environ |= dict.fromkeys(_THREADS, "1") | environment
    for module in preload:
        importlib.import_module(module)
    limit = _address_space() + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _address_space() -> int:
    """Bytes of address space that this process has; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


@dataclass
class WarmPool:
    """A pool with what makes it fit for a user: the parent's process id, the limits and the environment."""

    fit: tuple[int, int, int, dict[str, str]]
    pool: ProcessPool
    preload: tuple[str, ...] = ()
    users: int = 0
    ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pending: set[Future[Any]] = field(default_factory=set)

    def schedule(self, function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Future[Any]:
        """The function's result to come. Processes that are broken are replaced, all of them. Raises TransientError.

        pebble takes a worker that ends while it is idle (killed by the system for its memory, say) for the end of all.
        """
        with self._lock, _uninterrupted():
            if self._is_broken:
                self._abandon()
                self.pool = _processes(self.fit, self.preload)
            try:
                future: Future[Any] = self.pool.schedule(function, args=arguments, timeout=seconds)
            except RuntimeError as error:  # BrokenProcessPool among them
                message = f"The worker processes cannot be started now: {error or type(error).__name__}."
                raise TransientError(message, hint="It is tried again; see the machine's log.") from error
            self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def look(self) -> None:
        """What a pool that is broken will never answer has failed: pebble forgets tasks that come while it breaks."""
        with self._lock:
            if self._is_broken:
                self._abandon()

    @property
    def _is_broken(self) -> bool:
        return not self.pool.active and not self.ended

    def _abandon(self) -> None:
        """The pool's threads have ended, and what they left unanswered has failed."""
        self.pool.stop()
        self.pool.join()
        for future in list(self._pending):
            with suppress(InvalidStateError):
                future.set_exception(BrokenProcessPool("The worker processes ended."))


def _processes(fit: tuple[int, int, int, dict[str, str]], preload: tuple[str, ...]) -> ProcessPool:
    _, processes, megabytes, environment = fit
    return ProcessPool(
        max_workers=processes,
        max_tasks=_TASKS,
        initializer=_begin,
        initargs=(megabytes, environment, preload),
        context=_Context(),
    )


def _end(warm: WarmPool) -> None:
    warm.ended = True
    warm.pool.stop()
    warm.pool.join()


@dataclass
class WarmPools:
    """The pools of this process; any thread may take and give back."""

    idle_seconds: float = IDLE_SECONDS
    _pools: list[WarmPool] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, processes: int, megabytes: int, preload: Sequence[str]) -> WarmPool:
        """A pool of so many processes with so much memory each, until it is given back.

        The fork server imports `preload` once for all workers; where it has begun already, each worker does.
        """
        with _environment:
            fit = (os.getpid(), processes, megabytes, dict(os.environ))
        with self._lock, _safe_path(), _uninterrupted():
            found = next((each for each in self._pools if each.fit == fit and each.pool.active), None)
            if found is None:
                multiprocessing.set_forkserver_preload(["docmill.warm", "docmill.workers", *preload])
                forkserver.ensure_running()
                found = WarmPool(fit, _processes(fit, tuple(preload)), tuple(preload))
                self._pools.append(found)
            found.users += 1
        return found

    def give_back(self, warm: WarmPool) -> None:
        """The pool is ended after `idle_seconds` without a user; another one that waits is ended at once."""
        with self._lock:
            warm.users -= 1
            others = [each for each in self._pools if each is not warm and not each.users]
            self._pools = [each for each in self._pools if each not in others]
        for each in others:
            _end(each)
        if not warm.users:
            timer = threading.Timer(self.idle_seconds, self._cool, (warm,))
            timer.daemon = True
            timer.start()

    def end(self) -> None:
        """All pools are ended, whatever they are at."""
        with self._lock:
            ended, self._pools = self._pools, []
        for each in ended:
            if each.fit[0] == os.getpid():
                _end(each)

    def _cool(self, warm: WarmPool) -> None:
        """The pool is ended unless it has users, or is gone."""
        with self._lock:
            if warm.users or warm not in self._pools:
                return
            self._pools.remove(warm)
        _end(warm)


pools = WarmPools()
"""Those of this process."""
atexit.register(pools.end)
