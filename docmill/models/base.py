"""What all models share: they are frozen, and refuse fields that they do not know."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

Scalar = str | int | float | bool | None
Metadata = Mapping[str, str | int | float | bool | list[str]]
"""What is known of a document beside its content; keys are names, and no value is empty."""


class Model(BaseModel):
    """Base of all models: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")
