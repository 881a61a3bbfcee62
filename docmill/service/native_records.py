"""Records over HTTP: schemas, records of one sent document, and records of the documents of a collection.

Documents are read in worker processes; a schema's engine is the one that its options or the settings name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, cast

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel, Field, ValidationError

from docmill.artifacts import extension
from docmill.errors import DocmillError, UsageError
from docmill.ids import content_version
from docmill.jobs import Job, work_id
from docmill.keys import Key
from docmill.models import Extraction
from docmill.pipeline import Scope
from docmill.service.auth import Caller, allowed
from docmill.service.native_jobs import JobView, view
from docmill.service.problems import Problem, not_found
from docmill.service.runner import Context, runner_of
from docmill.service.sent import sent_document
from docmill.stages.structured_records import extract_records, records_for, schemas_for
from docmill.structured.choice import engine_for
from docmill.structured.documents import ReadDocument, ReadTask, layout_of, read_document
from docmill.structured.record import Json, Record
from docmill.structured.records import RecordRow
from docmill.structured.schema import load
from docmill.structured.schemas import NamedSchema, SchemaOptions
from docmill.structured.units import records_of
from docmill.structured.words import Layout
from docmill.workspace import Workspace

router = APIRouter(tags=["records"])
KIND = "records"


class SchemaView(BaseModel):
    """A registered schema in its newest version; times are seconds since the epoch."""

    name: str
    version: int
    schema_: Annotated[Json, Field(alias="schema")]
    options: SchemaOptions
    created_at: float


class NewSchema(BaseModel):
    """A JSON Schema and how documents are read by it."""

    schema_: Annotated[Json, Field(alias="schema")]
    options: SchemaOptions = SchemaOptions()


class RecordView(BaseModel):
    """A record of a document: `target` says of which part, "" all, `page 3`, `row 12`.

    `doubtful` are paths of values of low confidence, `arithmetic` sums that do not hold; `message` says why it failed.
    """

    document_id: str
    collection: str
    source: str
    schema_name: str
    schema_version: int
    target: str
    status: str
    value: Json
    valid: bool
    confidence: float
    missing: list[str]
    doubtful: list[str]
    arithmetic: list[str]
    message: str


class CitedRecord(BaseModel):
    """A record with the words, page, box and confidence behind each value (`fields`, by dotted path)."""

    target: str
    record: Record


@router.get("/schemas")
def list_schemas(request: Request, key: Caller) -> list[SchemaView]:
    """The registered schemas that concern the key's collections."""
    return [_schema_view(each) for each in schemas_for(request.app.state.workspace).all() if _concerns(each, key)]


@router.put("/schemas/{name}")
def put_schema(request: Request, key: Caller, name: str, given: NewSchema) -> SchemaView:
    """The schema is registered; a changed one is a new version, and its records are extracted anew when next asked for.

    A key of some collections may register schemas for these only (`options.collections`).
    """
    schemas = schemas_for(request.app.state.workspace)
    before = schemas.find(name)
    _may_change(before, key, name)
    if not _is_within(given.options.collections, key):
        raise Problem(403, "forbidden", "This key may register schemas for its own collections only.", _SCOPED)
    return _schema_view(schemas.add(name, given.schema_, given.options))


@router.delete("/schemas/{name}", status_code=204)
def delete_schema(request: Request, key: Caller, name: str) -> None:
    """The schema is forgotten; the records by it stay."""
    schemas = schemas_for(request.app.state.workspace)
    found = schemas.find(name)
    if found is None or not _concerns(found, key):
        raise not_found(f"schema {name}")
    _may_change(found, key, name)
    schemas.remove(name)


@router.post("/records", status_code=202)
async def make_records(
    request: Request,
    key: Caller,
    wanted: Annotated[str, Form(alias="schema", description="a JSON Schema, or the name of a registered one")],
    file: Annotated[UploadFile | None, File(description="a document; it becomes part of no collection")] = None,
    url: Annotated[str, Form(description="http(s) address of a document")] = "",
    collection: Annotated[str, Form(description="without a document: whose documents, the settings' if empty")] = "",
    document_id: Annotated[list[str] | None, Form(description="only these documents of the collection")] = None,
    options: Annotated[str, Form(description='JSON: {"unit", "engine", "instructions", "keys", "votes"}')] = "",
) -> JobView:
    """Records by a schema: of a document that is sent, or of a collection's documents, of which only changed ones are
    read again. A job; its result has every value with its proof, or counts for a collection."""
    workspace: Workspace = request.app.state.workspace
    named = await asyncio.to_thread(_wanted_schema, workspace, key, wanted, options)
    sent = await sent_document(request, file, url)
    if sent is None and options:
        hint = "Register the schema with them by PUT /docmill/v1/schemas/NAME."
        raise Problem(422, "invalid_request", "Options go with a document that is sent.", hint)
    if sent is None:
        job = await asyncio.to_thread(_add_for_collection, workspace, key, named, (collection, document_id or []))
    else:
        job = await asyncio.to_thread(_add_for_document, workspace, key, named, sent)
    runner_of(request).wake()
    return view(job)


@router.get("/records")
def list_records(
    request: Request, key: Caller, schema: str, collection: str = "", after: str = "", limit: int = 100
) -> list[RecordView]:
    """The records of a collection by a registered schema, by source; the next page begins `after` the last source."""
    workspace: Workspace = request.app.state.workspace
    name = allowed(key, collection or workspace.settings.collection)
    rows = [row for row in records_for(workspace).of_schema(schema, name) if row.source_key > after]
    return [_record_view(row) for row in _page(rows, max(1, min(limit, 1000)))]


@router.get("/records/{schema}/{document_id}")
def get_records(request: Request, key: Caller, schema: str, document_id: str) -> list[CitedRecord]:
    """A document's records by a schema with the proof of every value; 409 with the reason where they failed."""
    workspace: Workspace = request.app.state.workspace
    rows = [row for row in records_for(workspace).of([document_id], schema) if key.allows(row.collection)]
    if not rows:
        raise not_found(f"record of {document_id} by {schema}")
    if rows[0].message:
        raise Problem(409, "record_failed", rows[0].message)
    return [
        CitedRecord(target=target, record=record) for target, record in records_for(workspace).kept(rows[0].artifact)
    ]


# The job


def do_records(context: Context) -> bytes:
    """The records of the job's document, or numbers of those of a collection."""
    told = context.job.payload
    return _of_document(context) if told.get("file") else _of_collection(context)


def _of_document(context: Context) -> bytes:
    """`{"name", "engine", "records": [{"target", "record", …}]}`."""
    told, settings = context.job.payload, context.workspace.settings
    options = SchemaOptions.model_validate(told["options"])
    named = NamedSchema(str(told["schema_name"]), 0, cast(Json, told["schema"]), options)
    engine = engine_for(options.engine, settings)
    task = ReadTask(context.file(str(told["file"])), str(told["name"]), settings.pipeline.extract)
    document = cast(ReadDocument, _isolated(context, read_document, task))
    made = [
        {"target": target, **record.model_dump(mode="json")}
        for target, record in records_of(document.layout, named, engine)
    ]
    return json.dumps({"name": told["name"], "engine": engine.name, "records": made}, ensure_ascii=False).encode()


def _of_collection(context: Context) -> bytes:
    """`{"collection", "schema", "records", "failed", "waiting", "worked_on"}`; the records are asked for apart."""
    workspace, told = context.workspace, context.job.payload
    name, collection = str(told["schema_name"]), str(told["collection"])
    wanted = cast(list[str], told["document_ids"])

    def layout(extraction: Extraction, data: bytes | None) -> Layout:
        return cast(Layout, _isolated(context, _layout, (extraction, data)))

    batches = workspace.ledger.batches(collection)
    numbers = dict.fromkeys(("records", "failed", "waiting", "worked_on"), 0)
    for number, batch in enumerate(batches, start=1):
        context.report({"batch": batch.batch, "number": number, "batches": len(batches)})
        done = extract_records(workspace, batch.batch, scope=Scope(frozenset(wanted)), schema=name, layout=layout)
        rows = [row for row in done.rows if not wanted or row.document_id in wanted]
        numbers["records"] += sum(not row.message for row in rows)
        numbers["failed"] += sum(bool(row.message) for row in rows)
        numbers["waiting"] += done.waiting
        numbers["worked_on"] += done.worked_on
    return json.dumps({"collection": collection, "schema": name, **numbers}).encode()


def _layout(given: tuple[Extraction, bytes | None]) -> Layout:
    """The words of a parsed document; runs in a worker process."""
    return layout_of(*given)


def _isolated(context: Context, function: object, task: object) -> object:
    """The function's answer from a worker process; raises what it raised."""
    ((_, answer, _),) = context.pool.running(function).run([task])  # type: ignore[arg-type]
    if isinstance(answer, DocmillError):
        raise answer
    return answer


# Parts

_SCOPED = "Name them in options.collections."


def _wanted_schema(workspace: Workspace, key: Key, schema: str, options: str) -> NamedSchema:
    """The registered schema of that name, or the one sent as JSON, with its options; raises a Problem."""
    if not schema.lstrip().startswith("{"):
        found = schemas_for(workspace).find(schema)
        if found is None or not _concerns(found, key):
            raise not_found(f"schema {schema[:63]}")
        return NamedSchema(found.name, found.version, found.schema, _options(options, found.options))
    try:
        given: Json = json.loads(schema)
    except ValueError as error:
        raise UsageError(f"The schema is not JSON: {error}.") from None
    load(given)
    return NamedSchema("", 0, given, _options(options, SchemaOptions()))


def _options(text: str, default: SchemaOptions) -> SchemaOptions:
    if not text:
        return default
    try:
        return SchemaOptions.model_validate({**default.model_dump(), **json.loads(text)})
    except (ValidationError, ValueError, TypeError) as error:
        raise UsageError(f"The options are wrong: {error}.") from None


def _add_for_document(workspace: Workspace, key: Key, named: NamedSchema, sent: tuple[str, bytes]) -> Job:
    name, data = sent
    file = f"content{extension(name)}"
    how: dict[str, object] = {
        "schema_name": named.name,
        "schema": named.schema,
        "options": named.options.model_dump(mode="json"),
    }
    engine = engine_for(named.options.engine, workspace.settings)
    work = work_id(KIND, json.dumps([how, file, engine.fingerprint], sort_keys=True), [content_version(data)])
    told = {"file": file, "name": name, **how}
    return workspace.jobs.submit(KIND, told, files={file: data}, tenant=key.key_id, work=work)


def _add_for_collection(workspace: Workspace, key: Key, named: NamedSchema, which: tuple[str, Sequence[str]]) -> Job:
    collection = allowed(key, which[0] or workspace.settings.collection)
    if not named.name:
        hint = "Register it by PUT /docmill/v1/schemas/NAME and send the name, or send a document with it."
        raise Problem(422, "invalid_request", "Records of a collection need a registered schema.", hint)
    if named.options.collections and collection not in named.options.collections:
        raise Problem(422, "invalid_request", f"The schema {named.name} is not for the collection {collection}.")
    known = {each.document_id for each in workspace.ledger.documents_by_id(which[1]) if each.collection == collection}
    missing = [each for each in which[1] if each not in known]
    if missing:
        raise not_found(f"document {missing[0]} in {collection}")
    told = {"schema_name": named.name, "collection": collection, "document_ids": list(which[1])}
    return workspace.jobs.add(KIND, told, tenant=key.key_id)


def _concerns(named: NamedSchema, key: Key) -> bool:
    """Whether the key may use the schema: it is for all collections, or for one of the key's."""
    return not named.options.collections or any(map(key.allows, named.options.collections))


def _is_within(collections: Sequence[str], key: Key) -> bool:
    return not key.collections or (bool(collections) and all(map(key.allows, collections)))


def _may_change(named: NamedSchema | None, key: Key, name: str) -> None:
    if named is not None and not _is_within(named.options.collections, key):
        raise Problem(403, "forbidden", f"The schema {name} is not this key's alone.", "Take another name.")


def _schema_view(named: NamedSchema) -> SchemaView:
    return SchemaView.model_validate(dict(vars(named)))


def _record_view(row: RecordRow) -> RecordView:
    found = {name: value for name, value in vars(row).items() if name in RecordView.model_fields}
    return RecordView(**found | {"source": row.source_key, "schema_name": row.schema, "status": row.status.value})


def _page(rows: Sequence[RecordRow], limit: int) -> list[RecordRow]:
    """At least `limit` rows, where there are so many: the records of a document stay together."""
    if len(rows) <= limit:
        return list(rows)
    last = rows[limit - 1].source_key
    return [row for row in rows if row.source_key <= last]
