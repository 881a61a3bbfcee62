"""What a source's address names: a folder or prefix, or one object, and what lies there."""

from __future__ import annotations

from pathlib import Path

from docmill.attributes import is_side_car
from docmill.errors import SourceError
from docmill.ids import document_id
from docmill.models import INSIDE, Document
from docmill.store import ObjectInfo, ObjectStore, canonical_url
from docmill.workspace import Workspace


def resolve_source(workspace: Workspace, address: str) -> str:
    """The address of what a user named: it ends with `/` for a folder or prefix, and does not for one object.

    Raises SourceError when there is nothing, and for a folder whose name ends as only containers' members may.
    """
    if address.rstrip("/").endswith(INSIDE.rstrip("/")):
        raise SourceError(
            f"{address} ends with {INSIDE[0]!r}, which stands between a container and its members.",
            hint="Rename the folder, or ingest the one above it.",
        )
    if address.startswith("s3://"):
        url = canonical_url(address).rstrip("/")
        bucket, _, key = url.removeprefix("s3://").partition("/")
        single = bool(key) and workspace.source(f"s3://{bucket}/").head(key) is not None
        return url if single else url + "/"
    path = Path(canonical_url(address).removeprefix("file://"))
    if not path.exists():
        raise SourceError(f"{path} does not exist.", hint="Check the path.")
    return f"file://{path}" if path.is_file() else f"file://{path}/".replace("////", "///")


def split_source(workspace: Workspace, source: str) -> tuple[ObjectStore, str]:
    """The store of the source and "" for all of it, or the key of the one object that the source names."""
    if source.endswith("/"):
        return workspace.source(source), ""
    base, _, name = source.rpartition("/")
    return workspace.source(base + "/"), name


def object_of(store: ObjectStore, key: str) -> ObjectInfo:
    """The object of that key; raises SourceError if it is not there, or is a side-car."""
    if is_side_car(key):
        raise SourceError(f"{store.url}{key} is a side-car.", hint="Name the document that it lies beside.")
    info = store.head(key)
    if info is None:
        raise SourceError(f"There is no object {store.url}{key}.", hint="Check the path.")
    return info


def listed_document(collection: str, store: ObjectStore, info: ObjectInfo) -> Document:
    """The object as a document of the collection."""
    key = store.url + info.key
    return Document(
        document_id=document_id(collection, key),
        collection=collection,
        source=store.url,
        source_key=key,
        etag=info.etag,
        size=info.size,
        modified=info.modified,
    )
