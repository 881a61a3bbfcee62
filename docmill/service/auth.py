"""Who calls: a key in the header forms that the served clients send.

Without any key in the ledger, calls from this machine need none; as soon as one was made all calls need one, unless
`service.open_on_loopback` says otherwise. Where no key is needed, requests of web pages are refused: their `Origin` or
`Host` gives them away, and a page must not reach a service of the machine that shows it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import time
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from docmill.keys import LOCAL, Key, Keys
from docmill.service.problems import Problem, unauthorized

_CACHED_SECONDS = 2.0
_CACHED_KEYS = 10_000


class KeyRing:
    """The keys, looked up in the ledger at most every two seconds each."""

    def __init__(self, keys: Keys, *, open_on_loopback: bool) -> None:
        self._keys = keys
        self._open = open_on_loopback
        self._found: dict[str, tuple[float, Key | None]] = {}
        self._any: tuple[float, bool] = (0.0, False)

    async def of(self, headers: Headers, client: str) -> Key:
        """The caller's key; raises a Problem 401 or 403."""
        secret = secret_of(headers)
        if secret is not None:
            key = await self._key(secret)
            if key is None:
                raise unauthorized("The API key is not valid.")
            return key
        if not _is_loopback(client) or not (self._open or not await self._exist()):
            raise unauthorized()
        _refuse_web_pages(headers)
        return LOCAL

    async def _key(self, secret: str) -> Key | None:
        now = time.monotonic()
        until, key = self._found.get(secret, (0.0, None))
        if now >= until:
            key = await asyncio.to_thread(self._keys.find, secret)
            if len(self._found) >= _CACHED_KEYS:
                self._found.clear()
            self._found[secret] = (now + _CACHED_SECONDS, key)
        return key

    async def _exist(self) -> bool:
        now = time.monotonic()
        until, exist = self._any
        if now >= until:
            exist = await asyncio.to_thread(self._keys.any)
            self._any = (now + _CACHED_SECONDS, exist)
        return exist


def secret_of(headers: Headers) -> str | None:
    """The key that a request carries: Bearer, the password of Basic, or the header `Api-Key` or `X-Api-Key`."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return headers.get("api-key") or headers.get("x-api-key")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "testclient"


def _refuse_web_pages(headers: Headers) -> None:
    host = headers.get("host", "").rpartition("@")[2]
    name = host.rpartition(":")[0] if host.count(":") == 1 or (host.startswith("[") and "]:" in host) else host
    known = name in ("localhost", "testserver") or _is_loopback(name.strip("[]"))
    origin = headers.get("origin")
    if not known or (origin is not None and origin.partition("://")[2] != host):
        raise Problem(403, "forbidden", "Web pages may not call this service without a key.")


async def caller(request: Request) -> Key:
    """The key of the request."""
    key = await _key_of(request)
    await request.app.state.limits.take(key)
    return key


async def patient_caller(request: Request) -> Key:
    """The key of the request, held back where it asks too often: for clients that give up at a refusal."""
    key = await _key_of(request)
    await request.app.state.limits.hold(key)
    return key


async def _key_of(request: Request) -> Key:
    ring: KeyRing = request.app.state.keys
    key = await ring.of(request.headers, request.client.host if request.client else "")
    request.state.key_name = key.name
    return key


Caller = Annotated[Key, Depends(caller)]
PatientCaller = Annotated[Key, Depends(patient_caller)]


def allowed(key: Key, collection: str) -> str:
    """The collection, if the key may use it; raises a Problem 404 as if there were none."""
    if not key.allows(collection):
        raise Problem(404, "not_found", f"There is no collection {collection!r} for this key.")
    return collection
