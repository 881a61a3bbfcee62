"""Which answer a request gets: one document, or a line for each step of the extraction as it grows."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from docmill.service.retab.views import line_view
from docmill.structured.extractions import StoredExtraction
from docmill.structured.record import Json

JSON, STREAM_JSON, NDJSON = "application/json", "application/stream+json", "application/x-ndjson"
_HEARTBEAT = 10.0
_LOOK = 0.5
"""Seconds between two looks at an extraction that another process may be at work on."""


def answer_type(accept: str, stream: bool | None) -> tuple[str, bool]:
    """(media type, whether it is lines) of the answer of the streaming route; `stream` is None without such a key."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for kind in (STREAM_JSON, NDJSON):
        if kind in named:
            return kind, True
    if JSON in named:
        return JSON, False
    if stream is None:
        return STREAM_JSON, True
    return (NDJSON, True) if stream else (STREAM_JSON, False)


async def lines(
    stored: StoredExtraction,
    queue: asyncio.Queue[Json],
    ended: Callable[[], Awaitable[Json | None]],
) -> AsyncIterator[bytes]:
    """Lines of an extraction: the first at once, the partial outputs as they come, the whole extraction at last.

    `ended` gives the whole extraction as soon as it has ended, None before.
    """
    yield _line(line_view(stored, {}))
    told = False
    waiting = asyncio.ensure_future(queue.get())
    whole, looked, beat = None, 0.0, time.monotonic()
    try:
        while whole is None:
            done, _ = await asyncio.wait({waiting}, timeout=0.02 if looked == 0 else _LOOK / 10)
            if done:
                told, beat = True, time.monotonic()
                yield _line(line_view(stored, waiting.result()))
                waiting = asyncio.ensure_future(queue.get())
            if time.monotonic() - looked >= 0.05:
                looked = time.monotonic()
                whole = await ended()
            if time.monotonic() - beat > _HEARTBEAT:
                beat = time.monotonic()
                yield b"\n"
    finally:
        waiting.cancel()
    while not queue.empty():
        told = True
        yield _line(line_view(stored, queue.get_nowait()))
    output = whole["output"]
    if not told and whole["status"] == "completed" and isinstance(output, dict):
        yield _line(line_view(stored, output))
    yield _line(whole)


def _line(view: Json) -> bytes:
    return json.dumps(view, ensure_ascii=False).encode() + b"\n"
