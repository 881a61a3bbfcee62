"""The application: its protocols behind one door, with ids, logs, limits, metrics, health and errors.

    app = create_app(workspace)                 # the protocols of docmill
    app = create_app(workspace, (mine,))        # others

Whatever a route raises that is no error of docmill's is answered with 500 and the request's id: the HTTP border.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

from docmill.errors import DocmillError
from docmill.jobs import Job
from docmill.service.auth import KeyRing
from docmill.service.limits import BodyLimit, RateLimits
from docmill.service.metrics import Metrics
from docmill.service.problems import Problem, problem_of
from docmill.service.protocol import Protocol, protocol_of
from docmill.service.requests import RequestLog, request_id
from docmill.service.runner import Runner
from docmill.webhooks import Webhooks
from docmill.workspace import Workspace

_log = logging.getLogger(__name__)
_READY_SECONDS = 5.0
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_type"}


def create_app(workspace: Workspace, protocols: Sequence[Protocol] | None = None) -> FastAPI:
    """The service on a workspace; the first protocol answers for paths that are nobody's.

    `app.state` holds `workspace`, `runner`, `keys`, `limits` and `metrics`.
    """
    served = tuple(_own_protocols() if protocols is None else protocols)
    limits = workspace.settings.service
    app = FastAPIOffline(
        title="docmill", version=version("docmill"), lifespan=_lifespan, redoc_url=None, summary=_SUMMARY
    )
    metrics = Metrics(workspace)
    handlers = {kind: handler for each in served for kind, handler in each.jobs.items()}
    app.state.workspace = workspace
    app.state.metrics = metrics
    app.state.keys = KeyRing(workspace.keys, open_on_loopback=limits.open_on_loopback)
    app.state.limits = RateLimits(limits.requests_per_minute)
    waiting = frozenset(kind for each in served for kind in each.waiting)
    app.state.runner = Runner(workspace, handlers, _counter(metrics, workspace.webhooks, waiting), waiting)
    _add_health(app)  # first, for each request is held against all routes in order, and this one comes often
    for each in served:
        app.include_router(each.router)
    _add_errors(app, served)
    app.add_middleware(BodyLimit, limit=limits.max_body_bytes)
    if limits.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(limits.cors_origins), allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(RequestLog, metrics=metrics)
    return app


_SUMMARY = "Documents into elements, records and a searchable collection; one port for several clients' protocols."


def _own_protocols() -> list[Protocol]:
    """The protocols that docmill brings."""
    from docmill.service.llamacloud import llamacloud_protocol
    from docmill.service.native import native_protocol
    from docmill.service.nv_ingest import nv_ingest_protocol
    from docmill.service.retab import retab_protocol

    return [native_protocol(), nv_ingest_protocol(), retab_protocol(), llamacloud_protocol()]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runner: Runner = app.state.runner
    workspace: Workspace = app.state.workspace
    with workspace.index.kept_open():
        runner.start(asyncio.get_running_loop())
        _log.info("ready")
        try:
            yield
        finally:
            await asyncio.to_thread(runner.stop, workspace.settings.service.shutdown_seconds)
            _log.info("stopped")


def _counter(metrics: Metrics, webhooks: Webhooks, waiting: frozenset[str]) -> Callable[[Job, str, float], None]:
    def count(job: Job, end: str, seconds: float) -> None:
        metrics.jobs.labels(job.kind, end).observe(seconds)
        _log.info("job", extra={"job": job.job_id, "kind": job.kind, "end": end, "seconds": round(seconds, 3)})
        if end in ("done", "failed") and job.kind not in waiting:
            webhooks.tell("job.finished", {"job_id": job.job_id, "kind": job.kind, "end": end})

    return count


def _add_health(app: FastAPI) -> None:
    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.get("/health/ready", tags=["health"])
    async def ready(request: Request) -> JSONResponse:
        """Store and ledger can be reached and jobs are worked on: 200, else 503 with what is wrong."""
        return await readiness(request)

    @app.get("/metrics", tags=["health"], response_class=Response)
    async def metrics(request: Request) -> Response:
        """Counters for Prometheus."""
        registry = request.app.state.metrics.registry
        return Response(await asyncio.to_thread(generate_latest, registry), media_type=CONTENT_TYPE_LATEST)


async def readiness(request: Request) -> JSONResponse:
    """The answer of a readiness check."""
    runner: Runner = request.app.state.runner
    faults: list[str] = []
    try:
        await asyncio.wait_for(asyncio.to_thread(_touch, request.app.state.workspace), _READY_SECONDS)
    except DocmillError as error:
        faults.append(error.message)
    except TimeoutError:
        faults.append("The store or the ledger does not answer.")
    if not runner.alive or runner.draining:
        faults.append("The service is stopping.")
    body: dict[str, object] = {"status": "not ready" if faults else "ready", "faults": faults}
    return JSONResponse(body, status_code=503 if faults else 200)


def _touch(workspace: Workspace) -> None:
    """Asks the store and the ledger for something; raises what they raise."""
    workspace.store.head("health")
    workspace.keys.any()


def _add_errors(app: FastAPI, protocols: tuple[Protocol, ...]) -> None:
    """Every error becomes an answer in the shape of the protocol whose path was asked for."""

    def answer(request: Request, problem: Problem) -> Response:
        given = protocol_of(protocols, request.url.path).error(problem, request_id(request))
        given.headers.update(problem.headers)
        return given

    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        return answer(request, error)

    @app.exception_handler(DocmillError)
    async def on_error(request: Request, error: DocmillError) -> Response:
        return answer(request, problem_of(error))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code, message, hint = _CODES.get(error.status_code, "error"), str(error.detail), ""
        if error.status_code in (404, 405):  # no route: routes raise Problems
            message = f"docmill does not serve {request.method} {request.url.path}."
            hint = protocol_of(protocols, request.url.path).guide
        return answer(request, Problem(error.status_code, code, message, hint, error.headers))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
        return answer(request, Problem(422, "invalid_request", f"The request is wrong: {wrong}."))

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        _log.error("A request failed.", exc_info=error, extra={"request_id": request_id(request)})
        return answer(request, Problem(500, "internal_error", "The service failed at this request."))
