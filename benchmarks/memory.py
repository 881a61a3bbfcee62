"""Peak memory of the embeddings stage over 500 and over 5,000 documents of one batch: it must not grow with the batch.

    python benchmarks/memory.py

Each document has 20 chunks of about 120 words, so 5,000 of them are 100,000 chunks and 154 MB of vectors. Chunks are in
a local store, vectors go there; the model is the hashing twin, for it is the stage's own memory that is measured. Each
number of documents runs in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

DOCUMENTS = (500, 5_000)
CHUNKS = 20


def peak(documents: int, folder: str) -> tuple[int, int]:
    """MiB before the stage began and at most, of a process that does nothing else; what it embeds it writes before."""
    from docmill.ids import content_version
    from docmill.inference.memory import HashEmbedder
    from docmill.models import Chunk, Document, Stage
    from docmill.settings import Settings
    from docmill.stages.base import Job
    from docmill.stages.embeddings import make_embeddings
    from docmill.workspace import Workspace

    def chunk(document: int, ordinal: int) -> Chunk:
        words = " ".join(f"w{(document * 31 + ordinal * 7 + place) % 5_000}" for place in range(120))
        return Chunk(ordinal=ordinal, text=words, token_count=120, spans=())

    workspace = Workspace(Settings(home=Path(folder)), embedder=HashEmbedder())
    jobs = []
    for number in range(documents):
        version = content_version(str(number).encode())
        known: dict[str, Any] = {"collection": "c", "source": "file:///d/", "etag": "", "size": 1, "version": version}
        document = Document(document_id=f"{number}", source_key=f"file:///d/{number}.md", **known)
        chunks = [chunk(number, ordinal) for ordinal in range(CHUNKS)]
        workspace.artifacts.put_chunks(document, workspace.fingerprints[Stage.CHUNKS], chunks)
        jobs.append(Job(document, reuse=False))
    list(make_embeddings(workspace, jobs[:1]))  # what is imported at first use
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = sum(result.error is None for result in make_embeddings(workspace, jobs))
    assert done == documents
    return before // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    print("| documents | chunks | MiB before | MiB at most |\n|---|---|---|---|")
    for documents in DOCUMENTS:
        with (
            tempfile.TemporaryDirectory() as folder,
            multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool,
        ):
            before, most = pool.apply(peak, (documents, folder))
        print(f"| {documents:,} | {documents * CHUNKS:,} | {before} | {most} |")


if __name__ == "__main__":
    main()
