"""Which engine a model's name means: those of the settings, else the engine without a model."""

from __future__ import annotations

from docmill.inference.opening import open_endpoint
from docmill.settings import Settings
from docmill.structured.embedded import EmbeddedEngine
from docmill.structured.engine import ExtractionEngine
from docmill.structured.model_engine import ModelEngine, ModelOptions


def engine_for(model: str, settings: Settings) -> ExtractionEngine:
    """The engine of a model's name: a client's name by `records.engines`, an own one by `models`, else the default.

    Raises ConfigError for an engine of the settings that is no model with runtime openai.
    """
    chosen = settings.records
    name = chosen.engines.get(model, model if model in settings.models else chosen.engine)
    if name == EmbeddedEngine.name:
        return EmbeddedEngine()
    options = ModelOptions(chosen.characters, chosen.answer_tokens, chosen.images)
    return ModelEngine(open_endpoint(name, settings.models), options)
