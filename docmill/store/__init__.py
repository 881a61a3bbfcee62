"""Object stores: a bucket, a folder, memory; an address is `s3://bucket/prefix/`, `file:///folder/` or a path."""

from __future__ import annotations

from pathlib import Path

from docmill.errors import SourceError
from docmill.store.base import ObjectInfo, ObjectStore, TaggedStore
from docmill.store.local import LocalStore
from docmill.store.memory import MemoryStore

__all__ = [
    "LocalStore",
    "MemoryStore",
    "ObjectInfo",
    "ObjectStore",
    "TaggedStore",
    "canonical_url",
    "open_store",
]


def canonical_url(address: str) -> str:
    """The address as a URL that ends with `/`: a path becomes an absolute `file://` URL with links resolved."""
    if address.startswith("s3://"):
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not bucket:
            raise SourceError(f"{address!r} names no bucket.", hint="Write s3://bucket/prefix.")
        return f"s3://{bucket}/{prefix.rstrip('/')}/" if prefix.strip("/") else f"s3://{bucket}/"
    scheme, separator, rest = address.partition("://")
    if separator and scheme != "file":
        raise SourceError(f"{address!r} is not an address of a store.", hint="Use a path, file:// or s3://.")
    return LocalStore(Path(rest if separator else address).expanduser()).url


def open_store(url: str, s3_endpoint_url: str | None = None) -> ObjectStore:
    """The store at an address; nothing is read yet."""
    url = canonical_url(url)
    if url.startswith("s3://"):
        from docmill.store.s3 import S3Store  # boto3 costs 0.3 CPU seconds to import

        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        return S3Store(bucket, prefix, s3_endpoint_url)
    return LocalStore(Path(url.removeprefix("file://")))
