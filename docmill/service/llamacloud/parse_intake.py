"""Accepts parse jobs, and says what makes two of them the same work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from docmill.artifacts import extension
from docmill.ids import content_version, digest
from docmill.jobs import ANEW, Job, work_id
from docmill.keys import Key
from docmill.models import Stage
from docmill.service.llamacloud.options import ParseOptions
from docmill.service.llamacloud.webhook_targets import Target
from docmill.service.llamacloud.webhooks import follow
from docmill.service.llamacloud.work import FILE, KIND
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Wish:
    """How a document is to be parsed: `anew` whatever the cache holds, `kept` for later jobs of the same work.

    `subject` is what the job is listed under, `about` what its protocol keeps with it, `targets` are told of it.
    """

    options: ParseOptions
    anew: bool = False
    kept: bool = True
    subject: str = ""
    about: Mapping[str, object] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()

    @property
    def shown(self) -> dict[str, object]:
        """The options as the job keeps them."""
        return self.options.model_dump(mode="json")


def accepted(workspace: Workspace, key: Key, wish: Wish, document: tuple[str, bytes]) -> Job:
    """The durable job of a document (name, bytes); jobs of the same bytes and options share their result."""
    name, content = document
    told = {**wish.about, "options": wish.shown, "name": name, **({ANEW: True} if wish.anew else {})}
    engine = workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]
    asked = json.dumps([wish.shown, extension(name), engine, workspace.settings.records.engine], sort_keys=True)
    work = work_id(KIND, digest(asked), [content_version(content)]) if wish.kept else ""
    files = {f"{FILE}{extension(name)}": content}
    job = workspace.jobs.add(KIND, told, files=files, tenant=key.key_id, work=work, subject=wish.subject)
    follow(workspace, job, wish.targets)
    return job


def accepted_url(workspace: Workspace, key: Key, wish: Wish, url: str) -> Job:
    """The durable job of what an address gives when the job is done: nobody can say before what it is."""
    told = {**wish.about, "options": wish.shown, "name": url, "url": url}
    job = workspace.jobs.add(KIND, told, tenant=key.key_id, subject=wish.subject)
    follow(workspace, job, wish.targets)
    return job
