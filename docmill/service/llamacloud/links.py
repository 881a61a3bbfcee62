"""Addresses that need no key for a while: 256 random bits name what may be got or put; only their hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from docmill.service.llamacloud.items import Body, items_of
from docmill.service.llamacloud.wire import moment
from docmill.service.problems import not_found
from docmill.workspace import Workspace

_KIND = "link"
_SECONDS = 3_600.0
_LONGEST = 604_800.0
PREFIX = "/api/v1/links/"


@dataclass(frozen=True)
class Link:
    """What a link lets its holder do: `verb` is get or put, `path` names the thing, `tenant` says whose it is."""

    verb: str
    path: str
    tenant: str


def make_link(request: Request, link: Link, seconds: float | None = None) -> Body:
    """The link as the protocol shows it; its address begins like that of the request, which the caller could reach."""
    items = items_of(request.app.state.workspace, _KIND)
    now = time.time()
    items.sweep()
    secret, until = secrets.token_urlsafe(32), now + min(seconds or _SECONDS, _LONGEST)
    items.put(link.tenant, "", {"verb": link.verb, "path": link.path, "until": until}, _hash(secret), until)
    address = f"{str(request.base_url).rstrip('/')}{PREFIX}{secret}"
    return {"url": address, "expires_at": moment(until), "form_fields": None}


def opened(workspace: Workspace, secret: str, verb: str) -> Link:
    """What the link lets its holder do; raises a Problem 404 where there is none or its time is over."""
    found = items_of(workspace, _KIND).find(_hash(secret))
    if found is None or found.body["verb"] != verb or float(cast(float, found.body["until"])) < time.time():
        raise not_found("such link, or its time is over")
    return Link(verb, str(found.body["path"]), found.tenant)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
