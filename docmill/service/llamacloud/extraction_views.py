"""Agents, jobs, runs and their files as the protocol shows them; pure.

A run is what came of a job and has its id. A job of no agent shows one that is in no list: the protocol wants one.
"""

from __future__ import annotations

import uuid
from typing import Any, cast

from docmill.artifacts import extension
from docmill.jobs import Job, JobState
from docmill.keys import Key
from docmill.service.llamacloud.items import Item
from docmill.service.llamacloud.wire import moment, project_id
from docmill.structured.record import Json

JSON = dict[str, Any]
AGENT = "agent"
_STATES = {JobState.DONE: "SUCCESS", JobState.FAILED: "ERROR", JobState.CANCELLED: "CANCELLED"}
_RUN_STATES = {JobState.DONE: "SUCCESS", JobState.FAILED: "ERROR", JobState.CANCELLED: "ERROR"}
_NO_RESULT: JSON = {"data": None, "extraction_metadata": None}


def hidden_agent(key: Key, schema: Json, config: Json, created_at: float = 0.0) -> Item:
    """The agent of runs without one, with what a run was asked."""
    agent_id = str(uuid.uuid5(uuid.UUID(project_id(key)), "agent of runs without one"))
    body = {"schema": schema, "config": config}
    return Item(AGENT, agent_id, key.key_id, "_default", cast(Json, body), created_at, created_at)


def agent_view(agent: Item, key: Key) -> JSON:
    """An agent."""
    return {
        "id": agent.item_id,
        "name": agent.name,
        "project_id": project_id(key),
        "data_schema": agent.body["schema"],
        "config": agent.body["config"],
        "custom_configuration": None,
        "created_at": moment(agent.created_at),
        "updated_at": moment(agent.updated_at),
    }


def kept_of(agent: Item) -> JSON:
    """What a job keeps of its agent."""
    return {"id": agent.item_id, "name": agent.name, "created_at": agent.created_at, "updated_at": agent.updated_at}


def _agent_of(job: Job, key: Key) -> Item:
    """The agent of a job, as it was when the job was made."""
    schema, config = cast(Json, job.payload["schema"]), cast(Json, job.payload["config"])
    told = cast(JSON, job.payload.get("agent") or {})
    if not told:
        return hidden_agent(key, schema, config, job.created_at)
    body = cast(Json, {"schema": schema, "config": config})
    return Item(AGENT, told["id"], key.key_id, told["name"], body, told["created_at"], told["updated_at"])


def job_view(job: Job, key: Key) -> JSON:
    """A job with its file and its agent."""
    file = _file(job, key)
    return {
        "id": job.job_id,
        "status": _STATES.get(job.state, "PENDING"),
        "error": error_of(job),
        "extraction_agent": agent_view(_agent_of(job, key), key),
        "file": file,
        "file_id": file["id"],
    }


def error_of(job: Job) -> str | None:
    """Why the job has failed."""
    if job.state is JobState.CANCELLED:
        return "The job was cancelled."
    return f"{job.message} {job.hint}".strip() if job.state is JobState.FAILED else None


def _file(job: Job, key: Key) -> JSON:
    name, when = str(job.payload["name"]), moment(job.created_at)
    return {
        "id": job.payload.get("file_id") or str(uuid.uuid5(uuid.UUID(job.job_id), "file")),
        "name": name,
        "external_file_id": name,
        "file_size": job.payload["size"],
        "file_type": extension(name).lstrip(".") or None,
        "project_id": project_id(key),
        "created_at": when,
        "updated_at": when,
    }


def run_view(job: Job, key: Key, result: JSON | None) -> JSON:
    """A run; without a result it has no data."""
    shared = job_view(job, key)
    return {
        "id": job.job_id,
        "job_id": job.job_id,
        "status": _RUN_STATES.get(job.state, "PENDING"),
        "error": shared["error"],
        "project_id": project_id(key),
        "extraction_agent_id": shared["extraction_agent"]["id"],
        "from_ui": False,
        "config": job.payload["config"],
        "data_schema": job.payload["schema"],
        "file": shared["file"],
        "file_id": shared["file_id"],
        "created_at": moment(job.created_at),
        "updated_at": moment(job.finished_at or job.created_at),
        **(result or _NO_RESULT),
    }


def result_view(job: Job, key: Key, result: JSON) -> JSON:
    """What the TypeScript client asks for instead of the run."""
    return {"run_id": job.job_id, "extraction_agent_id": _agent_of(job, key).item_id, **result}
