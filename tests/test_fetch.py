"""URLs are fetched from public addresses only, within limits, whatever names and redirects say."""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from docmill.errors import ConfigError, LimitExceededError, MissingObjectError, SourceError, UrlRefusedError
from docmill.fetch import FetchRules, checked_address, fetch, rules_of
from docmill.settings import Settings, load_settings


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
        elif self.path == "/nowhere":
            self.send_response(302)
            self.send_header("Location", "http://1.2.3.999/")
        elif self.path == "/packed.txt":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(b"brakes " * 100_000))
            return
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


OWN = FetchRules(hosts=("127.0.0.1",))
PUBLIC = "93.184.216.34"


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
        "240.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "fec0::1",
    ],
)
def test_private_addresses_are_refused(host: str):
    with pytest.raises(UrlRefusedError, match="not public"):
        checked_address(httpx2.URL("http://name.example/"), FetchRules(), lambda *_: [PUBLIC, host])


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://name.example:22/",
        "http://me@name.example/",
        "http://me:secret@name.example/",
    ],
)
def test_disguises_odd_ports_and_names_of_users_are_refused(url: str):
    with pytest.raises(UrlRefusedError):
        fetch(url, FetchRules(), lambda *_: [PUBLIC])


def test_operator_allows_networks_and_hosts_on_any_port():
    rules = rules_of(Settings(fetch_allow="10.0.0.0/8, files.internal"))
    for url, address in (("http://a.example:81/", "10.1.2.3"), ("http://FILES.internal:82/", "192.168.0.1")):
        assert checked_address(httpx2.URL(url), rules, lambda *_, found=address: [found]) == address
    with pytest.raises(UrlRefusedError):
        checked_address(httpx2.URL("http://a.example/"), rules, lambda *_: ["10.1.2.3", "192.168.0.1"])


def test_wrong_network_is_a_wrong_setting(monkeypatch):
    monkeypatch.setenv("DOCMILL_FETCH_ALLOW", "10.0.0.0/33")
    with pytest.raises(ConfigError, match="fetch_allow"):
        load_settings()


def test_beginning_of_a_url_is_rewritten(site: str):
    rules = replace(OWN, rewrite={"https://files.example/": f"{site}/"})
    assert fetch("https://files.example/price%20list.txt", rules).name == "price list.txt"


def test_own_urls_may_name_private_hosts(site: str):
    assert fetch(f"{site}/price%20list.txt", FetchRules(own=True)).data


def test_named_bucket_is_read_through_the_object_store(bucket: str, s3, s3_endpoint: str):
    s3.put_object(Bucket=bucket, Key="a/b c.txt", Body=b"brakes")
    rules = FetchRules(buckets=(bucket,), s3_endpoint_url=s3_endpoint)
    for beginning in (f"https://{bucket}.s3.eu-west-1.amazonaws.com", f"https://s3.amazonaws.com/{bucket}"):
        assert fetch(f"{beginning}/a/b%20c.txt?X-Amz-Signature=1", rules).data == b"brakes"
    with pytest.raises(MissingObjectError):
        fetch(f"https://{bucket}.s3.amazonaws.com/none", rules)
    with pytest.raises(LimitExceededError):
        fetch(f"https://{bucket}.s3.amazonaws.com/a/b%20c.txt", replace(rules, bytes=3))


def test_packed_answer_is_unpacked_and_measured_unpacked(site: str):
    assert len(fetch(f"{site}/packed.txt", OWN).data) == 700_000
    with pytest.raises(LimitExceededError):
        fetch(f"{site}/packed.txt", replace(OWN, bytes=10_000))


def test_redirect_to_no_url_is_told(site: str):
    with pytest.raises(SourceError, match="redirects to what is not a URL"):
        fetch(f"{site}/nowhere", OWN)


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
        fetch(f"{site}/price%20list.txt", FetchRules(bytes=100, own=True))


def test_missing_document_is_missing(site: str):
    with pytest.raises(MissingObjectError):
        fetch(f"{site}/none", OWN)
