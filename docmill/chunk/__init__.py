"""Elements to chunks."""

from docmill.chunk.chunker import CODE_VERSION, chunk_extraction

__all__ = ["CODE_VERSION", "chunk_extraction"]
