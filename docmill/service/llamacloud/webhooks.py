"""Tells a client of its jobs at the addresses that came with them: each message is a durable job of its own.

The message of a job's end awaits that job, so it goes out whatever is killed when, and is tried again as other jobs
are. Address, headers and secret lie in an object of the store that is gone once the message was taken. Addresses are
checked as all URLs are (`docmill/fetch.py`), when they come and each time that they are told.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any, cast

from docmill.errors import MissingObjectError
from docmill.fetch import post, rules_of
from docmill.jobs import Job, JobState
from docmill.service.llamacloud.bundle import result_of
from docmill.service.llamacloud.extraction_work import EXTRACT_KIND
from docmill.service.llamacloud.options import ParseOptions
from docmill.service.llamacloud.webhook_targets import Target
from docmill.service.llamacloud.work import KIND
from docmill.service.runner import Context
from docmill.workspace import Workspace

WEBHOOK_KIND = "llamacloud_webhook"
_TARGET = "target"
_PRODUCTS = {KIND: "parse", EXTRACT_KIND: "extract"}
_ENDS = {JobState.DONE: "success", JobState.FAILED: "error", JobState.CANCELLED: "cancelled"}
_STATUSES = {JobState.DONE: "SUCCESS", JobState.FAILED: "ERROR", JobState.CANCELLED: "CANCELLED"}
_NO_RESULT: dict[str, Any] = {"txt": "", "md": "", "json": [], "images": []}


def follow(workspace: Workspace, job: Job, targets: Sequence[Target]) -> None:
    """The addresses are told that the job waits, and will be told how it ends, of those of both that they want."""
    product = _PRODUCTS[job.kind]
    for target in targets:
        pending = f"{product}.pending"
        if target.wants(pending) and not target.whole:
            _add(workspace, job, target, pending)
        if any(target.wants(f"{product}.{end}") for end in _ENDS.values()):
            _add(workspace, job, target, "")


def _add(workspace: Workspace, job: Job, target: Target, event: str) -> None:
    """A message of the event, or where there is none named of the job's end."""
    workspace.jobs.add(
        WEBHOOK_KIND,
        {"job": job.job_id, "event": event},
        files={_TARGET: target.model_dump_json().encode()},
        tenant=job.tenant,
        awaits="" if event else job.job_id,
    )


def do_webhook(context: Context) -> bytes:
    """The address was told; raises TransientError where it is to be told again, SourceError where it refuses."""
    jobs, told = context.workspace.jobs, context.job.payload
    job = jobs.find(str(told["job"]), context.job.tenant)
    try:
        target = Target.model_validate_json(context.file(_TARGET))
    except MissingObjectError:
        return b"{}"
    if job is not None:
        event = str(told["event"]) or f"{_PRODUCTS[job.kind]}.{_ENDS[job.state]}"
        if target.wants(event):
            _tell(context, target, job, event)
    context.workspace.store.delete(context.job.key(_TARGET))
    return b"{}"


def _tell(context: Context, target: Target, job: Job, event: str) -> None:
    event_id = str(uuid.uuid5(uuid.UUID(context.job.job_id), event))
    body = _result(context, job) if target.whole else _event(target, job, event, event_id)
    headers = {
        **target.webhook_headers,
        "Content-Type": "application/json",
        "X-Webhook-Event-ID": event_id,
        "X-Webhook-Event-Type": event,
    }
    if target.webhook_signing_secret:
        key = target.webhook_signing_secret.encode()
        headers["LC-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    post(target.webhook_url, body, headers, rules_of(context.workspace.settings))


def _event(target: Target, job: Job, event: str, event_id: str) -> bytes:
    """The event as JSON; in the format `string` that text as one JSON string."""
    when = job.created_at if event.endswith(".pending") else job.finished_at or time.time()
    data = {"id": job.job_id, "job_id": job.job_id}
    text = json.dumps({"event_id": event_id, "event_type": event, "timestamp": when, "data": data})
    return (text if target.webhook_output_format == "json" else json.dumps(text)).encode()


def _result(context: Context, job: Job) -> bytes:
    """What the older form tells: the result itself, or why there is none."""
    told: dict[str, Any] = {"job_id": job.job_id, "status": _STATUSES[job.state], **_NO_RESULT}
    if job.state is JobState.DONE:
        blob = context.workspace.jobs.result(job)
        found = result_of(blob, job.job_id, ParseOptions.model_validate(job.payload["options"]))
        pages = cast(list[dict[str, Any]], found.pages)
        names = [each["name"] for page in pages for each in page["images"]]
        told |= {"txt": found.joined("text"), "md": found.joined("md"), "json": pages, "images": names}
    elif job.state is JobState.FAILED:
        told["error_message"] = f"{job.message} {job.hint}".strip()
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
