"""What `vdb_upload` does with the results: docmill's own collection, or a vector database of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from docmill.ingestor.results import Elements, LazyLoadedList
from docmill.ingestor.run import index_documents
from docmill.workspace import Workspace

Failure = tuple[str, str]


class VectorDatabase(Protocol):
    """A vector database of the caller's own."""

    def run(self, records: list[Elements]) -> object:
        """Takes the results of all documents."""
        ...


@dataclass(frozen=True)
class Upload:
    """Where documents become searchable: a collection at a URI, or `operator`; with `purge` saved results go then."""

    collection: str
    uri: str
    operator: VectorDatabase | None
    purge: bool

    def run(self, workspace: Workspace, results: list[Elements], document_ids: Sequence[str]) -> None:
        """The documents are searchable, or the caller's database has the results."""
        if self.operator is None:
            index_documents(workspace, document_ids)
        else:
            self.operator.run(results)
        if self.purge:
            for each in results:
                if isinstance(each, LazyLoadedList):
                    Path(each.filepath).unlink(missing_ok=True)


def refuse_failures(failures: Sequence[Failure]) -> None:
    """Raises RuntimeError where a document failed."""
    if failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failures[:5])
        raise RuntimeError(f"{len(failures)} documents failed, so nothing was uploaded: {reasons}")
