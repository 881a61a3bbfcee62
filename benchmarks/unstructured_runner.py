"""unstructured with its "fast" strategy, chunk_by_title, sentence-transformers and Milvus Lite.

Runs in `.venv/unstructured`. unstructured would download a spaCy model when it first meets a text. Where that model is
not installed, a blank English pipeline with a sentence splitter stands in. It favours the peer: over 100 pages parsing
takes 4.9 CPU seconds with it and 9.2 with the model. A document of which unstructured makes no element has 0 pages.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from stopwatch import Stopwatch, arguments, leave, model_folder

PACKAGES = ("unstructured", "pdfminer.six", "spacy", "sentence-transformers", "torch", "pymilvus", "milvus-lite")


def blank_when_missing() -> None:
    """Let unstructured use a blank spaCy pipeline if its own model is not installed."""
    import spacy
    from unstructured.nlp import tokenize

    if spacy.util.is_package("en_core_web_sm"):
        return
    if not hasattr(tokenize, "_load_spacy_model"):
        raise RuntimeError("this version of unstructured loads its spaCy model in another way: install en_core_web_sm")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    tokenize._load_spacy_model = lambda *_args, **_kwargs: pipeline


def index(home: str, texts: list[str], vectors: list[list[float]]) -> None:
    """Write texts and vectors into a new collection."""
    from pymilvus import DataType, MilvusClient

    client = MilvusClient(f"{home}/unstructured.db")
    schema = client.create_schema(auto_id=True)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("text", DataType.VARCHAR, max_length=65_535)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=len(vectors[0]))
    params = client.prepare_index_params()
    params.add_index("vector", index_type="FLAT", metric_type="COSINE")
    client.create_collection("chunks", schema=schema, index_params=params)
    rows: list[dict[str, Any]] = [{"text": text, "vector": vector} for text, vector in zip(texts, vectors, strict=True)]
    client.insert("chunks", rows)
    client.flush("chunks")
    client.close()


def main(folder: Path, out: Path, home: str) -> None:
    """Bring the PDFs of `folder` into a collection under `home`."""
    watch = Stopwatch()
    with watch.stage("import"):
        import pymilvus  # noqa: F401
        from sentence_transformers import SentenceTransformer
        from unstructured.chunking.title import chunk_by_title
        from unstructured.partition.pdf import partition_pdf

        model = SentenceTransformer(model_folder())
        blank_when_missing()
    with watch.stage("parse"):
        documents = [partition_pdf(str(path), strategy="fast") for path in sorted(folder.glob("*.pdf"))]
    with watch.stage("chunk"):
        texts = [chunk.text for elements in documents for chunk in chunk_by_title(elements)]
    with watch.stage("embed"):
        vectors = model.encode(texts).tolist()
    with watch.stage("index"):
        index(home, texts, vectors)
    numbered = [max((each.metadata.page_number or 1 for each in elements), default=0) for elements in documents]
    leave(out, watch, pages=sum(numbered), chunks=len(texts), packages=PACKAGES)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(*arguments(), scratch)
