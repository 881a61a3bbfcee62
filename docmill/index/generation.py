"""A generation: one physical collection of a docmill collection, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import ConfigDict, Field

from docmill.index.base import Space
from docmill.models import Model


class State(StrEnum):
    """`building`: it is being filled; `live`: searches see it; `retired`: it was live and can be gone back to;

    `rejected`: it failed a check, or was rolled back, and takes over only by force.
    """

    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"
    REJECTED = "rejected"


class Generation(Model):
    """A generation of a collection; times are seconds since the epoch. `report` says what its last check found."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    collection: str
    space: Space
    state: State = State.BUILDING
    created_at: float = 0.0
    changed_at: float = 0.0
    report: Mapping[str, object] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What names its physical collection."""
        return self.space.digest
