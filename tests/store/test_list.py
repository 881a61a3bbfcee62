"""`list`: which objects there are, in byte order of their keys."""

import http.server
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docmill.errors import SourceError, SystemicError
from docmill.store import LocalStore, MemoryStore, ObjectStore, canonical_url, open_store
from docmill.store.s3 import S3Store
from tests.services import SECRET_KEY, free_port

KEYS = ["Z.md", "a/b.md", "a/é.md", "b/c/d.md", "b0.md", "c-d.md", "c.md", "ä.md", "😀.md"]


def keys(store: ObjectStore, **chosen: str) -> list[str]:
    return [info.key for info in store.list(**chosen)]


@contextmanager
def tls_server(key: Path, chain: Path) -> Iterator[str]:
    """The address of a server that speaks TLS with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def fill(store: ObjectStore) -> list[str]:
    for key in KEYS:
        store.put(key, key.encode())
    return sorted(KEYS, key=str.encode)


def test_keys_come_in_byte_order(store: ObjectStore):
    assert fill(store) == keys(store)


def test_folders_sort_as_their_keys_do(local: LocalStore):
    expected = ["a b.md", "a-b.md", "a.md", "a/b.md", "a0.md"]
    for store in (local, MemoryStore()):
        for key in expected:
            store.put(key, b"x")
        assert keys(store) == expected


def test_going_round_by_after_visits_every_key_once(store: ObjectStore):
    """Also on servers that list a folder before the names that sort in front of its slash, as SeaweedFS does."""
    expected = ["a b.md", "a-b.md", "a.md", "a/b.md", "a/c.md", "a0.md"]
    for key in expected:
        store.put(key, b"x")
    found: list[str] = []
    while part := next(iter(keys(store, after=found[-1] if found else "")), None):
        found.append(part)
    assert sorted(found) == expected


def test_after_leaves_out_all_keys_up_to_it(store: ObjectStore):
    expected = fill(store)
    for position, key in enumerate(expected):
        assert keys(store, after=key) == expected[position + 1 :]


def test_after_need_not_be_a_key(store: ObjectStore):
    expected = fill(store)
    assert keys(store, after="a/c") == [key for key in expected if key.encode() > b"a/c"]


@pytest.mark.parametrize("prefix", ["a", "a/", "a/b", "b/c", "nothing"])
def test_prefix_is_of_the_key_not_of_a_folder(store: ObjectStore, prefix: str):
    expected = fill(store)
    assert keys(store, prefix=prefix) == [key for key in expected if key.startswith(prefix)]


def test_infos_are_those_of_head(store: ObjectStore):
    fill(store)
    assert [(info, info.size) for info in store.list()] == [(store.head(key), len(key.encode())) for key in keys(store)]


def test_empty_store_lists_nothing(store: ObjectStore):
    assert keys(store) == []


def test_etag_changes_with_the_bytes(store: ObjectStore):
    store.put("a.md", b"one")
    before = next(iter(store.list())).etag
    store.put("a.md", b"two")
    assert next(iter(store.list())).etag != before


def test_bucket_beside_the_prefix_is_not_listed(s3, s3_endpoint: str, bucket: str):
    s3.put_object(Bucket=bucket, Key="mill/a.md", Body=b"a")
    s3.put_object(Bucket=bucket, Key="other/b.md", Body=b"b")
    s3.put_object(Bucket=bucket, Key="mill/folder/", Body=b"")
    assert keys(S3Store(bucket, "mill/", s3_endpoint)) == ["a.md"]


def test_listing_goes_past_the_first_thousand(s3, s3_endpoint: str, bucket: str):
    store = S3Store(bucket, "", s3_endpoint)
    expected = [f"{number:04}" for number in range(1_003)]
    for key in expected:
        store.put(key, b"x")
    assert keys(store) == expected


def test_hidden_files_are_no_objects(local: LocalStore):
    for name in (".hidden.md", ".git/config", "a/.DS_Store"):
        (local.root / name).parent.mkdir(parents=True, exist_ok=True)
        (local.root / name).write_text("x")
    assert keys(local) == []


def test_links_that_leave_the_folder_are_no_objects(local: LocalStore, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.md").write_text("secret")
    (local.root / "link.md").symlink_to(tmp_path / "outside" / "secret.md")
    (local.root / "folder").symlink_to(tmp_path / "outside")
    (local.root / "dangling").symlink_to(tmp_path / "nothing")
    assert keys(local) == []


def test_links_inside_the_folder_are_objects(local: LocalStore):
    local.put("a.md", b"a")
    (local.root / "b.md").symlink_to(local.root / "a.md")
    assert keys(local) == ["a.md", "b.md"]


def test_links_in_a_circle_are_walked_once(local: LocalStore):
    local.put("a/b.md", b"b")
    (local.root / "a" / "up").symlink_to(local.root)
    assert "a/b.md" in keys(local)
    assert len(keys(local)) == 1


def test_what_is_no_file_is_no_object(local: LocalStore):
    os.mkfifo(local.root / "pipe")
    assert keys(local) == []


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(SourceError, match="is not a folder"):
        keys(LocalStore(tmp_path / "nothing"))


def test_missing_bucket_is_told(s3, s3_endpoint: str):
    with pytest.raises(SourceError, match="bucket of s3://no-such-bucket-here/ does not exist"):
        keys(S3Store("no-such-bucket-here", "", s3_endpoint))


def test_wrong_secret_is_told_without_it(s3, s3_endpoint: str, bucket: str, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret")
    with pytest.raises(SourceError, match="access refused") as caught:
        keys(S3Store(bucket, "", s3_endpoint))
    assert "a-wrong-secret" not in str(caught.value)


def test_missing_credentials_are_told(s3, s3_endpoint: str, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(SourceError, match="no usable AWS credentials"):
        keys(S3Store("anything", "", s3_endpoint))


def test_unreachable_endpoint_is_systemic_and_tells_no_secret(s3):
    with pytest.raises(SystemicError, match="cannot be reached") as caught:
        keys(S3Store("anything", "", f"http://127.0.0.1:{free_port()}"))
    assert SECRET_KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["No_Good!", "x"])
def test_impossible_bucket_name_is_told(s3, s3_endpoint: str, name: str):
    with pytest.raises(SourceError, match=r"not an address that S3 allows|does not exist"):
        keys(S3Store(name, "", s3_endpoint))


def test_endpoint_that_is_no_url_is_told(s3):
    with pytest.raises(SourceError, match="is not a URL"):
        keys(S3Store("anything", "", "not a url"))


@pytest.mark.parametrize(
    ("address", "url"),
    [("s3://b", "s3://b/"), ("s3://b/a", "s3://b/a/"), ("s3://b/a//", "s3://b/a/"), ("file:///", "file:///")],
)
def test_addresses_have_one_form(address: str, url: str):
    assert canonical_url(address) == url
    assert open_store(address).url == url


@pytest.mark.parametrize("address", ["s3://", "s3:///a", "http://host/a", "gs://b/a"])
def test_addresses_of_no_store_are_refused(address: str):
    with pytest.raises(SourceError):
        open_store(address)


def test_public_names_are_there():
    import docmill.store

    assert all(hasattr(docmill.store, name) for name in docmill.store.__all__)


def test_certificate_that_is_not_trusted_is_told_with_the_way_out(s3, certificate, monkeypatch):
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with tls_server(*certificate) as address, pytest.raises(SystemicError, match="certificate verify failed") as caught:
        keys(S3Store("anything", "", address))
    assert "AWS_CA_BUNDLE" in caught.value.hint


@pytest.mark.parametrize("endpoint", ["localhost:9000", "nonsense"])
def test_endpoint_that_is_no_url_is_told_with_the_way_out(s3, endpoint: str):
    with pytest.raises(SourceError, match="is not a URL") as caught:
        keys(S3Store("anything", "", endpoint))
    assert "https://" in caught.value.hint
