"""Which documents of an index a file name or an id means: found by the ledger's indexes, not by reading all of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from docmill.artifacts import file_name
from docmill.models import Document
from docmill.service.llamacloud.document_metadata import metadata_of
from docmill.service.llamacloud.entries import Entries, object_name
from docmill.workspace import Workspace

_SHORTEST = 4
"""Letters that a file's name has at least to be recognised in a question."""
_WORDS = 8
"""Words that it has at most to be recognised there."""
_EDGES = "\"'`“”‘’«»()[]{}<>,;:?!."


def values_of(
    workspace: Workspace, collection: str, key: str, values: Sequence[str] | None
) -> list[tuple[str, object]]:
    """(docmill's document id, the key's value in its metadata) of an index's documents.

    Of all where no values are given; else of those that may have one of the values under one of the keys
    `file_name`, `file_id` and `document_id`.
    """
    if values is None:
        documents = workspace.ledger.documents(collection)
    elif key == "file_name":
        documents = _named(workspace, collection, values)
    else:
        documents = _of_ids(workspace, collection, values)
    entries = Entries(workspace.ledger.database).of_documents([each.document_id for each in documents])
    return [(each.document_id, metadata_of(each, entries.get(each.document_id)).get(key)) for each in documents]


def _named(workspace: Workspace, collection: str, names: Sequence[str]) -> list[Document]:
    """The documents whose objects have one of the names, or that which a client's name with folders has become."""
    return workspace.ledger.documents_named(collection, [*names, *map(object_name, names)])


def _of_ids(workspace: Workspace, collection: str, ids: Sequence[str]) -> list[Document]:
    """The documents that the protocol knows by one of the ids."""
    entries = Entries(workspace.ledger.database)
    known = [entry.document_id for each in ids if (entry := entries.find(collection, each)) is not None]
    own = [uuid.UUID(each).hex for each in ids if _is_uuid(each)]
    found = workspace.ledger.documents_by_id(list(dict.fromkeys([*known, *own])))
    return [each for each in found if each.collection == collection]


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def named_in(workspace: Workspace, collection: str, query: str) -> list[Document]:
    """The documents whose names stand in the question, those with the longest names first."""
    words = query.split()
    spans = {
        " ".join(words[start:end]).strip(_EDGES)
        for start in range(len(words))
        for end in range(start + 1, min(start + _WORDS, len(words)) + 1)
    }
    found = workspace.ledger.documents_named(collection, sorted(each for each in spans if len(each) >= _SHORTEST))
    return sorted(found, key=lambda each: -len(file_name(each.source_key)))
