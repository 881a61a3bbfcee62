"""Jobs over HTTP: look, wait, cancel, delete, fetch the result."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from docmill.jobs import Job, JobState
from docmill.service.auth import Caller
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of

router = APIRouter(tags=["jobs"])
Wait = Annotated[float, Query(ge=0, le=30, description="seconds to wait for the job's end")]


class JobView(BaseModel):
    """A job; times are seconds since the epoch, 0 where not yet."""

    job_id: str
    kind: str
    state: JobState
    attempts: int
    created_at: float
    started_at: float
    finished_at: float
    expires_at: float
    progress: dict[str, object]
    error: str
    message: str
    hint: str


def view(job: Job) -> JobView:
    """What callers see of a job."""
    found = asdict(job)
    return JobView(**{name: found[name] for name in JobView.model_fields})


@router.get("/jobs")
def list_jobs(request: Request, key: Caller, state: JobState | None = None, limit: int = 100) -> list[JobView]:
    """The key's newest jobs."""
    jobs = request.app.state.workspace.jobs.newest(key.key_id, state=state, limit=max(1, min(limit, 1000)))
    return [view(job) for job in jobs]


@router.get("/jobs/{job_id}")
async def get_job(request: Request, key: Caller, job_id: str, wait: Wait = 0.0) -> JobView:
    """The job, at once or as soon as it has ended."""
    job = await runner_of(request).job(job_id, key.key_id, wait)
    if job is None:
        raise not_found(f"job {job_id}")
    return view(job)


@router.get("/jobs/{job_id}/result", response_class=Response)
async def get_result(request: Request, key: Caller, job_id: str, wait: Wait = 0.0) -> Response:
    """The result of a job that is done: JSON. 409 while it is not done, or where it failed or was cancelled."""
    job = await runner_of(request).job(job_id, key.key_id, wait)
    if job is None:
        raise not_found(f"job {job_id}")
    if job.state is not JobState.DONE:
        hint = job.hint or ("Wait for it." if not job.state.ended else "")
        raise Problem(409, f"job_{job.state}", job.message or f"The job is {job.state}.", hint)
    data = await asyncio.to_thread(request.app.state.workspace.jobs.result, job)
    return Response(data, media_type="application/json")


@router.post("/jobs/{job_id}/cancel")
def cancel_job(request: Request, key: Caller, job_id: str) -> JobView:
    """The job is cancelled, unless it has ended."""
    jobs = request.app.state.workspace.jobs
    jobs.cancel(job_id, key.key_id)
    job = jobs.find(job_id, key.key_id)
    if job is None:
        raise not_found(f"job {job_id}")
    return view(job)


@router.delete("/jobs/{job_id}", status_code=204)
def delete_job(request: Request, key: Caller, job_id: str) -> None:
    """The job, what came with it and its result are gone."""
    if not request.app.state.workspace.jobs.delete(job_id, key.key_id):
        raise not_found(f"job {job_id}")
