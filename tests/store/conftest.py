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
    client = request.getfixturevalue("s3")
    made = S3Store(request.getfixturevalue("store_bucket"), f"{uuid.uuid4().hex}/")
    made._client = client  # boto3 takes half a second to make one
    return made


@pytest.fixture(scope="session")
def store_bucket(s3_client) -> str:
    """One bucket for all: the server takes a tenth of a second to make one."""
    s3_client.create_bucket(Bucket="stores")
    return "stores"


@pytest.fixture
def local(tmp_path) -> LocalStore:
    (tmp_path / "store").mkdir()
    return LocalStore(tmp_path / "store")
