"""Elements to chunks."""

from docmill.chunk.card import document_card
from docmill.chunk.chunker import chunk_extraction

__all__ = ["chunk_extraction", "document_card"]
