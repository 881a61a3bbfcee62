"""Fetches documents from the web without reaching into the private network: every address is checked before a
connection is opened to that very address, at each redirect anew. No cookies, credentials or proxies."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from docmill.errors import MissingObjectError
from docmill.service.problems import Problem
from docmill.service.retab.request import RetabProblem
from docmill.settings import Settings
from docmill.store import open_store

_REDIRECTS = 5
_CONNECT_SECONDS = 5.0
_PIECE = 1 << 16
_S3 = re.compile(r"https://(?:(?P<a>[a-z0-9.-]+)\.s3|s3)(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(?P<rest>.+)")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class _Place:
    """Where to connect: an address that was checked."""

    url: str
    parts: SplitResult
    host: str
    port: int
    address: str


def fetch_document(url: str, settings: Settings) -> bytes:
    """The bytes at a URL; raises a Problem 422 (refused, failed) or 413 (too large)."""
    for prefix, other in settings.fetch_rewrite.items():
        if url.startswith(prefix):
            url = other + url.removeprefix(prefix)
            break
    else:
        stored = _of_s3(url, settings)
        if stored is not None:
            return stored
    allowed = networks(settings.fetch_allow)
    deadline = time.monotonic() + settings.service.fetch_seconds
    for _ in range(_REDIRECTS + 1):
        answer = _get(checked(url, allowed), settings.service.fetch_bytes, deadline)
        if isinstance(answer, bytes):
            return answer
        url = answer
    raise _failed(url, f"more than {_REDIRECTS} redirects")


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list of CIDRs apart by commas."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def checked(url: str, allowed: tuple[Network, ...]) -> _Place:
    """Where the URL may be fetched from; raises a Problem 422 `document_url_refused` or `document_fetch_failed`."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise _refused(url, "it is no URL") from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise _refused(url, "only http and https are fetched")
    if parts.username or parts.password:
        raise _refused(url, "it holds a user's name")
    if re.fullmatch(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,2}|.*(?:^|\.)0[x\d][\da-f.]*", host):
        raise _refused(url, "its host is a disguised address")
    addresses = _resolved(url, host, port)
    free = all(any(each in network for network in allowed) for each in addresses)
    if not free:
        if not all(each.is_global and not each.is_multicast for each in map(_plain, addresses)):
            raise _refused(url, "its host is not public")
        if port not in (80, 443):
            raise _refused(url, f"port {port} is not allowed")
    return _Place(url, parts, host, port, str(addresses[0]))


def _resolved(url: str, host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _failed(url, f"its host cannot be resolved ({error})") from None
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _plain(address: Address) -> Address:
    """The IPv4 address within an IPv6 one, where there is one."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _get(place: _Place, limit: int, deadline: float) -> bytes | str:
    """The body, or the URL of a redirect."""
    connection = http.client.HTTPConnection(place.host, place.port, timeout=_CONNECT_SECONDS)
    try:
        connection.sock = _connected(place)
        path = (place.parts.path or "/") + (f"?{place.parts.query}" if place.parts.query else "")
        connection.request(
            "GET", path, headers={"Accept": "*/*", "User-Agent": "docmill", "Accept-Encoding": "identity"}
        )
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308) and response.getheader("location"):
            return urljoin(place.url, response.getheader("location") or "")
        if not 200 <= response.status < 300:
            raise _failed(place.url, f"the server answered {response.status}")
        return _body(response, place.url, limit, deadline)
    except (OSError, http.client.HTTPException) as error:
        raise _failed(place.url, str(error) or type(error).__name__) from None
    finally:
        connection.close()


def _connected(place: _Place) -> socket.socket:
    raw = socket.create_connection((place.address, place.port), timeout=_CONNECT_SECONDS)
    if place.parts.scheme == "http":
        return raw
    return ssl.create_default_context().wrap_socket(raw, server_hostname=place.host)


def _body(response: http.client.HTTPResponse, url: str, limit: int, deadline: float) -> bytes:
    data = bytearray()
    while piece := response.read(_PIECE):
        data += piece
        if len(data) > limit:
            raise Problem(413, "document_too_large", f"The document at {url} has more than {limit} bytes.")
        if time.monotonic() > deadline:
            raise _failed(url, "it took too long")
    return bytes(data)


def _of_s3(url: str, settings: Settings) -> bytes | None:
    """The object that a URL of one of the named buckets means, read through the configured object store."""
    match = _S3.fullmatch(url)
    if match is None:
        return None
    bucket, key = (match["a"], match["rest"]) if match["a"] else match["rest"].partition("/")[::2]
    if bucket not in [each.strip() for each in settings.fetch_s3_buckets.split(",")]:
        return None
    try:
        return open_store(f"s3://{bucket}/", settings.s3_endpoint_url).get(key)
    except MissingObjectError:
        raise _failed(url, "there is no such object (404)") from None


def _refused(url: str, why: str) -> RetabProblem:
    return RetabProblem("document_url_refused", f"document.url {url[:200]} is refused: {why}.")


def _failed(url: str, why: str) -> RetabProblem:
    return RetabProblem("document_fetch_failed", f"document.url {url[:200]} could not be fetched: {why}.")
