"""docmill's own HTTP API, below `/docmill/v1`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from docmill.service.problems import Problem
from docmill.service.protocol import Protocol
from docmill.service.runner import Handler

PREFIX = "/docmill/v1"


def native_protocol() -> Protocol:
    """The native API."""
    from docmill.service import native_documents, native_jobs, native_questions, native_records

    router = APIRouter(prefix=PREFIX)
    for each in (native_documents, native_questions, native_records, native_jobs):
        router.include_router(each.router)
    handlers: dict[str, Handler] = {
        "ingest": native_documents.do_ingest,
        "parse": native_documents.do_parse,
        "retry": native_documents.do_retry,
        native_records.KIND: native_records.do_records,
    }
    return Protocol("docmill", router, (PREFIX, "/health", "/metrics"), native_error, handlers)


def native_error(problem: Problem, request_id: str) -> Response:
    """`{"error": {"code", "message", "hint", "request_id"}}`."""
    told = {"code": problem.code, "message": problem.message, "hint": problem.hint, "request_id": request_id}
    return JSONResponse({"error": told}, status_code=problem.status)
