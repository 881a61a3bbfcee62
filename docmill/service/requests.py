"""Every request has an id, a line in the log and its place in the metrics."""

from __future__ import annotations

import logging
import re
import secrets
import time

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docmill.service.metrics import Metrics

_log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET = "{secret}"
"""The part of a path that must not be logged."""
_QUIET = ("/health/", "/metrics", "/v1/health/")


class RequestLog:
    """ASGI middleware: the header `x-request-id` (the caller's, if it sends one), a line of log, metrics."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and notes what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        state = scope.setdefault("state", {})
        state["request_id"] = given if _ID.fullmatch(given) else secrets.token_hex(8)
        since, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = state["request_id"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._note(scope, status, time.perf_counter() - since)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "") or "none"
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.seconds.labels(scope["method"], route).observe(seconds)
        level = logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO
        state = scope["state"]
        about = {
            "request_id": state["request_id"],
            "method": scope["method"],
            "path": route if _SECRET in route else scope["path"],
            "status": status,
            "seconds": round(seconds, 4),
            "key": state.get("key_name", ""),
        }
        _log.log(level, "request", extra=about)


def request_id(request: Request) -> str:
    """The id of the request."""
    found: str = getattr(request.state, "request_id", "")
    return found
