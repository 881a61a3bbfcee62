"""Models at Triton servers as a Dagster resource: where they run, readiness before a stage, and what was asked of them.

Every field is empty by default: then docmill's settings decide. How many requests are under way at once is the
client's limit (`models.<name>.policy.concurrency`) times the pool `models`, which limits how many runs embed at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from docmill.inference.metrics import Meter, remote_models
from docmill.inference.model_config import ModelConfig, Runtime
from docmill.inference.triton import TritonModel
from docmill.models import Stage
from docmill.settings import Settings
from docmill.workspace import Workspace

POOL = "models"
_PAUSE = 0.5


class TritonResource(dg.ConfigurableResource):
    """Triton servers; `urls` (gRPC or HTTP) and `models` take the place of those in the settings.

    A token comes by the environment alone: `DOCMILL_MODELS='{"<model>": {"api_key": …}}'`.
    """

    urls: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    ready_seconds: float = 60.0

    def apply(self, settings: Settings) -> Settings:
        """The settings with the resource's models at its servers."""
        if not self.urls:
            return settings
        models = dict(settings.models)
        for name in self.models or [settings.pipeline.embed.model]:
            known = models.get(name, ModelConfig()).model_dump()
            models[name] = ModelConfig.model_validate(known | {"runtime": Runtime.TRITON, "urls": self.urls})
        return settings.model_copy(update={"models": models})

    @contextmanager
    def measured(
        self, context: dg.AssetExecutionContext, workspace: Workspace, stage: Stage
    ) -> Iterator[dict[str, dg.MetadataValue]]:
        """The stage's models are ready, or were waited for; the metadata hold what was asked of them at the end.

        A server that stays away stops no run: the documents that need it fail transiently, and are tried again.
        """
        meter = Meter(remote_models(workspace, stage))
        self._wait(context, [model for model in meter.models if isinstance(model, TritonModel)])
        meter.start()
        metadata: dict[str, dg.MetadataValue] = {}
        yield metadata
        for usage in meter.read():
            metadata[f"model {usage.model}"] = dg.MetadataValue.json(usage.numbers())

    def _wait(self, context: dg.AssetExecutionContext, models: list[TritonModel]) -> None:
        """Each model is ready at one of its servers, or the time is up and the log says which is not."""
        deadline = time.monotonic() + self.ready_seconds
        for model in models:
            while not model.ready():
                if time.monotonic() > deadline:
                    urls = ", ".join(model.servers.urls)
                    context.log.error("The model %s is not ready at %s: its documents will fail.", model.name, urls)
                    break
                time.sleep(_PAUSE)
            else:
                context.log.info("The model %s is ready.", model.name)
