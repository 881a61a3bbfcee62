"""Which documents of a batch a run works on."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from docmill.pipeline import Scope


class ScopeResource(dg.ConfigurableResource):
    """All documents of the batch that are not all right (the default), or only some, or all by force.

    `document_ids` are ids as the failure tables show them; `force` works on documents that are all right, too.
    """

    document_ids: list[str] = Field(default_factory=list)
    force: bool = False

    def scope(self) -> Scope:
        """The scope for the pipeline."""
        return Scope(frozenset(self.document_ids), self.force)
