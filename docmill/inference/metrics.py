"""What a stage asked of its models, by this process's count and by the servers' own."""

from __future__ import annotations

from dataclasses import dataclass, field

from docmill.inference.endpoint import OpenAIEndpoint
from docmill.inference.opening import open_registered
from docmill.inference.registry import CARDS, Task
from docmill.inference.servers import Tally
from docmill.inference.triton import ServerStatistics, TritonModel
from docmill.models import Stage
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Usage:
    """Requests and items of one model; `server` is None where the model's server counts nothing that can be asked."""

    model: str
    asked: Tally
    server: ServerStatistics | None = None

    def since(self, before: Usage) -> Usage:
        """What came in addition."""
        server = self.server.since(before.server) if self.server and before.server else self.server
        return Usage(self.model, self.asked.since(before.asked), server)

    def numbers(self) -> dict[str, int | float]:
        """Names and values for people; times are seconds."""
        found: dict[str, int | float] = {
            "requests": self.asked.requests,
            "items": self.asked.items,
            "mean_request": round(self.asked.items / self.asked.requests, 2) if self.asked.requests else 0.0,
            "retries": self.asked.retries,
            "failed_requests": self.asked.failures,
            "request_seconds": round(self.asked.seconds, 3),
        }
        if self.server is not None:
            found |= {
                "server_requests": self.server.requests,
                "server_mean_batch": round(self.server.mean_batch, 2),
                "server_queue_seconds": round(self.server.queue, 4),
                "server_compute_seconds": round(self.server.compute, 4),
            }
        return found


@dataclass
class Meter:
    """Reads the counters of models at servers; models in this process have none."""

    models: tuple[TritonModel | OpenAIEndpoint, ...]
    _before: list[Usage] = field(default_factory=list)

    def start(self) -> None:
        """What is read later is counted from here."""
        self._before = [_usage(model) for model in self.models]

    def read(self) -> list[Usage]:
        """What was asked of each model since the start; models that nobody asked are left out."""
        found = [_usage(model).since(before) for model, before in zip(self.models, self._before, strict=True)]
        return [each for each in found if each.asked.requests or (each.server and each.server.requests)]


def remote_models(workspace: Workspace, stage: Stage) -> tuple[TritonModel | OpenAIEndpoint, ...]:
    """The models of a stage that run at servers; worker processes read documents, so of theirs only servers know."""
    if stage is Stage.EMBEDDINGS:
        embedder = workspace.embedder
        found = (getattr(embedder, name, None) for name in ("tensors", "endpoint"))
    elif stage is Stage.EXTRACTED_ELEMENTS:
        models = workspace.settings.models
        names = (each.name for each in CARDS if each.exportable and each.task is not Task.EMBEDDING)
        found = (open_registered(name, models) for name in names)
    else:
        return ()
    return tuple(model for model in found if isinstance(model, TritonModel | OpenAIEndpoint))


def _usage(model: TritonModel | OpenAIEndpoint) -> Usage:
    if isinstance(model, TritonModel):
        return Usage(model.name, model.servers.tally.copy(), model.statistics())
    return Usage(model.model, model.servers.tally.copy())
