"""A proxy before a real S3 server that fails as networks and servers do."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
INTERNAL = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


class FaultyProxy(ThreadingHTTPServer):
    """`fault` meets GETs of paths that end with `suffix`; `met` counts them."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.fault, self.suffix, self.met = "", "", 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def break_(self, fault: str, suffix: str = "") -> None:
        """From now on GETs of paths with that end meet `refuse`, `slow`, `half`, `500` or `503`; "" mends all."""
        self.fault, self.suffix, self.met = fault, suffix, 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def _pass(self) -> None:
        fault = self.server.fault
        if fault and self.command == "GET" and urlsplit(self.path).path.endswith(self.server.suffix):
            self.server.met += 1
        else:
            fault = ""
        if fault == "refuse":
            self.close_connection = True
            self.connection.close()
            return
        if fault == "slow":
            time.sleep(3)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if fault in ("500", "503"):
            self._answer(int(fault), [], INTERNAL if fault == "500" else SLOW_DOWN)
            return
        connection = http.client.HTTPConnection(*self.server.upstream, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        data = answer.read()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN]
        if self.command == "HEAD":
            headers.append(("Content-Length", answer.getheader("Content-Length") or "0"))
        self._answer(answer.status, headers, data, cut=fault == "half")
        connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


_OWN = {"content-length", "transfer-encoding", "connection", "date", "server"}


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A running proxy."""
    with FaultyProxy(upstream) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()
