"""`delete`: the object is not there afterwards."""

import errno
import os

import pytest

from docmill.errors import MissingObjectError, SourceError, SystemicError
from docmill.store import LocalStore, ObjectStore
from docmill.store.s3 import S3Store


def test_deleted_object_is_gone_and_others_stay(store: ObjectStore):
    store.put("a.md", b"a")
    store.put("b.md", b"b")
    store.delete("a.md")
    assert [info.key for info in store.list()] == ["b.md"]
    with pytest.raises(MissingObjectError):
        store.get("a.md")


def test_deleting_nothing_is_no_error(store: ObjectStore):
    store.delete("nothing.md")
    store.delete("no/folder/nothing.md")


def test_key_that_leaves_the_folder_is_refused(local: LocalStore):
    outside = local.root.parent / "outside.md"
    outside.write_text("x")
    with pytest.raises(SourceError, match="leaves the folder"):
        local.delete("../outside.md")
    assert outside.exists()


def test_file_that_may_not_be_deleted_is_systemic(local: LocalStore, monkeypatch):
    local.put("a.md", b"a")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    with pytest.raises(SystemicError, match="may not be written"):
        local.delete("a.md")


def test_missing_bucket_is_told(s3, s3_endpoint: str):
    with pytest.raises(SourceError, match="does not exist"):
        S3Store("no-such-bucket-here", "", s3_endpoint).delete("a.md")
