"""URLs are fetched from public addresses only, within limits, whatever names and redirects say."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from docmill.errors import LimitExceededError, MissingObjectError, SourceError
from docmill.fetch import FetchLimits, checked_address, fetch


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
        elif self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
        elif self.path.endswith("price%20list.txt"):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
        else:
            self.send_response(404)
        self.end_headers()
        self.wfile.write(b"brakes " * 100)

    def log_message(self, *_):
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


OWN = FetchLimits(hosts=("127.0.0.1",))


def test_document_is_fetched_with_its_name(site: str):
    found = fetch(f"{site}/price%20list.txt", OWN)
    assert (found.name, found.media_type, found.data[:7]) == ("price list.txt", "text/plain", b"brakes ")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
    ],
)
def test_private_addresses_are_refused(host: str):
    with pytest.raises(SourceError, match="not public"):
        checked_address("name.example", 80, FetchLimits(), lambda *_: ["93.184.216.34", host])


def test_redirect_into_the_network_is_refused(site: str):
    with pytest.raises(SourceError, match=r"169\.254\.169\.254"):
        fetch(f"{site}/away", OWN)


def test_redirects_end(site: str):
    with pytest.raises(SourceError, match="redirects"):
        fetch(f"{site}/round", OWN)


def test_other_schemes_are_refused():
    with pytest.raises(SourceError, match="http"):
        fetch("file:///etc/passwd")


def test_size_is_limited(site: str):
    with pytest.raises(LimitExceededError):
        fetch(f"{site}/price%20list.txt", FetchLimits(bytes=100, any_host=True))


def test_missing_document_is_missing(site: str):
    with pytest.raises(MissingObjectError):
        fetch(f"{site}/none", OWN)
