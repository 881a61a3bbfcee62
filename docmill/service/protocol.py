"""What a client protocol brings to the service: its routes, its shape of errors, its kinds of jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.responses import Response

from docmill.service.problems import Problem
from docmill.service.runner import Handler


@dataclass(frozen=True)
class Protocol:
    """One client protocol. `prefixes` are the beginnings of the paths whose errors `error` writes.

    `error` is given the problem and the request's id. `jobs` names a handler for each kind of job; those in `waiting`
    only wait for others' answers, and keep no other job from being done. `guide` tells who asks for a path that is not
    served where it stands what is.
    """

    name: str
    router: APIRouter
    prefixes: tuple[str, ...]
    error: Callable[[Problem, str], Response]
    jobs: Mapping[str, Handler] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    guide: str = ""


def protocol_of(protocols: tuple[Protocol, ...], path: str) -> Protocol:
    """The protocol that answers for a path: the one with the longest prefix of it, else the first."""
    fits = [(len(prefix), each) for each in protocols for prefix in each.prefixes if path.startswith(prefix)]
    return max(fits, key=lambda fit: fit[0])[1] if fits else protocols[0]
