"""docmill: a bucket of documents becomes a searchable, provable vector collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docmill.ingestor.ingestor import Ingestor

__all__ = ["Ingestor"]


def __getattr__(name: str) -> object:
    """`Ingestor`, imported when it is first asked for: whoever imports a part of docmill does not pay for it."""
    if name != "Ingestor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from docmill.ingestor.ingestor import Ingestor

    return Ingestor
