"""Vectors in a collection."""

from docmill.index.base import Candidate, Held, Row, Space, VectorIndex
from docmill.index.memory import MemoryIndex
from docmill.index.milvus import MilvusIndex

__all__ = ["Candidate", "Held", "MemoryIndex", "MilvusIndex", "Row", "Space", "VectorIndex"]
