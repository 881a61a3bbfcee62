"""Artifacts: what was put comes back, byte for byte the same each time, and damage is told."""

import json

import numpy as np
import pytest
import zstandard

from docmill.artifacts import Artifacts, extension
from docmill.errors import MissingObjectError, SystemicError
from docmill.models import (
    Chunk,
    Crop,
    Document,
    Element,
    ElementType,
    Extraction,
    OutlineEntry,
    Page,
    PageStatus,
    Span,
)
from docmill.store import MemoryStore

DOCUMENT = Document(
    document_id="d", collection="c", source="s3://b/", source_key="s3://b/a.PDF", etag="e", size=1, version="ab" * 32
)
EXTRACTION = Extraction(
    media_type="application/pdf",
    elements=(
        Element(ordinal=0, type=ElementType.TITLE, text="Pümps\n\u2028", level=1),
        Element(ordinal=1, type=ElementType.TEXT, text="", page=2),
    ),
    pages=(Page(number=1, width=1, height=2), Page(number=2, width=1, height=2, status=PageStatus.FAILED)),
    outline=(OutlineEntry(title="A", level=1),),
    warnings=("odd",),
)
CHUNKS = (Chunk(ordinal=0, text="Pümps\n", token_count=3, spans=(Span(ordinal=0, start=0, end=6),), pages=(1,)),)


@pytest.fixture
def artifacts() -> Artifacts:
    return Artifacts(MemoryStore())


def only(artifacts: Artifacts) -> tuple[str, bytes]:
    (info,) = artifacts.store.list()
    return info.key, artifacts.store.get(info.key)


@pytest.mark.parametrize("extraction", [EXTRACTION, Extraction(media_type="text/plain", elements=())])
def test_extraction_comes_back(artifacts: Artifacts, extraction: Extraction):
    artifacts.put_extraction(artifacts.elements_key(DOCUMENT, "f"), extraction)
    assert artifacts.extraction(DOCUMENT, "f") == extraction


@pytest.mark.parametrize("chunks", [CHUNKS, ()])
def test_chunks_come_back(artifacts: Artifacts, chunks: tuple[Chunk, ...]):
    assert not artifacts.has_chunks(DOCUMENT, "f")
    artifacts.put_chunks(DOCUMENT, "f", chunks)
    assert artifacts.has_chunks(DOCUMENT, "f")
    assert artifacts.chunks(DOCUMENT, "f") == chunks


def test_vectors_come_back(artifacts: Artifacts):
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    artifacts.put_vectors(DOCUMENT, "f", vectors)
    found = artifacts.vectors(DOCUMENT, "f")
    assert found.dtype == np.float32
    assert np.array_equal(found, vectors)


def test_crop_comes_back_by_its_hash(artifacts: Artifacts):
    artifacts.put_crop(b"picture")
    sha256 = only(artifacts)[0].rpartition("/")[2]
    assert artifacts.crop(Crop(sha256=sha256, media_type="image/png", width=1, height=1)) == b"picture"


def test_key_is_version_fingerprint_and_extension(artifacts: Artifacts):
    assert artifacts.elements_key(DOCUMENT, "f1") == f"elements/ab/{'ab' * 32}/f1.pdf.jsonl.zst"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a/b.PDF", ".pdf"),
        ("a.tar.gz", ".gz"),
        ("a", ""),
        ("a.b c", ""),
        ("a.é", ""),
        ("a.abcdefghijk", ""),
        ("a.", ""),
    ],
)
def test_odd_extensions_are_left_out(key: str, expected: str):
    assert extension(key) == expected


def test_same_content_gives_the_same_bytes():
    made = []
    for _ in range(2):
        artifacts = Artifacts(MemoryStore())
        artifacts.put_extraction("elements", EXTRACTION)
        artifacts.put_chunks(DOCUMENT, "f", CHUNKS)
        artifacts.put_vectors(DOCUMENT, "f", np.ones((2, 3), dtype=np.float32))
        made.append({info.key: artifacts.store.get(info.key) for info in artifacts.store.list()})
    assert made[0] == made[1]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"junk" * 9])
@pytest.mark.parametrize("kind", ["extraction", "chunks", "vectors"])
def test_damaged_artifact_is_told_never_read_in_part(artifacts: Artifacts, kind: str, damage):
    if kind == "extraction":
        artifacts.put_extraction(artifacts.elements_key(DOCUMENT, "f"), EXTRACTION)
    elif kind == "chunks":
        artifacts.put_chunks(DOCUMENT, "f", CHUNKS)
    else:
        artifacts.put_vectors(DOCUMENT, "f", np.ones((2, 3), dtype=np.float32))
    key, data = only(artifacts)
    artifacts.store.put(key, damage(data))
    with pytest.raises(SystemicError, match="is damaged"):
        getattr(artifacts, kind)(DOCUMENT, "f")


def test_missing_artifact_is_told(artifacts: Artifacts):
    with pytest.raises(MissingObjectError):
        artifacts.chunks(DOCUMENT, "f")


@pytest.mark.parametrize("kind", ["extraction", "chunks"])
def test_artifact_of_a_newer_docmill_is_told_as_one_and_kept(artifacts: Artifacts, kind: str):
    if kind == "extraction":
        artifacts.put_extraction(artifacts.elements_key(DOCUMENT, "f"), EXTRACTION)
    else:
        artifacts.put_chunks(DOCUMENT, "f", CHUNKS)
    key, data = only(artifacts)
    *lines, last = zstandard.ZstdDecompressor().decompress(data).decode().split("\n")
    newer = "\n".join([*lines, json.dumps(json.loads(last) | {"mood": "sad"})])
    artifacts.store.put(key, zstandard.ZstdCompressor().compress(newer.encode()))
    with pytest.raises(SystemicError, match="does not know: mood") as caught:
        getattr(artifacts, kind)(DOCUMENT, "f")
    assert "upgrade" in caught.value.hint
