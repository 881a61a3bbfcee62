"""docmill's own HTTP API, below `/docmill/v1`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from docmill.service.problems import Problem
from docmill.service.protocol import Protocol

PREFIX = "/docmill/v1"


def native_protocol() -> Protocol:
    """The native API."""
    from docmill.service.native_jobs import router as jobs

    router = APIRouter(prefix=PREFIX)
    router.include_router(jobs)
    return Protocol("docmill", router, (PREFIX, "/health", "/metrics"), native_error)


def native_error(problem: Problem, request_id: str) -> Response:
    """`{"error": {"code", "message", "hint", "request_id"}}`."""
    told = {"code": problem.code, "message": problem.message, "hint": problem.hint, "request_id": request_id}
    return JSONResponse({"error": told}, status_code=problem.status)
