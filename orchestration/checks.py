"""What is checked of a batch at each stage, always over the batch's whole ledger, never over one run's part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from docmill.index.generation import Generation, State
from docmill.ledger import Failure
from docmill.models import Stage
from docmill.pipeline import StageReport
from orchestration.partitions import document_batches

_TABLE_ROWS = 50
_ERROR_RATE = 0.5
_ERROR_DOCUMENTS = 10
"""From this share and number of failed documents on, a failed check is an error: then it is hardly the documents."""

_CONTENT: dict[Stage, tuple[str, str, str]] = {
    Stage.EXTRACTED_ELEMENTS: ("non_empty_text", "without_text", "Every extracted document has text."),
    Stage.CHUNKS: ("token_limit", "over_limit", "No chunk is longer than the embedding model reads."),
    Stage.EMBEDDINGS: ("finite_unit_norm", "not_unit", "Every vector is finite and of unit length."),
    Stage.VECTOR_COLLECTION: ("rows_match_ledger", "row_faults", "The collection holds every chunk once."),
}


def specs(stage: Stage) -> list[dg.AssetCheckSpec]:
    """The checks of a stage's asset, one result a batch."""
    named = {"no_failed_documents": "No document of the batch failed; the table names those that did."}
    if stage in _CONTENT:
        name, _, description = _CONTENT[stage]
        named[name] = description
    return [
        dg.AssetCheckSpec(name, asset=stage.value, description=text, partitions_def=document_batches)
        for name, text in named.items()
    ]


def results(report: StageReport) -> Iterator[dg.AssetCheckResult]:
    """How the batch stands against the checks of the stage."""
    failed = report.failed + report.partial
    yield dg.AssetCheckResult(
        check_name="no_failed_documents",
        passed=failed == 0,
        severity=_severity(failed, report.documents),
        description=_sentence(report),
        metadata=failure_metadata(report.failures),
    )
    if report.stage in _CONTENT:
        name, count, _ = _CONTENT[report.stage]
        wrong = report.counts.get(count, 0)
        metadata = {count: wrong, "documents": report.documents}
        yield dg.AssetCheckResult(check_name=name, passed=wrong == 0, metadata=metadata)


def _severity(failed: int, documents: int) -> dg.AssetCheckSeverity:
    many = failed >= _ERROR_DOCUMENTS and failed >= _ERROR_RATE * documents
    return dg.AssetCheckSeverity.ERROR if many else dg.AssetCheckSeverity.WARN


def _sentence(report: StageReport) -> str:
    parts = [f"{report.ok} of {report.documents} documents are all right"]
    parts += [f"{report.failed} failed"] * bool(report.failed)
    parts += [f"{report.partial} lack some pages"] * bool(report.partial)
    parts += [f"{report.waiting} did not get here"] * bool(report.waiting)
    return ", ".join(parts) + "."


def failure_metadata(failures: Sequence[Failure]) -> dict[str, dg.MetadataValue]:
    """A table of the failed documents, and the run configuration that retries just these."""
    if not failures:
        return {"failed": dg.MetadataValue.int(0)}
    ids = [each.document.document_id for each in failures[:_TABLE_ROWS]]
    config = {"resources": {"scope": {"config": {"document_ids": ids}}}}
    return {
        "failed": dg.MetadataValue.int(len(failures)),
        "failed_documents": failure_table(failures),
        "retry_config": dg.MetadataValue.md(f"```json\n{json.dumps(config, indent=2)}\n```"),
        "all_failures": dg.MetadataValue.text("docmill failed --json"),
    }


GOLDEN = "golden_questions"


def golden_spec() -> dg.AssetCheckSpec:
    """The check of what the last reindex of each collection found."""
    text = "The golden questions are answered as well by the generation of the settings as by the one before."
    return dg.AssetCheckSpec(GOLDEN, asset="collection_snapshot", description=text)


def golden_result(generations: Sequence[Generation]) -> dg.AssetCheckResult:
    """Whether golden questions kept the generation of a collection from use that they were last asked of."""
    asked = [each for each in generations if "questions" in each.report]
    newest = {each.collection: each for each in sorted(asked, key=lambda each: each.changed_at)}
    worse = [each for each in newest.values() if each.state is State.REJECTED]
    metadata: dict[str, dg.MetadataValue] = {"collections": dg.MetadataValue.int(len(newest))}
    for each in newest.values():
        metadata[each.collection] = dg.MetadataValue.json(dict(each.report))
    return dg.AssetCheckResult(
        check_name=GOLDEN, passed=not worse, severity=dg.AssetCheckSeverity.WARN, metadata=metadata
    )


def golden_evaluation(generation: Generation) -> dg.AssetCheckEvaluation:
    """What a reindex found of the generation that golden questions were asked of, for the same check."""
    found = golden_result([generation])
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey("collection_snapshot"),
        check_name=GOLDEN,
        passed=found.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=found.metadata,
    )


def failure_table(failures: Sequence[Failure]) -> dg.MetadataValue:
    """The first 50 failed documents: which, why, what to do about it, and whether it can pass by itself."""
    records = [
        dg.TableRecord(
            {
                "document": each.document.source_key,
                "stage": each.outcome.stage.value,
                "reason": each.outcome.message,
                "way_out": each.outcome.hint,
                "class": each.outcome.error_class.value if each.outcome.error_class else "partial",
                "attempts": each.outcome.attempts,
                "last_try": datetime.fromtimestamp(each.outcome.updated_at, UTC).isoformat(timespec="seconds"),
                "document_id": each.document.document_id,
            }
        )
        for each in failures[:_TABLE_ROWS]
    ]
    return dg.MetadataValue.table(records)
