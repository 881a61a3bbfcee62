"""What is checked of a batch's records: nothing required is missing, nothing is doubtful, the sums are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from docmill.stages.structured_records import RecordsReport
from docmill.structured.records import RecordRow
from orchestration.partitions import document_batches

_ASSET = "structured_records"
_SHOWN = 50
_CHECKS = {
    "no_failed_records": "Every document that was parsed has a record by every schema.",
    "no_missing_required": "Every required property has a value.",
    "low_confidence": "No value is below the confidence that is set (records.low_confidence).",
    "arithmetic": "Amounts add up: lines to the subtotal, subtotal and tax to the total.",
}


def specs() -> list[dg.AssetCheckSpec]:
    """The checks of the asset, one result a batch."""
    return [
        dg.AssetCheckSpec(name, asset=_ASSET, description=text, partitions_def=document_batches)
        for name, text in _CHECKS.items()
    ]


def results(report: RecordsReport) -> Iterator[dg.AssetCheckResult]:
    """How the batch's records stand against the checks; documents' own faults are warnings."""
    faults = {
        "no_failed_records": [(row, row.message) for row in report.failed],
        "no_missing_required": [(row, ", ".join(row.missing)) for row in report.rows if row.missing],
        "low_confidence": [(row, ", ".join(row.doubtful)) for row in report.rows if row.doubtful],
        "arithmetic": [(row, "; ".join(row.arithmetic)) for row in report.rows if row.arithmetic],
    }
    for name, found in faults.items():
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=_first(found),
            metadata={"records": len(report.rows), "with_faults": len(found), **_table(found)},
        )


def _first(found: Sequence[tuple[RecordRow, str]]) -> str | None:
    """The first fault in words, and how many more there are."""
    if not found:
        return None
    row, what = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{row.source_key.rpartition('/')[2]}: {what}{more}"


def _table(found: Sequence[tuple[RecordRow, str]]) -> dict[str, dg.MetadataValue]:
    rows = [
        dg.TableRecord(
            {
                "document": row.source_key,
                "schema": row.schema,
                "part": row.target or "all",
                "what": what,
                "document_id": row.document_id,
            }
        )
        for row, what in found[:_SHOWN]
    ]
    return {"records_with_faults": dg.MetadataValue.table(rows)} if rows else {}


def metadata(report: RecordsReport) -> dict[str, dg.MetadataValue]:
    """The counts of the batch."""
    values = [row for row in report.rows if row.confidence]
    return {
        "schemas": dg.MetadataValue.text(", ".join(report.schemas) or "none: see `docmill schemas add`"),
        "records": dg.MetadataValue.int(len(report.rows)),
        "failed": dg.MetadataValue.int(len(report.failed)),
        "valid": dg.MetadataValue.int(sum(row.valid for row in report.rows)),
        "waiting": dg.MetadataValue.int(report.waiting),
        "worked_on": dg.MetadataValue.int(report.worked_on),
        "seconds": dg.MetadataValue.float(round(report.seconds, 2)),
        "least_confidence": dg.MetadataValue.float(min((row.confidence for row in values), default=0.0)),
    }
