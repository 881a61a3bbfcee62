"""Fetches what a URL names without being made a forger of requests into the network that docmill runs in.

The host is resolved once, every address of it is checked, and the connection goes to the checked address: a name that
resolves to another address a moment later gains nothing. Redirects are followed by the same rules.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx2

from docmill.errors import LimitExceededError, MissingObjectError, SourceError, TransientError

_REDIRECTS = 5
_PART = 65_536

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class FetchLimits:
    """What may be fetched. `hosts` may have private addresses; `any_host` allows all, for URLs of the user's own."""

    bytes: int = 500_000_000
    seconds: float = 120.0
    hosts: tuple[str, ...] = ()
    any_host: bool = False


@dataclass(frozen=True)
class Fetched:
    """The bytes behind a URL, the name that its path or the server gives them, and their media type."""

    data: bytes
    name: str
    media_type: str


def addresses(host: str, port: int) -> list[str]:
    """The IP addresses of a host; raises TransientError where the name cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransientError(f"The host {host} cannot be resolved: {error.strerror or error}.") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def fetch(url: str, limits: FetchLimits = FetchLimits(), resolve: Resolve = addresses) -> Fetched:
    """What the URL names. Raises SourceError (not allowed), MissingObjectError, LimitExceededError, TransientError."""
    deadline = time.monotonic() + limits.seconds
    for _ in range(_REDIRECTS + 1):
        found = _get(url, limits, resolve, deadline)
        if isinstance(found, Fetched):
            return found
        url = found
    raise SourceError(f"More than {_REDIRECTS} redirects lead away from the URL.")


def _get(url: str, limits: FetchLimits, resolve: Resolve, deadline: float) -> Fetched | str:
    """What the URL names, or the URL that it redirects to."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise SourceError(f"{url[:200]!r} is not a URL.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SourceError(f"URLs begin with http:// or https://, not {parsed.scheme}://.")
    address = checked_address(parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80), limits, resolve)
    left = max(deadline - time.monotonic(), 0.1)
    headers = {"Host": parsed.netloc.decode(), "Accept-Encoding": "identity", "User-Agent": "docmill"}
    asked = httpx2.Request(
        "GET", parsed.copy_with(host=address), headers=headers, extensions={"sni_hostname": parsed.host}
    )
    try:
        with httpx2.Client(timeout=left, trust_env=False) as client:
            answer = client.send(asked, stream=True, follow_redirects=False)
            try:
                return _answer(parsed, answer, limits, deadline)
            finally:
                answer.close()
    except httpx2.HTTPError as error:
        raise TransientError(f"{parsed.host} cannot be fetched from: {error}.") from error


def checked_address(host: str, port: int, limits: FetchLimits, resolve: Resolve = addresses) -> str:
    """The address to connect to; raises SourceError where any address of the host is not a public one."""
    found = resolve(host, port)
    if not found:
        raise TransientError(f"The host {host} has no address.")
    if not limits.any_host and host not in limits.hosts:
        for each in found:
            address = ipaddress.ip_address(each.partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None)
            if not (mapped or address).is_global or (mapped or address).is_multicast:
                hint = "Only public addresses are fetched from; an operator may allow a host by service.fetch_hosts."
                raise SourceError(f"The host {host} has the address {each}, which is not public.", hint=hint)
    return found[0]


def _answer(url: httpx2.URL, answer: httpx2.Response, limits: FetchLimits, deadline: float) -> Fetched | str:
    if answer.is_redirect and "location" in answer.headers:
        return str(url.join(answer.headers["location"]))
    if answer.status_code in (404, 410):
        raise MissingObjectError(f"{url.host} has nothing at this URL (HTTP {answer.status_code}).")
    if answer.status_code >= 500 or answer.status_code == 429:
        raise TransientError(f"{url.host} answered with HTTP {answer.status_code}.")
    if answer.status_code != 200:
        raise SourceError(f"{url.host} answered with HTTP {answer.status_code}.", hint="Check the URL.")
    parts, size = [], 0
    for part in answer.iter_raw(_PART):
        size += len(part)
        if size > limits.bytes:
            raise LimitExceededError(f"The URL names more than the {limits.bytes} bytes allowed.")
        if time.monotonic() > deadline:
            raise TransientError(f"The URL was not fetched within {limits.seconds:g} s.")
        parts.append(part)
    name = PurePosixPath(unquote(url.path)).name or "document"
    return Fetched(b"".join(parts), name, answer.headers.get("content-type", "").partition(";")[0].strip())
