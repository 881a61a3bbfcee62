"""The assets, in the order of the graph."""

from assets.chunks import chunks
from assets.collection_snapshot import collection_snapshot
from assets.embeddings import embeddings
from assets.enriched_elements import enriched_elements
from assets.extracted_elements import extracted_elements
from assets.raw_documents import raw_documents
from assets.structured_records import structured_records
from assets.vector_collection import vector_collection

__all__ = [
    "chunks",
    "collection_snapshot",
    "embeddings",
    "enriched_elements",
    "extracted_elements",
    "raw_documents",
    "structured_records",
    "vector_collection",
]
