"""Identity is content: every derived id is a hash of what it derives from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from json.encoder import encode_basestring

Part = str | int


def digest(*parts: Part) -> str:
    """32 hex digits that depend on every part and on where one part ends and the next begins."""
    return hashlib.sha256(f"[{', '.join(map(_json, parts))}]".encode()).hexdigest()[:32]


def _json(part: Part) -> str:
    """The part as JSON, without what `json.dumps` takes to make an encoder: ids are made by the million."""
    return encode_basestring(part) if isinstance(part, str) else json.dumps(part)


def content_version(data: bytes) -> str:
    """The version of a document: the sha256 of its bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def document_id(collection: str, source_key: str) -> str:
    """The same object in the same collection is the same document, whatever its bytes are."""
    return digest("document", collection, source_key)


def name_hash(name: str) -> str:
    """What documents are found by whose files have this name, whatever the case of its letters: 16 hex digits."""
    return digest("name", name.casefold())[:16]


def chunk_id(document: str, version: str, fingerprint: str, ordinal: int) -> str:
    """The primary key of a chunk in the index."""
    return digest("chunk", document, version, fingerprint, ordinal)


def fingerprint(stage: str, code_version: str, config: Mapping[str, object], upstream: str) -> str:
    """16 hex digits that change when the stage's code version, its settings or anything before it changes."""
    settings = json.dumps(config, sort_keys=True, ensure_ascii=False, default=str)
    return digest("fingerprint", stage, code_version, settings, upstream)[:16]
