"""`get`: an object's bytes."""

import errno
import os

import pytest
from botocore.exceptions import ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docmill.errors import MissingObjectError, SourceError, TransientError
from docmill.store import LocalStore, MemoryStore, ObjectStore
from docmill.store.s3 import S3Store


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 5_000])
def test_bytes_come_back_as_they_were_put(store: ObjectStore, data: bytes):
    store.put("a/b.bin", data)
    assert store.get("a/b.bin") == data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(data=st.binary(max_size=2_000))
def test_any_bytes_come_back(local: LocalStore, data: bytes):
    for store in (local, MemoryStore()):
        store.put("a.bin", data)
        assert store.get("a.bin") == data


def test_missing_object_is_told_by_its_name(store: ObjectStore):
    with pytest.raises(MissingObjectError, match=r"nothing\.md"):
        store.get("nothing.md")


@pytest.mark.parametrize("key", ["../secret.md", "a/../../secret.md", "/etc/passwd"])
def test_key_that_leaves_the_folder_is_refused(local: LocalStore, key: str):
    (local.root.parent / "secret.md").write_text("secret")
    with pytest.raises(SourceError, match="leaves the folder"):
        local.get(key)


def test_link_that_leaves_the_folder_is_refused(local: LocalStore):
    (local.root.parent / "secret.md").write_text("secret")
    (local.root / "link.md").symlink_to(local.root.parent / "secret.md")
    with pytest.raises(SourceError, match="leaves the folder"):
        local.get("link.md")


def test_unreadable_file_costs_itself_only(local: LocalStore, monkeypatch):
    local.put("a.md", b"a")

    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(TransientError, match="may not be read"):
        local.get("a.md")


def test_missing_bucket_is_told(s3, s3_endpoint: str):
    with pytest.raises(SourceError, match="does not exist"):
        S3Store("no-such-bucket-here", "", s3_endpoint).get("a.md")


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="http://s3"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ResponseStreamingError(error="reset"),
        ConnectionClosedError(endpoint_url="http://s3"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_connection_that_breaks_is_transient(s3, s3_endpoint: str, bucket: str, error: Exception, monkeypatch):
    store = S3Store(bucket, "", s3_endpoint)

    def break_off(**_):
        raise error

    monkeypatch.setattr(store.client, "get_object", break_off)
    with pytest.raises(TransientError):
        store.get("a.md")
