"""Extracts the records of a batch's documents by every registered schema; what has not changed is not done again.

Where the settings take personal data out, records are made of the elements without it, and the bytes are not asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from docmill.artifacts import extension
from docmill.errors import PermanentError, TransientError, UsageError
from docmill.ids import digest
from docmill.models import Document, Extraction, Stage, Status
from docmill.pipeline import Scope, current_outcome
from docmill.structured.choice import engine_for
from docmill.structured.documents import layout_of
from docmill.structured.engine import ExtractionEngine
from docmill.structured.record import Record
from docmill.structured.records import RecordRow, Records, parquet
from docmill.structured.schemas import NamedSchema, Schemas
from docmill.structured.units import records_of
from docmill.structured.words import Layout
from docmill.workspace import Workspace

CODE_VERSION = "1"
"""Raised by whoever changes the stage so that it gives other records for the same elements and schema."""
_PDF = "application/pdf"
_ALL = Scope()
LayoutReader = Callable[[Extraction, bytes | None], Layout]


@dataclass(frozen=True)
class RecordsReport:
    """How a batch stands: its rows by every schema.

    `worked_on` counts the documents of this run, `seconds` is wall time.

    `waiting` documents have no elements yet that records can be made of.
    """

    batch: str
    schemas: tuple[str, ...]
    rows: tuple[RecordRow, ...]
    documents: int
    waiting: int
    worked_on: int
    seconds: float

    @property
    def failed(self) -> list[RecordRow]:
        """Rows of documents that failed."""
        return [row for row in self.rows if row.status is Status.FAILED]

    @property
    def data_version(self) -> str:
        """Changes when any record of the batch does."""
        return digest(
            "records", *(f"{row.schema}|{row.document_id}|{row.target}|{row.fingerprint}" for row in self.rows)
        )


def records_for(workspace: Workspace) -> Records:
    """The records of a workspace."""
    return Records(workspace.ledger.database, workspace.store)


def schemas_for(workspace: Workspace) -> Schemas:
    """The schemas of a workspace."""
    return Schemas(workspace.ledger.database)


def extract_records(
    workspace: Workspace,
    batch: str,
    *,
    scope: Scope = _ALL,
    schema: str = "",
    layout: LayoutReader = layout_of,
) -> RecordsReport:
    """The batch's documents have records by every schema for their collection, or by one. Raises UsageError.

    `layout` gives the words of a parsed document, and of a PDF its bytes: in this process, unless a caller isolates it.
    """
    known = workspace.ledger.batch(batch)
    if known is None:
        raise UsageError(f"There is no batch {batch!r}.", hint="See `docmill status`.")
    since = time.monotonic()
    documents = workspace.ledger.batch_documents(batch)
    ready = _ready(workspace, documents)
    every = [each for each in schemas_for(workspace).all() if _is_for(each, known.collection)]
    named = [each for each in every if schema in ("", each.name)]
    records = records_for(workspace)
    chosen = [each for each in ready if not scope.document_ids or each.document_id in scope.document_ids]
    worked_on: set[str] = set()
    for each in named:
        engine = engine_for(each.options.engine, workspace.settings)
        how = _How(engine, fingerprint(workspace, each, engine), layout)
        before = {row.document_id: row for row in records.of([every.document_id for every in chosen], each.name)}
        for document in chosen:
            row = before.get(document.document_id)
            if scope.force or row is None or _is_stale(row, document, how.fingerprint):
                records.put(list(_extracted(workspace, document, each, how)))
                worked_on.add(document.document_id)
    names = {each.name for each in named}
    rows = tuple(row for row in records.of([each.document_id for each in documents]) if row.schema in names)
    for name in sorted(names):
        _write_parquet(workspace, name, batch, [row for row in rows if row.schema == name])
    waiting = len(documents) - len(ready)
    return RecordsReport(
        batch, tuple(sorted(names)), rows, len(documents), waiting, len(worked_on), time.monotonic() - since
    )


def _is_for(named: NamedSchema, collection: str) -> bool:
    return not named.options.collections or collection in named.options.collections


def _ready(workspace: Workspace, documents: Sequence[Document]) -> list[Document]:
    """The documents whose elements are there."""
    outcomes = workspace.ledger.outcomes(document.document_id for document in documents)
    found = []
    for document in documents:
        outcome = current_outcome(workspace, _source_stage(workspace), document, outcomes)
        if outcome is not None and outcome.status in (Status.OK, Status.PARTIAL):
            found.append(document)
    return found


def _source_stage(workspace: Workspace) -> Stage:
    """The stage whose elements records are made of."""
    return Stage.ENRICHED_ELEMENTS if workspace.config.enrich.redact.active else Stage.EXTRACTED_ELEMENTS


def fingerprint(workspace: Workspace, named: NamedSchema, engine: ExtractionEngine) -> str:
    """What the schema's records depend on: 16 hex digits."""
    upstream = workspace.fingerprints[_source_stage(workspace)]
    return digest("records", CODE_VERSION, named.name, named.version, engine.fingerprint, upstream)[:16]


def _is_stale(row: RecordRow, document: Document, wanted: str) -> bool:
    return row.version != document.version or row.fingerprint != wanted or row.status is Status.FAILED


@dataclass(frozen=True)
class _How:
    """The engine, what its records depend on, and who gives it words."""

    engine: ExtractionEngine
    fingerprint: str
    layout: LayoutReader


def _extracted(workspace: Workspace, document: Document, named: NamedSchema, how: _How) -> Iterator[RecordRow]:
    """The document's rows by the schema; a document that fails has one that says why."""
    wanted = how.fingerprint
    try:
        made = list(records_of(_layout(workspace, document, how.layout), named, how.engine))
    except (PermanentError, TransientError) as error:
        yield _row(document, named, wanted, "", None, message=str(error))
        return
    key = artifact_key(document, named.name, wanted)
    records_for(workspace).keep(key, made)
    low = workspace.settings.records.low_confidence
    for target, record in made:
        yield _row(document, named, wanted, target, (record, key, low))


def _layout(workspace: Workspace, document: Document, layout: LayoutReader) -> Layout:
    """The document's words: of a PDF its own, unless personal data is to be left out of them."""
    stage = _source_stage(workspace)
    if stage is Stage.ENRICHED_ELEMENTS:
        return layout(workspace.artifacts.enriched(document, workspace.fingerprints[stage]), None)
    extraction = workspace.artifacts.extraction(document, workspace.fingerprints[stage])
    is_pdf = extraction.media_type == _PDF
    return layout(extraction, workspace.source_of(document).get(document.key) if is_pdf else None)


def artifact_key(document: Document, schema: str, wanted: str) -> str:
    """Where a document's records by a schema lie."""
    name = f"{wanted}{extension(document.source_key)}.json"
    return f"records/{schema}/{document.version[:2]}/{document.version}/{name}"


def _row(
    document: Document,
    named: NamedSchema,
    wanted: str,
    target: str,
    made: tuple[Record, str, float] | None,
    *,
    message: str = "",
) -> RecordRow:
    base = RecordRow(
        schema=named.name,
        document_id=document.document_id,
        target=target,
        schema_version=named.version,
        collection=document.collection,
        source_key=document.source_key,
        version=document.version,
        fingerprint=wanted,
        status=Status.FAILED if made is None else Status.OK,
        value={},
        message=message,
    )
    if made is None:
        return base
    record, key, low = made
    values = [leaf.confidence for leaf in record.fields.values() if leaf.value is not None]
    return replace(
        base,
        value=record.value,
        valid=record.validation.valid,
        missing=record.validation.missing_required,
        doubtful=tuple(record.low_confidence(low)),
        arithmetic=record.validation.arithmetic,
        confidence=min(values, default=0.0),
        artifact=key,
    )


def _write_parquet(workspace: Workspace, schema: str, batch: str, rows: Sequence[RecordRow]) -> None:
    """The batch's records by the schema are a Parquet file in the store, if there are any."""
    good = [row for row in rows if row.status is Status.OK]
    key = parquet_key(schema, batch)
    if good:
        workspace.store.put(key, parquet(good))
    else:
        workspace.store.delete(key)


def parquet_key(schema: str, batch: str) -> str:
    """Where the records of a batch by a schema lie as Parquet."""
    return f"records/{schema}/batches/{batch}.parquet"
