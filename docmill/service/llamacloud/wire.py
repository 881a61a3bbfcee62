"""The shape of the protocol's answers: errors, ids, and connections that its Python client must not keep open.

The client shares one HTTP client between event loops, and a connection kept alive from a loop that is gone breaks it.
A connection that is ended while a body still comes loses the answer: a refusal waits for the rest of the body.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Message

from docmill.keys import Key
from docmill.service.problems import Problem

_CLOSING = "python-httpx/"
_IDS = uuid.UUID("6d3f5d0c-58a1-4a0e-9c6c-4a1d1c1f0b57")


class _Body:
    """The body of a request on its way, of which is known whether it has come to its end."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._ended = False

    async def receive(self) -> Message:
        """The next part."""
        message = await self._request.receive()
        self._ended = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """The rest has come and is forgotten."""
        while not self._ended:
            await self.receive()


class ClosingRoute(APIRoute):
    """A route that ends the connection of a client that cannot keep one."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The handler, with the header where it is needed."""
        handle = super().get_route_handler()

        async def closing(request: Request) -> Response:
            body = _Body(request)
            try:
                response = await handle(Request(request.scope, body.receive))
            except (Problem, HTTPException):
                await body.drain()
                raise
            if request.headers.get("user-agent", "").startswith(_CLOSING):
                response.headers["Connection"] = "close"
            return response

        return closing


def error_answer(problem: Problem, request_id: str) -> Response:
    """`{"detail": sentence}`, and of a 422 a list; a passing fault is 500: the client tries again at it."""
    message = f"{problem.message} {problem.hint}".strip()
    detail: object = message
    if problem.status == 401:
        detail = "Invalid API key"
    if problem.status == 422:
        detail = [{"loc": ["body"], "msg": message, "type": problem.code}]
    headers = {"Connection": "close"}
    return JSONResponse({"detail": detail}, status_code=problem.status, headers=headers)


def project_id(key: Key) -> str:
    """The id of the project that a key works in: each key has one of its own."""
    return str(uuid.uuid5(_IDS, f"project {key.key_id}"))


def organization_id(key: Key) -> str:
    """The id of the organisation of a key's project."""
    return str(uuid.uuid5(_IDS, f"organization {key.key_id}"))


def moment(seconds: float) -> str:
    """The time as ISO 8601 with its zone."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
