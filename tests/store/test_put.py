"""`put`: an object holds its bytes, whole or not at all."""

import errno
import os
import tempfile
import threading

import pytest

from docmill.errors import SourceError, SystemicError
from docmill.store import LocalStore, ObjectStore
from docmill.store.s3 import S3Store
from tests.services import free_port


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def files(store: LocalStore) -> list[str]:
    return [path.name for path in store.root.rglob("*") if path.is_file()]


def test_second_put_replaces_the_first(store: ObjectStore):
    store.put("a.md", b"a longer text")
    store.put("a.md", b"short")
    assert store.get("a.md") == b"short"
    assert [info.key for info in store.list()] == ["a.md"]


@pytest.mark.parametrize("key", ["../out.md", "/tmp/out.md"])
def test_key_that_leaves_the_folder_is_refused(local: LocalStore, key: str):
    with pytest.raises(SourceError, match="leaves the folder"):
        local.put(key, b"x")


def test_full_disk_at_the_move_leaves_the_old_file_and_no_other(local: LocalStore, monkeypatch):
    local.put("a.md", b"old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SystemicError, match="is full"):
        local.put("a.md", b"new")
    assert files(local) == ["a.md"]
    assert local.get("a.md") == b"old"


def test_full_disk_while_writing_leaves_no_half_file(local: LocalStore, monkeypatch):
    made = tempfile.NamedTemporaryFile

    def make(*args, **options):
        file = made(*args, **options)
        file.write = full
        return file

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", make)
    with pytest.raises(SystemicError, match="is full"):
        local.put("a.md", b"x" * 1_000)
    assert files(local) == []


def test_interrupted_put_leaves_no_half_file(local: LocalStore, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        local.put("a.md", b"x")
    assert files(local) == []


def test_folder_that_may_not_be_written_is_systemic(local: LocalStore, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(SystemicError, match="may not be written"):
        local.put("a.md", b"x")


def test_file_in_the_place_of_a_folder_is_systemic(local: LocalStore):
    local.put("a", b"a")
    with pytest.raises(SystemicError):
        local.put("a/b.md", b"b")


def test_readers_never_see_half_of_a_put(store: ObjectStore):
    texts = {bytes([letter]) * 100_000 for letter in b"abcdef"}
    store.put("a.md", min(texts))
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(store.get("a.md"))

    reader = threading.Thread(target=look)
    reader.start()
    for text in sorted(texts) * 3:
        store.put("a.md", text)
    stop.set()
    reader.join()
    assert seen <= texts


def test_unreachable_endpoint_is_systemic(s3):
    with pytest.raises(SystemicError, match="cannot be reached"):
        S3Store("anything", "", f"http://127.0.0.1:{free_port()}").put("a.md", b"a")
