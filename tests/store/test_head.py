"""`head`: what an object is, without its bytes."""

import time

import pytest

from docmill.errors import SourceError
from docmill.store import LocalStore, ObjectStore
from docmill.store.s3 import S3Store


def test_head_tells_size_and_time(store: ObjectStore):
    store.put("a/b.md", b"four")
    info = store.head("a/b.md")
    assert info is not None
    assert (info.key, info.size) == ("a/b.md", 4)
    assert abs(info.modified - time.time()) < 60


def test_head_of_nothing_is_none(store: ObjectStore):
    assert store.head("nothing.md") is None


def test_head_of_a_folder_is_none(store: ObjectStore):
    store.put("a/b.md", b"b")
    assert store.head("a") is None


def test_etag_stays_while_the_bytes_do(store: ObjectStore):
    store.put("a.md", b"a")
    assert store.head("a.md") == store.head("a.md")


def test_key_that_leaves_the_folder_is_refused(local: LocalStore):
    with pytest.raises(SourceError, match="leaves the folder"):
        local.head("../secret.md")


def test_wrong_key_id_is_told_without_it(s3, s3_endpoint: str, bucket: str, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(SourceError, match="access refused") as caught:
        S3Store(bucket, "", s3_endpoint).head("a.md")
    assert "nobody" not in str(caught.value)
