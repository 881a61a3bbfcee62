"""What people would rather look at than read, for the pages of the Dagster UI."""

from __future__ import annotations

import base64
from collections import Counter

import dagster as dg

from docmill.models import Stage, Status
from docmill.stages.extracted_elements import preview_key
from docmill.stages.structured_records import RecordsReport, records_for
from docmill.structured.overlay import citation_overlay
from docmill.structured.record import FieldResult
from docmill.workspace import Workspace

_BIN = 32
_BAR = 40
_REVIEWED = 25
_PICTURES = 3


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


def review_list(workspace: Workspace, report: RecordsReport) -> dict[str, dg.MetadataValue]:
    """The values that people should look at: which, what it says, how sure, and the page as a picture."""
    doubtful = [row for row in report.rows if row.status is Status.OK and row.doubtful]
    if not doubtful:
        return {}
    records = records_for(workspace)
    lines = ["| document | schema | property | value | confidence |", "|---|---|---|---|---|"]
    pictures: list[str] = []
    for row in doubtful[:_REVIEWED]:
        fields = dict(records.kept(row.artifact))[row.target].fields
        name = row.source_key.rpartition("/")[2]
        for path in row.doubtful[:_REVIEWED]:
            leaf = fields[path]
            lines.append(f"| {name} | {row.schema} | `{path}` | {_shown(leaf)} | {leaf.confidence:.2f} |")
        picture = _page(workspace, row.document_id, {path: fields[path] for path in row.doubtful})
        if picture and len(pictures) < _PICTURES:
            pictures.append(f"**{name}**\n\n![values to review](data:image/png;base64,{picture})")
    return {"review": dg.MetadataValue.md("\n".join(lines) + "\n\n" + "\n\n".join(pictures))}


def _shown(leaf: FieldResult) -> str:
    return str(leaf.value)[:60].replace("|", "\\|")


def _page(workspace: Workspace, document_id: str, fields: dict[str, FieldResult]) -> str:
    """The first page with such a value, base64; "" for one that is no PDF or whose personal data is not to be shown."""
    if workspace.config.enrich.redact.active:
        return ""
    document = workspace.ledger.document(document_id)
    pages = [
        leaf.citation.page for leaf in fields.values() if leaf.citation is not None and leaf.citation.bbox is not None
    ]
    if document is None or document.media_type != "application/pdf" or not pages or pages[0] is None:
        return ""
    data = workspace.source_of(document).get(document.key)
    return base64.b64encode(citation_overlay(data, fields, page=pages[0], width=640)).decode()
