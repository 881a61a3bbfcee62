"""Fetches what a URL names without being made a forger of requests into the network that docmill runs in.

The host is resolved once, every address of it is checked, and the connection goes to the checked address: a name that
resolves to another address a moment later gains nothing. Redirects are followed by the same rules. No cookies, no
credentials and no proxies.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx2

from docmill.errors import LimitExceededError, MissingObjectError, SourceError, TransientError, UrlRefusedError
from docmill.settings import Settings
from docmill.store import open_store

_REDIRECTS = 5
_PIECE_SECONDS = 15.0
"""How long a connection or the next bytes are waited for."""
_S3_HOST = re.compile(r"(?:(?P<bucket>[a-z0-9][a-z0-9.-]*)\.)?s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com")
_DISGUISED = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,2}|(?:.*\.)?0[x\d][\da-f.]*")
"""Addresses that are not written as four decimal numbers: 2130706433, 127.1, 0x7f.0.0.1, 0177.0.0.1."""
_WITHIN_IPV6 = tuple(ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96"))
"""Networks of IPv6 whose last 32 bits are the IPv4 address that is meant."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class FetchRules:
    """What may be fetched, and from where.

    `networks` and `hosts` are allowed though private, on any port; `own` allows all, for URLs of the user's own.
    `rewrite` says what stands for the beginning of a URL; web addresses of `buckets` are read through the object store.
    """

    bytes: int = 500_000_000
    seconds: float = 120.0
    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    rewrite: Mapping[str, str] = field(default_factory=dict)
    buckets: tuple[str, ...] = ()
    s3_endpoint_url: str | None = None
    own: bool = False


@dataclass(frozen=True)
class Fetched:
    """The bytes behind a URL, the name that its path gives them, and the media type that the server says."""

    data: bytes
    name: str
    media_type: str


def rules_of(settings: Settings, *, own: bool = False) -> FetchRules:
    """The rules of the settings; `own` for URLs that the user of this process names."""
    networks, hosts = [], []
    for part in _parts(settings.fetch_allow):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            hosts.append(part.lower())
    return FetchRules(
        bytes=settings.fetch_bytes,
        seconds=settings.fetch_seconds,
        networks=tuple(networks),
        hosts=tuple(hosts),
        rewrite=settings.fetch_rewrite,
        buckets=_parts(settings.fetch_s3_buckets),
        s3_endpoint_url=settings.s3_endpoint_url,
        own=own,
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def addresses(host: str, port: int) -> list[str]:
    """The IP addresses of a host; raises TransientError where the name cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TransientError(f"The host {host} cannot be resolved: {error}.") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def fetch(url: str, rules: FetchRules = FetchRules(), resolve: Resolve = addresses) -> Fetched:
    """What the URL names.

    Raises UrlRefusedError (it may not be fetched), SourceError (the server refuses), MissingObjectError,
    LimitExceededError and TransientError.
    """
    deadline = time.monotonic() + rules.seconds
    beginning = next((each for each in rules.rewrite if url.startswith(each)), None)
    if beginning is not None:
        url = rules.rewrite[beginning] + url.removeprefix(beginning)
    else:
        stored = _of_s3(_parsed(url), rules)
        if stored is not None:
            return stored
    for _ in range(_REDIRECTS + 1):
        found = _get(_parsed(url), rules, resolve, deadline)
        if isinstance(found, Fetched):
            return found
        url = found
    raise SourceError(f"More than {_REDIRECTS} redirects lead away from the URL.", hint="Check the URL.")


def _parsed(url: str) -> httpx2.URL:
    """The URL; raises UrlRefusedError for what is none of HTTP."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise UrlRefusedError(f"{url[:200]!r} is not a URL.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UrlRefusedError(f"URLs begin with http:// or https://, not {parsed.scheme}://.")
    return parsed


def _of_s3(url: httpx2.URL, rules: FetchRules) -> Fetched | None:
    """The object that a web address of one of the named buckets means, None for other addresses."""
    match = _S3_HOST.fullmatch(url.host)
    if match is None or url.scheme != "https":
        return None
    path = unquote(url.path).removeprefix("/")
    bucket, key = (match["bucket"], path) if match["bucket"] else path.partition("/")[::2]
    if bucket not in rules.buckets or not key:
        return None
    store = open_store(f"s3://{bucket}/", rules.s3_endpoint_url)
    info = store.head(key)
    if info is None:
        raise MissingObjectError(f"There is no object {key} in the bucket {bucket} (404).", hint="Check the URL.")
    if info.size > rules.bytes:
        raise _too_large(rules)
    return Fetched(store.get(key), PurePosixPath(key).name, "")


def _get(url: httpx2.URL, rules: FetchRules, resolve: Resolve, deadline: float) -> Fetched | str:
    """What the URL names, or the URL that it redirects to."""
    address = checked_address(url, rules, resolve)
    left = min(max(deadline - time.monotonic(), 0.1), _PIECE_SECONDS)
    headers = {"Host": url.netloc.decode(), "Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "docmill"}
    asked = httpx2.Request("GET", url.copy_with(host=address), headers=headers, extensions={"sni_hostname": url.host})
    try:
        with httpx2.Client(timeout=left, trust_env=False) as client:
            answer = client.send(asked, stream=True, follow_redirects=False)
            try:
                return _answer(url, answer, rules, deadline)
            finally:
                answer.close()
    except httpx2.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise TransientError(f"{url.host} cannot be fetched from: {reason}.") from error


def post(url: str, body: bytes, headers: Mapping[str, str], rules: FetchRules, resolve: Resolve = addresses) -> None:
    """The body was taken by whoever answers at the URL, by the same rules; redirects are not followed.

    Raises UrlRefusedError, TransientError (5xx, 429, no answer) and SourceError for any other answer than 2xx.
    """
    parsed = _parsed(url)
    address = checked_address(parsed, rules, resolve)
    own = {"Host": parsed.netloc.decode(), "User-Agent": "docmill"}
    extensions = {"sni_hostname": parsed.host}
    asked = httpx2.Request(
        "POST", parsed.copy_with(host=address), headers=own | dict(headers), content=body, extensions=extensions
    )
    try:
        with httpx2.Client(timeout=min(rules.seconds, _PIECE_SECONDS), trust_env=False) as client:
            answer = client.send(asked, follow_redirects=False)
    except httpx2.HTTPError as error:
        raise TransientError(f"{parsed.host} cannot be reached: {str(error) or type(error).__name__}.") from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise TransientError(f"{parsed.host} answered with HTTP {answer.status_code}.")
    if not answer.is_success:
        raise SourceError(f"{parsed.host} answered with HTTP {answer.status_code}.", hint="Check the URL.")


def check_url(url: str, rules: FetchRules, resolve: Resolve = addresses) -> None:
    """Raises UrlRefusedError where the URL may not be used; a host without an address now may have one later."""
    try:
        checked_address(_parsed(url), rules, resolve)
    except TransientError:
        return


def checked_address(url: httpx2.URL, rules: FetchRules, resolve: Resolve = addresses) -> str:
    """The address to connect to; raises UrlRefusedError where any address of the host is not a public one."""
    host, port = url.host, url.port or (443 if url.scheme == "https" else 80)
    if not rules.own:
        if url.userinfo:
            raise UrlRefusedError("The URL holds a user's name.", hint="Only what needs no password is fetched.")
        if _DISGUISED.fullmatch(host):
            raise UrlRefusedError(f"The host {host} is a disguised address.", hint="Write it as usual.")
    found = resolve(host, port)
    if not found:
        raise TransientError(f"The host {host} has no address.")
    if not rules.own and host not in rules.hosts:
        _check(host, port, [ipaddress.ip_address(each.partition("%")[0]) for each in found], rules)
    return found[0]


def _check(host: str, port: int, found: list[Address], rules: FetchRules) -> None:
    """Raises UrlRefusedError unless all addresses are allowed, or all are public and the port is the web's."""
    if all(any(each in network for network in rules.networks) for each in found):
        return
    for each in found:
        if not _public(each):
            hint = "Only public addresses are fetched from; an operator may allow a network or host by fetch_allow."
            raise UrlRefusedError(f"The host {host} has the address {each}, which is not public.", hint=hint)
    if port not in (80, 443):
        hint = "Only ports 80 and 443 are fetched from; an operator may allow a network or host by fetch_allow."
        raise UrlRefusedError(f"Port {port} of {host} is not allowed.", hint=hint)


def _public(address: Address) -> bool:
    """Whether the address, or the IPv4 one within it, is reachable by everyone."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.is_site_local:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _WITHIN_IPV6):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = inner or address
    return address.is_global and not address.is_multicast and not address.is_reserved


def _answer(url: httpx2.URL, answer: httpx2.Response, rules: FetchRules, deadline: float) -> Fetched | str:
    if answer.has_redirect_location:
        try:
            return str(url.join(answer.headers["location"]))
        except (httpx2.InvalidURL, ValueError) as error:
            raise SourceError(f"{url.host} redirects to what is not a URL.", hint="Check the URL.") from error
    if answer.status_code in (404, 410):
        raise MissingObjectError(f"{url.host} has nothing at this URL (HTTP {answer.status_code}).")
    if answer.status_code >= 500 or answer.status_code == 429:
        raise TransientError(f"{url.host} answered with HTTP {answer.status_code}.")
    if answer.status_code != 200:
        raise SourceError(f"{url.host} answered with HTTP {answer.status_code}.", hint="Check the URL.")
    data = bytearray()
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > rules.bytes:
            raise _too_large(rules)
        if time.monotonic() > deadline:
            raise TransientError(f"The URL was not fetched within {rules.seconds:g} s.")
    name = PurePosixPath(unquote(url.path)).name or "document"
    return Fetched(bytes(data), name, answer.headers.get("content-type", "").partition(";")[0].strip())


def _too_large(rules: FetchRules) -> LimitExceededError:
    return LimitExceededError(
        f"The URL names more than the {rules.bytes} bytes allowed.", hint="An operator may raise fetch_bytes."
    )
