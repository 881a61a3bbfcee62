"""The work of each stage; `docmill.pipeline` decides which documents of a batch it is given and keeps the outcomes."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from docmill.models import Stage
from docmill.stages.base import Job, Result
from docmill.stages.chunks import make_chunks
from docmill.stages.embeddings import make_embeddings
from docmill.stages.enriched_elements import enrich_elements
from docmill.stages.extracted_elements import extract_elements
from docmill.stages.raw_documents import read_documents
from docmill.stages.vector_collection import index_documents
from docmill.workspace import Workspace

__all__ = ["WORK", "Job", "Result"]

WORK: Mapping[Stage, Callable[[Workspace, Sequence[Job]], Iterator[Result]]] = {
    Stage.RAW_DOCUMENTS: read_documents,
    Stage.EXTRACTED_ELEMENTS: extract_elements,
    Stage.ENRICHED_ELEMENTS: enrich_elements,
    Stage.CHUNKS: make_chunks,
    Stage.EMBEDDINGS: make_embeddings,
    Stage.VECTOR_COLLECTION: index_documents,
}
