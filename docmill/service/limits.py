"""How much a caller may ask for: bytes of a request, requests of a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docmill.keys import Key
from docmill.service.problems import Problem


class RateLimits:
    """A bucket of requests for each key that refills evenly over a minute; `per_minute` 0 means no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, key: Key) -> float:
        """Takes a request from the key's bucket: 0, or the seconds after which there is one again."""
        if not self._per_minute:
            return 0.0
        now, rate = self._clock(), self._per_minute / 60
        since, left = self._buckets.get(key.key_id, (now, float(self._per_minute)))
        left = min(float(self._per_minute), left + (now - since) * rate)
        if left < 1:
            self._buckets[key.key_id] = (now, left)
            return (1 - left) / rate
        self._buckets[key.key_id] = (now, left - 1)
        return 0.0

    async def take(self, key: Key) -> None:
        """Takes a request; raises a Problem 429 with `Retry-After` where there is none."""
        pause = self.wait(key)
        if pause:
            headers = {"Retry-After": str(int(pause) + 1)}
            raise Problem(429, "rate_limited", "Too many requests with this key.", "Ask again later.", headers)

    async def hold(self, key: Key) -> None:
        """Takes a request, waiting for one where there is none: for clients that give up at a 429."""
        while pause := self.wait(key):
            await asyncio.sleep(pause)


class BodyLimit:
    """ASGI middleware: a request with more than `limit` bytes ends with a Problem 413."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts the bytes on their way to the application."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise too_large(self._limit)
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)


def too_large(limit: int) -> Problem:
    """The problem of a body of more than `limit` bytes."""
    hint = "Send less, or raise service.max_body_bytes."
    return Problem(413, "too_large", f"The request has more than the {limit} bytes allowed.", hint)
