"""What the routes of the newer SDK share: states of jobs, pages of lists, filters on both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request

from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.problems import Problem, not_found
from docmill.service.runner import runner_of
from docmill.workspace import Workspace

JSON = dict[str, Any]
_Thing = TypeVar("_Thing")
STATES = {
    JobState.QUEUED: "PENDING",
    JobState.RUNNING: "RUNNING",
    JobState.DONE: "COMPLETED",
    JobState.FAILED: "FAILED",
    JobState.CANCELLED: "CANCELLED",
}
_MOST = 1_000
_PAGE = 50


def workspace_of(request: Request) -> Workspace:
    """The service's workspace."""
    found: Workspace = request.app.state.workspace
    return found


async def held(request: Request, key: Key, job_id: str, kind: str) -> Job:
    """The job, as soon as it has ended or after `service.hold_seconds`; raises a Problem 404."""
    return await _known(request, key, job_id, kind, workspace_of(request).settings.service.hold_seconds)


async def known(request: Request, key: Key, job_id: str, kind: str) -> Job:
    """The job as it is now; raises a Problem 404."""
    return await _known(request, key, job_id, kind, 0)


async def _known(request: Request, key: Key, job_id: str, kind: str, seconds: float) -> Job:
    job = await runner_of(request).job(job_id, key.key_id, seconds)
    if job is None or job.kind != kind:
        raise not_found(f"job {job_id}")
    return job


async def cancelled(request: Request, key: Key, job_id: str, kind: str) -> Job:
    """The job, which is not done any more; raises a Problem 400 where it has ended."""
    job = await known(request, key, job_id, kind)
    if not await asyncio.to_thread(workspace_of(request).jobs.cancel, job_id, key.key_id):
        raise Problem(400, "ended", f"The job {job_id} has ended: it is {STATES[job.state]}.")
    return await known(request, key, job_id, kind)


async def deleted(request: Request, key: Key, job_id: str, kind: str) -> None:
    """The job is gone with its result; raises a Problem 400 where it has not ended and `force` is not set."""
    job = await known(request, key, job_id, kind)
    if not job.state.ended and request.query_params.get("force") != "true":
        raise Problem(400, "not_ended", f"The job {job_id} has not ended.", "Cancel it first.")
    await asyncio.to_thread(workspace_of(request).jobs.cancel, job_id, key.key_id)
    await asyncio.to_thread(workspace_of(request).jobs.delete, job_id, key.key_id)


def message_of(job: Job) -> str | None:
    """Why the job has failed."""
    return f"{job.message} {job.hint}".strip() if job.state is JobState.FAILED else None


def expanded(request: Request) -> set[str]:
    """What the caller wants beside the least."""
    return {part for value in request.query_params.getlist("expand") for part in value.split(",")}


def jobs_about(request: Request, key: Key, subject: str) -> list[Job]:
    """The newest jobs about a subject that fit the request's filters, the newest first."""
    asked = request.query_params
    found, _ = workspace_of(request).jobs.about(key.key_id, subject, 0, _MOST)
    since, until = _seconds(asked.get("created_at_on_or_after")), _seconds(asked.get("created_at_on_or_before"))
    ids, status = asked.getlist("job_ids"), asked.get("status")
    return [
        job
        for job in found
        if (not status or STATES[job.state] == status)
        and (not ids or job.job_id in ids)
        and (since is None or job.created_at >= since)
        and (until is None or job.created_at <= until)
    ]


def _seconds(moment: str | None) -> float | None:
    if not moment:
        return None
    try:
        found = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Problem(400, "invalid_time", f"{moment} is no time as ISO 8601.") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def page_of(
    request: Request, things: Sequence[_Thing], shown: Callable[[_Thing], JSON], asked: JSON | None = None
) -> JSON:
    """A page of a list and the token of the next; `asked` replaces the query's `page_size` and `page_token`."""
    given = request.query_params if asked is None else asked
    size, token = str(given.get("page_size") or _PAGE), str(given.get("page_token") or 0)
    if not size.isdigit() or not token.isdigit() or int(size) < 1:
        raise Problem(400, "invalid_page", "page_size is a number from 1, page_token comes from the page before.")
    first = int(token)
    after = first + min(int(size), _MOST)
    more = str(after) if after < len(things) else None
    items = [shown(each) for each in things[first:after]]
    return {"items": items, "next_page_token": more, "total_size": len(things)}
