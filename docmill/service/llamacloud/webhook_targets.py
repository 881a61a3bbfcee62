"""Addresses that a client wants to be told at of its jobs: what a request says of them, checked.

An address and its headers may hold keys, so they are in no payload, no answer and no log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from docmill.errors import UrlRefusedError
from docmill.fetch import check_url, rules_of
from docmill.service.problems import Problem
from docmill.workspace import Workspace

_MOST = 10
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]{0,4000}")
_OURS = frozenset(
    ("connection", "content-length", "content-type", "host", "keep-alive", "lc-signature", "te", "trailer",
     "transfer-encoding", "upgrade", "user-agent", "x-webhook-event-id", "x-webhook-event-type")
)  # fmt: skip
"""Headers that a client cannot set; the protocol says that they are set automatically."""


class Target(BaseModel):
    """An address that is told of events, of all of them where `webhook_events` is None.

    With a secret the messages are signed. `whole` is for the older form: the result itself, at the job's end alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    webhook_url: Annotated[str, Field(min_length=1, max_length=2_000)]
    webhook_headers: dict[str, str] = {}
    webhook_events: tuple[str, ...] | None = None
    webhook_output_format: Literal["json", "string"] = "string"
    webhook_signing_secret: str = ""
    whole: bool = False

    @field_validator("webhook_headers", "webhook_output_format", "webhook_signing_secret", mode="before")
    @classmethod
    def _unset(cls, value: object, info: object) -> object:
        """The default where null came."""
        return cls.model_fields[info.field_name].default if value is None else value  # type: ignore[attr-defined]

    @field_validator("webhook_headers", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        return {name: str(each) for name, each in value.items()} if isinstance(value, Mapping) else value

    @field_validator("webhook_headers")
    @classmethod
    def _allowed(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError("a header's name or value has letters that it may not have")
        return {name: value for name, value in headers.items() if name.lower() not in _OURS}

    @field_validator("webhook_events")
    @classmethod
    def _some(cls, events: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if events == ():
            raise ValueError("an empty list subscribes to nothing")
        return events

    def wants(self, event: str) -> bool:
        """Whether it is to be told of the event."""
        return self.webhook_events is None or event in self.webhook_events


def target_of(given: object, workspace: Workspace) -> Target:
    """One address as a request names it; raises a Problem 400 for one that cannot be told."""
    try:
        target = Target.model_validate(given)
        check_url(target.webhook_url, rules_of(workspace.settings))
    except ValidationError as error:
        shown = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Problem(400, "invalid_webhook", f"A webhook cannot be: {shown}.") from error
    except UrlRefusedError as error:
        raise Problem(400, "invalid_webhook", f"webhook_url: {error.message}", error.hint) from error
    return target


def targets_of(given: object, workspace: Workspace) -> tuple[Target, ...]:
    """The addresses of a list, or of its JSON text; those without an address are left out, as null ones are."""
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else None
        except ValueError as error:
            raise Problem(400, "invalid_webhook", "webhook_configurations is no JSON.") from error
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > _MOST:
        raise Problem(400, "invalid_webhook", f"webhook_configurations is a list of at most {_MOST}.")
    named = [each for each in given if not isinstance(each, Mapping) or each.get("webhook_url")]
    return tuple(target_of(each, workspace) for each in named)


def targets_of_form(form: Mapping[str, object], workspace: Workspace) -> tuple[Target, ...]:
    """The addresses of an upload: `webhook_url` in the older form, and `webhook_configurations`."""
    url = str(form.get("webhook_url") or "")
    older = (target_of({"webhook_url": url, "whole": True}, workspace),) if url else ()
    return (*older, *targets_of(str(form.get("webhook_configurations") or ""), workspace))
