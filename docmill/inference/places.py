"""Where this process's models of the registry run. Workers are told with each task; by default all run in-process."""

from __future__ import annotations

from collections.abc import Mapping

from docmill.inference.model_config import ModelConfig, Runtime

Places = tuple[tuple[str, ModelConfig], ...]

_known: dict[str, ModelConfig] = {}


def served(models: Mapping[str, ModelConfig]) -> Places:
    """The models that run at Triton: what a worker needs to know."""
    return tuple((name, config) for name, config in sorted(models.items()) if config.runtime is Runtime.TRITON)


def know(places: Places) -> None:
    """From now on this process finds its models there."""
    _known.clear()
    _known.update(places)


def of(*names: str) -> Places:
    """Where those of the models are that do not run in this process."""
    return tuple((name, _known[name]) for name in names if name in _known)
