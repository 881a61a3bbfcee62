"""Elements to chunks."""

from docmill.chunk.chunker import chunk_extraction

__all__ = ["chunk_extraction"]
