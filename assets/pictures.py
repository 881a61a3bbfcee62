"""What people would rather look at than read, for the pages of the Dagster UI."""

from __future__ import annotations

import base64
from collections import Counter

import dagster as dg

from docmill.models import Stage
from docmill.stages.extracted_elements import preview_key
from docmill.workspace import Workspace

_BIN = 32
_BAR = 40


def token_histogram(workspace: Workspace, batch: str) -> dict[str, dg.MetadataValue]:
    """How long the batch's chunks are, in tokens."""
    documents = workspace.ledger.batch_documents(batch)
    fingerprint = workspace.fingerprints[Stage.CHUNKS]
    bins: Counter[int] = Counter()
    for document in documents:
        if document.version and workspace.artifacts.has_chunks(document, fingerprint):
            bins.update(chunk.token_count // _BIN for chunk in workspace.artifacts.chunks(document, fingerprint))
    if not bins:
        return {}
    highest = max(bins.values())
    lines = [
        f"{low * _BIN:>4}-{low * _BIN + _BIN - 1:<4} {'█' * max(1, round(_BAR * bins[low] / highest))} {bins[low]}"
        for low in range(max(bins) + 1)
        if bins[low]
    ]
    return {"tokens_per_chunk": dg.MetadataValue.md("```\n" + "\n".join(lines) + "\n```")}


def page_overlay(workspace: Workspace, batch: str) -> dict[str, dg.MetadataValue]:
    """The first page of a PDF of the batch with a coloured box for each element, as a picture."""
    preview = workspace.store.head(preview_key(batch))
    if preview is None:
        return {}
    picture = base64.b64encode(workspace.store.get(preview.key)).decode()
    return {"first_page": dg.MetadataValue.md(f"![first page with its elements](data:image/png;base64,{picture})")}
