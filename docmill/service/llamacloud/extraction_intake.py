"""Accepts extraction jobs: where their documents come from, and what makes two of them the same work."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docmill.artifacts import extension
from docmill.ids import content_version, digest
from docmill.jobs import ANEW, KEPT, Job, work_id
from docmill.keys import Key
from docmill.models import Stage
from docmill.service.llamacloud.extraction import RunConfig
from docmill.service.llamacloud.extraction_views import JSON, kept_of
from docmill.service.llamacloud.extraction_work import EXTRACT_KIND
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.items import Item
from docmill.service.llamacloud.webhook_targets import Target
from docmill.service.llamacloud.webhooks import follow
from docmill.service.problems import Problem
from docmill.structured.choice import engine_for
from docmill.structured.record import Json
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Given:
    """A document that came: the name tells its type; `file_id` is "" for one that came with the request."""

    name: str
    content: bytes
    file_id: str = ""


@dataclass(frozen=True)
class Asked:
    """What is wanted of a document, and by which agent.

    `kept` is whether later jobs of the same work get its result; `subject` is what a job without an agent is listed
    under, `about` what its protocol keeps with it, `targets` are told of the job.
    """

    schema: Json
    config: RunConfig
    agent: Item | None = None
    subject: str = ""
    kept: bool = True
    about: Mapping[str, object] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()


def given_of(body: JSON, workspace: Workspace, key: Key) -> Given:
    """The document of a request: `file`, `text` or `file_id`; raises a Problem 400 or 404."""
    file, text = body.get("file"), body.get("text")
    if body.get("file_id"):
        return uploaded(str(body["file_id"]), workspace, key)
    if isinstance(text, str) and text.strip():
        return Given("text.txt", text.encode("utf-8", "replace"))
    if not isinstance(file, dict) or not isinstance(file.get("data"), str):
        raise Problem(400, "no_input", "There is no document: send `file`, `text` or `file_id`.")
    try:
        content = base64.b64decode(file["data"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(400, "invalid_body", "file.data is not base64.") from error
    kind = str(file.get("mime_type") or "").partition(";")[0]
    return Given(f"inline{mimetypes.guess_extension(kind) or ''}", content)


def uploaded(file_id: str, workspace: Workspace, key: Key) -> Given:
    """A file that the key has uploaded; raises a Problem 404."""
    files = Files(workspace)
    return Given(files.get(file_id, key.key_id).name, files.data(file_id, key.key_id), file_id)


def accepted(workspace: Workspace, key: Key, asked: Asked, given: Given) -> Job:
    """The durable job; jobs of the same bytes and options share their result. Those of an agent stay until deleted."""
    told: dict[str, Any] = {"config": asked.config.shown(), "schema": asked.schema, "name": given.name}
    told |= {"size": len(given.content), "file_id": given.file_id, **asked.about}
    if asked.agent is not None:
        told |= {"agent": kept_of(asked.agent), KEPT: True}
    if asked.config.invalidate_cache:
        told[ANEW] = True
    ending = extension(given.name)
    read_by = workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]
    engine = engine_for("", workspace.settings).fingerprint
    wanted = json.dumps([asked.config.asked(), asked.schema, ending, read_by, engine])
    work = work_id(EXTRACT_KIND, digest(wanted), [content_version(given.content)]) if asked.kept else ""
    job = workspace.jobs.add(
        EXTRACT_KIND,
        told,
        files={f"document{ending}": given.content},
        tenant=key.key_id,
        work=work,
        subject=asked.agent.item_id if asked.agent is not None else asked.subject,
        priority=asked.config.rank,
    )
    follow(workspace, job, asked.targets)
    return job
