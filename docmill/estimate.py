"""How much work a plan is, from what earlier documents took."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice

from docmill.artifacts import extension
from docmill.errors import PermanentError, TransientError
from docmill.models import Document, Stage
from docmill.plan import Plan
from docmill.standing import with_outcomes
from docmill.store import LocalStore
from docmill.workspace import Workspace

_PAGE_OBJECT = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_COUNTED_BYTES = 20_000_000
"""PDFs up to this size are counted by their page objects; files with compressed ones are estimated."""

_HISTORY = 10_000
"""Documents that are looked at to tell what others will take."""


@dataclass(frozen=True)
class Estimate:
    """Pages to read and seconds of wall time; None where there is no history to estimate from."""

    pages: int | None
    pages_are_estimated: bool
    seconds: float | None

    @property
    def pages_text(self) -> str:
        """The pages for people."""
        if self.pages is None:
            return "unknown (no history of such files yet)"
        return f"about {self.pages:,}" if self.pages_are_estimated else f"{self.pages:,}"

    @property
    def time_text(self) -> str:
        """The time for people."""
        if self.seconds is None:
            return "unknown (nothing has been ingested yet)"
        if self.pages == 0:
            return "nothing to do"
        if self.seconds < 90:
            return f"about {max(1, round(self.seconds))} s"
        return f"about {self.seconds / 60:.0f} min" if self.seconds < 5400 else f"about {self.seconds / 3600:.1f} h"


@dataclass
class _History:
    """What documents of an extension took: how many there were, their bytes, pages and seconds over all stages."""

    documents: int = 0
    bytes: int = 0
    pages: int = 0
    seconds: float = 0.0


def estimate(workspace: Workspace, plan: Plan) -> Estimate:
    """How much the plan's new and changed documents are."""
    history = _history(workspace)
    pages, estimated, seconds = 0, False, 0.0
    known_pages, known_time = True, bool(history)
    everything = _sum(history)
    for document in plan.pending:
        like = history.get(extension(document.source_key), everything)
        counted = _count(workspace, document)
        if counted is not None:
            pages += counted
        elif like.documents and like.bytes:
            pages += max(1, round(document.size * like.pages / like.bytes))
            estimated = True
        else:
            known_pages = False
        seconds += like.seconds / like.documents if like.documents else 0.0
    parallel = workspace.settings.workers.processes
    return Estimate(
        pages if known_pages else None,
        estimated,
        round(seconds / parallel, 1) if known_time or not plan.pending else None,
    )


def _history(workspace: Workspace) -> dict[str, _History]:
    """What the documents of the newest batches took, some thousand of them: those of millions say no more."""
    found: dict[str, _History] = defaultdict(_History)
    newest = (batch.batch for batch in reversed(workspace.ledger.batches()))
    recent = (document for batch in newest for document in workspace.ledger.batch_documents(batch))
    for document, outcomes in with_outcomes(workspace, islice(recent, _HISTORY)):
        extracted = outcomes.get((document.document_id, Stage.EXTRACTED_ELEMENTS))
        if extracted is None or not extracted.counts:
            continue
        history = found[extension(document.source_key)]
        history.documents += 1
        history.bytes += document.size
        history.pages += extracted.counts.get("pages", 1)
        history.seconds += sum(
            outcome.seconds for stage in Stage if (outcome := outcomes.get((document.document_id, stage)))
        )
    return dict(found)


def _sum(history: dict[str, _History]) -> _History:
    total = _History()
    for each in history.values():
        total.documents += each.documents
        total.bytes += each.bytes
        total.pages += each.pages
        total.seconds += each.seconds
    return total


def _count(workspace: Workspace, document: Document) -> int | None:
    """The document's pages where they can be had cheaply: 1 for files without pages, page objects of a local PDF."""
    suffix = extension(document.source_key)
    if suffix in {".txt", ".md", ".csv", ".tsv", ".html", ".htm", ".eml", ".png", ".jpg", ".jpeg", ".json", ".xml"}:
        return 1
    store = workspace.source_of(document)
    if suffix != ".pdf" or not isinstance(store, LocalStore) or document.size > _COUNTED_BYTES:
        return None
    try:
        data = store.get(document.key)
    except (PermanentError, TransientError):  # an ingest will tell
        return None
    return len(_PAGE_OBJECT.findall(data)) or None
