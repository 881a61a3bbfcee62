"""Keeps pictures in the object store and tells the elements where."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from docmill.artifacts import Artifacts
from docmill.ingestor.options import StoreOptions
from docmill.ingestor.shape import Json
from docmill.store import ObjectStore


def store_pictures(elements: Sequence[Json], options: StoreOptions, store: ObjectStore) -> list[Json]:
    """The elements; the pictures of the wanted kinds are objects, named by their content."""
    return [_stored(element, options, store) for element in elements]


def _stored(element: Json, options: StoreOptions, store: ObjectStore) -> Json:
    kind, metadata = element["document_type"], element["metadata"]
    wanted = {"structured": options.structured, "image": options.images}.get(kind, False)
    if not wanted or not metadata["content"]:
        return element
    crop = Artifacts(store).put_picture(base64.b64decode(metadata["content"]))
    address = f"{options.public_base_url.rstrip('/')}/{crop}" if options.public_base_url else store.url + crop
    name, field = (
        ("image_metadata", "uploaded_image_url") if kind == "image" else ("table_metadata", "uploaded_image_uri")
    )
    changed = {
        "source_metadata": {**metadata["source_metadata"], "source_location": address},
        name: {**metadata[name], field: address},
    }
    return {**element, "metadata": {**metadata, **changed}}
