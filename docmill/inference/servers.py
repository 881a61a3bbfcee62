"""How model servers are called: few at a time, again after errors that pass, at another address when one is down.

One `Servers` stands before the addresses of one model in this process. Triton and OpenAI-compatible endpoints share it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import Field

from docmill.config import Section
from docmill.errors import TransientError

Answer = TypeVar("Answer")


class CallPolicy(Section):
    """How often, how patiently and how many at once a server is asked. Times are seconds."""

    attempts: Annotated[int, Field(ge=1, description="tries of a request before it fails")] = 4
    pause: Annotated[float, Field(ge=0, description="pause (s) before the second try, doubled each time, ± half")] = 0.5
    longest_pause: Annotated[float, Field(ge=0, description="longest pause (s) between two tries")] = 10.0
    concurrency: Annotated[int, Field(ge=1, description="requests under way at once in this process")] = 4
    open_after: Annotated[int, Field(ge=1, description="failures in a row after which an address is left alone")] = 5
    open_seconds: Annotated[float, Field(gt=0, description="how long (s) it is left alone")] = 15.0


class BusyError(TransientError):
    """The server is well and asks to come again later, in `pause` seconds if it says when."""

    pause: float = 0.0


@dataclass
class Tally:
    """What was asked of a model: `items` are texts, pictures …; `seconds` wall time of the requests."""

    requests: int = 0
    items: int = 0
    retries: int = 0
    failures: int = 0
    seconds: float = 0.0

    def copy(self) -> Tally:
        """The numbers as they are now."""
        return Tally(self.requests, self.items, self.retries, self.failures, self.seconds)

    def since(self, before: Tally) -> Tally:
        """What came in addition to an earlier copy."""
        return Tally(
            self.requests - before.requests,
            self.items - before.items,
            self.retries - before.retries,
            self.failures - before.failures,
            self.seconds - before.seconds,
        )


@dataclass
class Breaker:
    """Leaves a failing address alone: open after some failures in a row, half open (one probe) after a while."""

    policy: CallPolicy
    failures: int = 0
    opened_at: float = 0.0
    probing: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def allows(self) -> bool:
        """Whether a request may go there now; of an open one only a single probe may."""
        with self.lock:
            if self.failures < self.policy.open_after:
                return True
            if self.probing or time.monotonic() - self.opened_at < self.policy.open_seconds:
                return False
            self.probing = True
            return True

    def note(self, *, well: bool) -> None:
        """What became of a request that was allowed."""
        with self.lock:
            self.probing = False
            self.failures = 0 if well else self.failures + 1
            if self.failures >= self.policy.open_after:
                self.opened_at = time.monotonic()


class Servers:
    """The addresses of one model. Safe for threads; `tally` counts what was asked."""

    def __init__(self, name: str, urls: Sequence[str], policy: CallPolicy | None = None) -> None:
        self.name = name
        self.urls = tuple(urls)
        self.policy = policy or CallPolicy()
        self.tally = Tally()
        self._breakers = {url: Breaker(self.policy) for url in self.urls}
        self._slots = threading.BoundedSemaphore(self.policy.concurrency)
        self._lock = threading.Lock()
        self._first = 0

    def call(self, ask: Callable[[str], Answer], items: int = 1) -> Answer:
        """The answer of `ask(url)`, from the first address that gives one.

        `items` is what the request holds; 0 is for questions about the model, which are not counted as requests.
        `ask` raises TransientError where another try may do. Raises that of the last try when all have failed; other
        errors at once.
        """
        from tenacity import (
            RetryCallState,
            Retrying,
            retry_if_exception_type,
            stop_after_attempt,
            wait_random_exponential,
        )

        exponential = wait_random_exponential(multiplier=self.policy.pause, max=self.policy.longest_pause)

        def wait(state: RetryCallState) -> float:
            self._count(retries=1)
            error = state.outcome.exception() if state.outcome else None
            asked = error.pause if isinstance(error, BusyError) else 0.0
            return max(exponential(state), min(asked, 60.0))

        tries = Retrying(
            stop=stop_after_attempt(self.policy.attempts),
            wait=wait,
            retry=retry_if_exception_type(TransientError),
            reraise=True,
        )
        answer: Answer = tries(self._anywhere, ask, items)
        return answer

    def _anywhere(self, ask: Callable[[str], Answer], items: int) -> Answer:
        """The answer of the address that answered last, else of the others in turn."""
        failed: TransientError | None = None
        for step in range(len(self.urls)):
            position = (self._first + step) % len(self.urls)
            url = self.urls[position]
            if not self._breakers[url].allows():
                continue
            try:
                answer = self._measured(ask, url, items)
            except TransientError as error:
                failed = error
            else:
                self._first = position
                return answer
        if failed is not None:
            raise failed
        raise TransientError(
            f"The model {self.name} is left alone for {self.policy.open_seconds:g} s, for {', '.join(self.urls)} "
            f"failed {self.policy.open_after} times in a row.",
            hint="Start its server; documents that failed meanwhile are tried again by themselves.",
        )

    def _measured(self, ask: Callable[[str], Answer], url: str, items: int) -> Answer:
        breaker = self._breakers[url]
        well = True
        with self._slots:
            since = time.perf_counter()
            try:
                return ask(url)
            except BusyError:
                raise
            except TransientError:
                well = False
                raise
            finally:
                breaker.note(well=well)
                self._count(requests=1 if items else 0, items=items if well else 0, failures=not well, since=since)

    def _count(
        self, *, requests: int = 0, items: int = 0, retries: int = 0, failures: int = 0, since: float = 0.0
    ) -> None:
        with self._lock:
            self.tally.requests += requests
            self.tally.items += items
            self.tally.retries += retries
            self.tally.failures += failures
            self.tally.seconds += time.perf_counter() - since if since else 0.0
