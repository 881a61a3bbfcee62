"""Works on jobs in the process of the service: a dispatcher thread claims them, threads run their handlers.

A handler does its heavy work in the isolated worker processes of `Context.pool`. Whoever waits for a job's end is told
by an asyncio queue, so a waiting request costs neither a thread nor a connection; jobs that another process works on
are looked up once a second, all in one query.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import Request

from docmill.errors import DocmillError, ReaderError, UsageError
from docmill.jobs import Job, Jobs, this_process
from docmill.logs import about
from docmill.scan import scan
from docmill.stages.extracted_elements import PRELOAD
from docmill.workers import Isolated
from docmill.workspace import Workspace

_log = logging.getLogger(__name__)
_TICK = 1.0
_WAITING_SLOTS = 8
_SWEEP_SECONDS = 60.0
_LEFTOVERS_SECONDS = 3_600.0
_PRELOAD = (*PRELOAD, "docmill.extract.pdf", "docmill.ingestor.build")


class CancelledError(UsageError):
    """The job was cancelled while it was worked on."""


@dataclass(frozen=True)
class Context:
    """What a handler works with. `pool` runs functions in worker processes; `folder` is for what they leave."""

    job: Job
    workspace: Workspace
    pool: Isolated[Any, Any]
    folder: Path

    def file(self, name: str) -> bytes:
        """The bytes of a file that came with the job; raises what `scan` raises."""
        data = self.workspace.jobs.file(self.job, name)
        return self.scanned(data, str(self.job.payload.get("name", name)))

    def scanned(self, data: bytes, name: str) -> bytes:
        """The bytes of a document, which a scanner does not object to; raises what `scan` raises."""
        scan(data, name, self.workspace.settings.scan)
        return data

    def report(self, progress: Mapping[str, object]) -> None:
        """The progress can be asked for; raises CancelledError if the job was cancelled."""
        if not self.workspace.jobs.report(self.job, progress):
            raise CancelledError("The job was cancelled.")


Handler = Callable[[Context], bytes]
"""Does a job and returns its result; raises a DocmillError that says why it failed."""


class Runner:
    """Works on the jobs of the kinds that `handlers` names, between `start` and `stop`.

    Jobs of the kinds in `waiting` have threads of their own: whoever keeps them waiting holds up no other work.
    """

    def __init__(
        self,
        workspace: Workspace,
        handlers: Mapping[str, Handler],
        ended: Callable[[Job, str, float], None],
        waiting: frozenset[str] = frozenset(),
    ) -> None:
        self._workspace = workspace
        self._jobs: Jobs = workspace.jobs
        self._handlers = dict(handlers)
        self._told = ended
        self._owner = this_process()
        self._lease = workspace.settings.service.lease_seconds
        slots = workspace.settings.service.jobs_at_once or 2 * workspace.settings.workers.processes
        self._slots = {frozenset(handlers) - waiting: slots, waiting: _WAITING_SLOTS}
        self._running: dict[str, Future[bytes]] = {}
        self._kinds: dict[str, str] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._waiters: dict[str, list[asyncio.Queue[Job | None]]] = defaultdict(list)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.draining = False

    @cached_property
    def _pool(self) -> Isolated[Any, Any]:
        limits = self._workspace.settings.workers
        preload = (*_PRELOAD, *sorted({handler.__module__ for handler in self._handlers.values()}))
        return Isolated(_nothing, limits, preload, is_long=lambda task: getattr(task, "is_recording", False))

    # Life

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Jobs are worked on."""
        self._loop = loop
        self._folder = TemporaryDirectory(prefix="docmill-service-")
        self._threads = ThreadPoolExecutor(sum(self._slots.values()), thread_name_prefix="job")
        self._dispatcher = threading.Thread(target=self._dispatch, name="jobs", daemon=True)
        self._dispatcher.start()

    @property
    def alive(self) -> bool:
        """Whether jobs are worked on."""
        return self._dispatcher.is_alive() and not self._stopping.is_set()

    def drain(self) -> None:
        """No new jobs are begun, and whoever waits for one is told to ask again."""
        self.draining = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell_all)

    def stop(self, seconds: float) -> None:
        """Jobs in work have had that much time to end; the others are queued again, for the next start."""
        self.drain()
        self._stopping.set()
        self._wake.set()
        self._dispatcher.join()
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.05)
        self._jobs.release(self._owner)
        if "_pool" in self.__dict__:
            self._pool.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._folder.cleanup()

    # Work

    def wake(self) -> None:
        """A job was submitted: it need not wait for the next look."""
        self._wake.set()

    def _dispatch(self) -> None:
        renewed = swept = recovered = 0.0
        leftovers = ("", 0.0)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                now = time.monotonic()
                if now - recovered > _TICK:
                    self._jobs.recover()
                    self._look_for_others()
                    recovered = now
                self._begin()
                if now - renewed > self._lease / 4:
                    self._jobs.renew(self._owner, list(self._running), self._lease)
                    renewed = now
                if now - swept > _SWEEP_SECONDS:
                    self._jobs.sweep()
                    leftovers = self._sweep_leftovers(leftovers, now)
                    swept = now
            except DocmillError as error:
                _log.error("Jobs cannot be looked up: %s", error.message)
                self._stopping.wait(_TICK)
            self._wake.wait(_TICK)

    def _sweep_leftovers(self, last: tuple[str, float], now: float) -> tuple[str, float]:
        """Up to which key leftovers were swept, and when; once at the end of the list, the next pass is much later."""
        cursor, since = last
        if not cursor and now - since < _LEFTOVERS_SECONDS and since:
            return last
        return self._jobs.sweep_leftovers(cursor), now

    def _begin(self) -> None:
        """Free slots have jobs."""
        with self._lock:
            taken = Counter(self._kinds.values())
        free = {kinds: slots - sum(taken[kind] for kind in kinds) for kinds, slots in self._slots.items() if kinds}
        wanted = {kinds: number for kinds, number in free.items() if number > 0}
        if self.draining or not wanted:
            return
        for job in self._jobs.claim(self._owner, wanted, self._lease):
            with self._lock:
                future = self._threads.submit(self._work, job)
                self._running[job.job_id], self._kinds[job.job_id] = future, job.kind
            future.add_done_callback(partial(self._ended, job, time.monotonic()))

    def _work(self, job: Job) -> bytes:
        """The job's result."""
        shared = self._jobs.share(job)
        if shared is not None:
            return shared
        folder = Path(self._folder.name)
        with about(job=job.job_id, kind=job.kind):
            return self._handlers[job.kind](Context(job, self._workspace, self._pool, folder))

    def _ended(self, job: Job, since: float, future: Future[bytes]) -> None:
        """Keeps what came of the job; whatever its handler raised costs this job alone."""
        end, kept = "failed", None
        try:
            error = None if future.cancelled() else future.exception()
            if future.cancelled():
                end = "released"
            elif error is None:
                kept = self._jobs.finish(job, self._owner, future.result())
                end = "done"
            elif isinstance(error, DocmillError):
                kept = self._jobs.fail(job, self._owner, error)
            else:
                _log.error("A handler of %s failed.", job.kind, exc_info=error, extra={"job": job.job_id})
                fault = ReaderError(f"The service failed at this job: {type(error).__name__}.")
                kept = self._jobs.fail(job, self._owner, fault)
        finally:
            with self._lock:
                self._running.pop(job.job_id, None)
                self._kinds.pop(job.job_id, None)
            self._told(job, end, time.monotonic() - since)
            self._wake.set()
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._tell, job.job_id, kept)

    def run(self, function: Callable[[Any], object], task: object) -> object:
        """What a function makes of a task in a worker process, outside of any job; raises the DocmillError that it met.

        For what a caller waits for and asks for again if it is lost.
        """
        ((_, answer, _),) = self._pool.running(function).run([task])
        if isinstance(answer, DocmillError):
            raise answer
        return answer

    # Waiting

    async def job(self, job_id: str, tenant: str, seconds: float = 0.0) -> Job | None:
        """The job, as soon as it has ended or when the time is over; None if the tenant has no such job."""
        deadline = time.monotonic() + seconds
        news: asyncio.Queue[Job | None] = asyncio.Queue()
        self._waiters[job_id].append(news)  # before the look: an end right after it would be missed
        try:
            found = await asyncio.to_thread(self._jobs.find, job_id, tenant)
            while found is not None and not found.state.ended and not self.draining and time.monotonic() < deadline:
                found = await _next(news, deadline) or await asyncio.to_thread(self._jobs.find, job_id, tenant)
            return found
        finally:
            self._waiters[job_id].remove(news)
            if not self._waiters[job_id]:
                del self._waiters[job_id]

    def _tell(self, job_id: str, ended: Job | None = None) -> None:
        """Those who wait for the job have it as it ended, or look at it again."""
        for news in self._waiters.get(job_id, []):
            news.put_nowait(ended)

    def _tell_all(self) -> None:
        for job_id in list(self._waiters):
            self._tell(job_id)

    def _look_for_others(self) -> None:
        """Tells those who wait for a job that another process has ended."""
        foreign = [job_id for job_id in list(self._waiters) if job_id not in self._running]
        if not foreign or self._loop is None:
            return
        for job in self._jobs.find_all(foreign).values():
            if job.state.ended:
                self._loop.call_soon_threadsafe(self._tell, job.job_id)


async def _next(news: asyncio.Queue[Job | None], deadline: float) -> Job | None:
    """What comes next, None where nothing does until then."""
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await news.get()
    except TimeoutError:
        return None


def _nothing(_: object) -> None:
    """What the pool runs of itself; handlers bind functions of their own."""


def runner_of(request: Request) -> Runner:
    """The service's runner."""
    found: Runner = request.app.state.runner
    return found
