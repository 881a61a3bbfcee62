"""Request bodies on disk: large ones must not lie in memory while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile

from fastapi import Request

_IN_MEMORY = 4_000_000
"""Bytes of a body from which it goes to disk."""


@asynccontextmanager
async def body_of(request: Request) -> AsyncIterator[SpooledTemporaryFile[bytes]]:
    """The body as a file at its beginning, gone afterwards; disk writes do not hold up other requests."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        taken = 0
        async for part in request.stream():
            taken += len(part)
            if taken > _IN_MEMORY:
                await asyncio.to_thread(file.write, part)
            else:
                file.write(part)
        file.seek(0)
        yield file
