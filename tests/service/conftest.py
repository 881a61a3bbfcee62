"""A service in this process, with a kind of job that answers what it was sent."""

import json
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from docmill.errors import CorruptDocumentError
from docmill.service import Context, Protocol, create_app
from docmill.service.auth import Caller
from docmill.service.native import native_protocol
from docmill.workspace import Workspace


def echo(context: Context) -> bytes:
    if context.job.payload.get("fail") == "document":
        raise CorruptDocumentError("The document is damaged.", hint="Mend it.")
    if context.job.payload.get("fail") == "bug":
        raise ZeroDivisionError("secret detail")
    return json.dumps(context.job.payload).encode()


def echo_protocol() -> Protocol:
    router = APIRouter()

    @router.post("/echo/submit")
    async def submit(request: Request, key: Caller) -> str:
        body = await request.json()
        job = request.app.state.workspace.jobs.submit("echo", body, tenant=key.key_id)
        request.app.state.runner.wake()
        return job.job_id

    @router.get("/echo/fault")
    async def fault() -> str:
        raise ZeroDivisionError("secret detail")

    def error(problem, request_id):
        return PlainTextResponse(f"{problem.code} {request_id}", status_code=problem.status)

    return Protocol("echo", router, ("/echo",), error, {"echo": echo})


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    app = create_app(workspace, (native_protocol(), echo_protocol()))
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened
