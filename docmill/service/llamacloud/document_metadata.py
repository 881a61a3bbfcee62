"""What the protocol tells of a document beside its text."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from docmill.artifacts import file_name
from docmill.models import Document
from docmill.service.llamacloud.entries import TEXT, Entry
from docmill.service.llamacloud.items import Body


def metadata_of(document: Document, entry: Entry | None) -> Body:
    """What a document's nodes tell of it: the client's own keys unchanged, and which file it is."""
    if entry is not None and entry.kind == TEXT:
        return {**entry.metadata, "document_id": entry.ref_id}
    known: Body = entry.metadata if entry else {name: _json(value) for name, value in document.metadata.items()}
    name = str(entry.body["name"]) if entry else file_name(document.source_key)
    return {**known, "file_name": name, "file_id": ref_of(document, entry), "document_id": ref_of(document, entry)}


def _json(value: str | int | float | bool | Sequence[str]) -> JsonValue:
    return value if isinstance(value, str | int | float | bool) else [*value]


def ref_of(document: Document, entry: Entry | None) -> str:
    """The id that the protocol knows a document by: the client's own, a file's, or the document's as a UUID."""
    if entry is not None:
        return entry.ref_id
    text = document.document_id
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
