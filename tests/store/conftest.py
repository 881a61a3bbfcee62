"""Every store that there is, to be held to the same behaviour."""

import uuid

import pytest

from docmill.store import LocalStore, MemoryStore, ObjectStore
from docmill.store.s3 import S3Store


@pytest.fixture(params=["local", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path) -> ObjectStore:
    """An empty store; the bucket's objects lie below a prefix."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "local":
        (tmp_path / "store").mkdir()
        return LocalStore(tmp_path / "store")
    name = f"store-{uuid.uuid4().hex}"
    request.getfixturevalue("s3").create_bucket(Bucket=name)
    return S3Store(name, "mill/", request.getfixturevalue("s3_endpoint"))


@pytest.fixture
def local(tmp_path) -> LocalStore:
    (tmp_path / "store").mkdir()
    return LocalStore(tmp_path / "store")
