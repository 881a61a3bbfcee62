"""What the stages keep: content-addressed, shared by documents with the same bytes, never changed once written.

Keys are `<stage>/<version[:2]>/<version>/<fingerprint><extension of the source key>.<format>`: the extension is part of
the name because it decides how ambiguous bytes (a text file, say) are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import zstandard
from pydantic import ValidationError

from docmill.errors import SystemicError
from docmill.ids import digest
from docmill.models import Chunk, Crop, Document, Element, Extraction, Stage
from docmill.store import ObjectStore

if TYPE_CHECKING:
    from docmill.inference.embedder import Vectors

_LEVEL = 3


FOLDERS = ("elements/", "enriched/", "chunks/", "embeddings/", "members/")
"""Where artifacts of versions lie: `<folder><version[:2]>/<version>/…`."""


def extension(source_key: str) -> str:
    """The source key's extension in lower case with its dot, "" where it has none or an odd one."""
    suffix = PurePosixPath(source_key).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 10 else ""


def file_name(source_key: str) -> str:
    """The last part of a source key."""
    return source_key.rpartition("/")[2]


def member_key(version: str) -> str:
    """Where the bytes of a member of another document lie."""
    return f"members/{version[:2]}/{version}"


def _pack(lines: Sequence[str]) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress("\n".join(lines).encode())


def _unpack(data: bytes) -> list[str]:
    return zstandard.ZstdDecompressor().decompress(data).decode().split("\n")


@contextmanager
def _undamaged(key: str) -> Iterator[None]:
    """Raises SystemicError for an artifact that cannot be read as what it is, or that a newer docmill wrote."""
    import pyarrow as pa

    try:
        yield
    except ValidationError as error:
        unknown = sorted({str(each["loc"][-1]) for each in error.errors() if each["type"] == "extra_forbidden"})
        if not unknown:
            raise _damaged(key) from error
        raise SystemicError(
            f"The artifact {key} holds what this docmill does not know: {', '.join(unknown)}.",
            hint="It was written by a newer docmill: upgrade this one.",
        ) from error
    except (zstandard.ZstdError, ValueError, pa.ArrowException) as error:  # pydantic's and JSON's are ValueErrors
        raise _damaged(key) from error


def _damaged(key: str) -> SystemicError:
    return SystemicError(f"The artifact {key} is damaged.", hint="Delete it, then run again.")


@dataclass(frozen=True)
class Artifacts:
    """The artifacts in `store`. A document is named by its version and extension alone."""

    store: ObjectStore

    def key(self, folder: str, document: Document, fingerprint: str, form: str) -> str:
        """Where an artifact of the document lies."""
        name = f"{fingerprint}{extension(document.source_key)}.{form}"
        return f"{folder}/{document.version[:2]}/{document.version}/{name}"

    def elements_key(self, document: Document, fingerprint: str) -> str:
        """Where the document's elements lie."""
        return self.key("elements", document, fingerprint, "jsonl.zst")

    @property
    def keys(self) -> dict[Stage, Callable[[Document, str], str]]:
        """Where a document's artifact of each stage that keeps one lies, by its fingerprint."""
        return {
            Stage.EXTRACTED_ELEMENTS: self.elements_key,
            Stage.ENRICHED_ELEMENTS: lambda document, fingerprint: self.key(
                "enriched", document, fingerprint, "jsonl.zst"
            ),
            Stage.CHUNKS: lambda document, fingerprint: self._named_key("chunks", document, fingerprint, "jsonl.zst"),
            Stage.EMBEDDINGS: lambda document, fingerprint: self._named_key(
                "embeddings", document, fingerprint, "parquet"
            ),
        }

    def _named_key(self, folder: str, document: Document, fingerprint: str, form: str) -> str:
        """Where an artifact lies that depends on the document's file name: chunks tell it as their context."""
        return self.key(folder, document, f"{fingerprint}-{digest(file_name(document.source_key))[:8]}", form)

    def put_extraction(self, key: str, extraction: Extraction) -> None:
        """The extraction lies at `key`: a line for the document, then a line an element."""
        head = extraction.model_dump(mode="json", exclude_defaults=True, exclude={"elements"})
        lines = [json.dumps(head, ensure_ascii=False)]
        lines += [element.model_dump_json(exclude_defaults=True) for element in extraction.elements]
        self.store.put(key, _pack(lines))

    def extraction(self, document: Document, fingerprint: str) -> Extraction:
        """The document's elements."""
        return self.extraction_at(self.elements_key(document, fingerprint))

    def extraction_at(self, key: str) -> Extraction:
        """The elements that lie at `key`."""
        data = self.store.get(key)
        with _undamaged(key):
            lines = _unpack(data)
            elements = tuple(Element.model_validate_json(line) for line in lines[1:])
            return Extraction.model_validate({**json.loads(lines[0]), "elements": elements})

    def put_enriched(self, document: Document, fingerprint: str, extraction: Extraction) -> None:
        """The document's elements with captions and without personal data are kept."""
        self.put_extraction(self.keys[Stage.ENRICHED_ELEMENTS](document, fingerprint), extraction)

    def enriched(self, document: Document, fingerprint: str) -> Extraction:
        """The document's elements with captions and without personal data."""
        return self.extraction_at(self.keys[Stage.ENRICHED_ELEMENTS](document, fingerprint))

    def caption(self, name: str) -> str | None:
        """The caption kept under this hash of picture, model and question; None if there is none."""
        key = f"captions/{name[:2]}/{name}.txt"
        return self.store.get(key).decode() if self.store.head(key) is not None else None

    def put_caption(self, name: str, text: str) -> None:
        """The caption is kept under this hash of picture, model and question."""
        self.store.put(f"captions/{name[:2]}/{name}.txt", text.encode())

    def put_crop(self, data: bytes) -> None:
        """The picture lies at the key that its hash names."""
        self.put_picture(data)

    def put_picture(self, data: bytes) -> str:
        """The key that the picture's hash names; it lies there."""
        sha256 = hashlib.sha256(data).hexdigest()
        key = f"crops/{sha256[:2]}/{sha256}"
        self.store.put(key, data)
        return key

    def put_member(self, data: bytes) -> None:
        """The member of another document lies at the key that its hash names."""
        key = member_key(hashlib.sha256(data).hexdigest())
        if self.store.head(key) is None:
            self.store.put(key, data)

    def member(self, version: str) -> bytes:
        """The bytes of a member. Raises MissingObjectError."""
        return self.store.get(member_key(version))

    def has_member(self, version: str) -> bool:
        """Whether the bytes of a member are kept."""
        return self.store.head(member_key(version)) is not None

    def crops_named(self, key: str) -> set[str]:
        """The sha256 of each picture that the extraction at `key` names."""
        data = self.store.get(key)
        with _undamaged(key):
            lines = [json.loads(line) for line in _unpack(data)[1:] if '"crop":' in line]
        return {each["crop"]["sha256"] for each in lines if each.get("crop")}

    def crop(self, crop: Crop) -> bytes:
        """The encoded picture."""
        return self.store.get(f"crops/{crop.sha256[:2]}/{crop.sha256}")

    def put_chunks(self, document: Document, fingerprint: str, chunks: Sequence[Chunk]) -> None:
        """The document's chunks are kept."""
        key = self.keys[Stage.CHUNKS](document, fingerprint)
        self.store.put(key, _pack([chunk.model_dump_json(exclude_defaults=True) for chunk in chunks]))

    def has_chunks(self, document: Document, fingerprint: str) -> bool:
        """Whether the document's chunks are kept."""
        return self.store.head(self.keys[Stage.CHUNKS](document, fingerprint)) is not None

    def chunks(self, document: Document, fingerprint: str) -> tuple[Chunk, ...]:
        """The document's chunks in order."""
        key = self.keys[Stage.CHUNKS](document, fingerprint)
        data = self.store.get(key)
        with _undamaged(key):
            return tuple(Chunk.model_validate_json(line) for line in _unpack(data) if line)

    def put_vectors(self, document: Document, fingerprint: str, vectors: Vectors) -> None:
        """The vectors of the document's chunks are kept: a Parquet file with a column of float32 lists."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"vector": column}), sink, compression="NONE", use_dictionary=False)
        self.store.put(self.keys[Stage.EMBEDDINGS](document, fingerprint), sink.getvalue().to_pybytes())

    def has_vectors(self, document: Document, fingerprint: str) -> bool:
        """Whether the document's vectors are kept."""
        return self.store.head(self.keys[Stage.EMBEDDINGS](document, fingerprint)) is not None

    def vectors(self, document: Document, fingerprint: str) -> Vectors:
        """The vectors of the document's chunks: float32 (chunks, dimensions)."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        key = self.keys[Stage.EMBEDDINGS](document, fingerprint)
        data = self.store.get(key)
        with _undamaged(key):
            column = pq.read_table(pa.BufferReader(data))["vector"].combine_chunks()
        flat: Vectors = column.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), -1)
