"""Does an extraction job: reads the document in a worker process, runs the engine, and writes data and proofs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

from pydantic import JsonValue

from docmill.artifacts import extension
from docmill.config import ExtractConfig, Mode
from docmill.errors import DocmillError, EmptyDocumentError
from docmill.service.llamacloud.extraction import RunConfig, data_of, proofs_of, usage
from docmill.service.runner import Context
from docmill.structured.choice import engine_for
from docmill.structured.documents import ReadDocument, ReadTask, read_document
from docmill.structured.embedded import Task
from docmill.structured.engine import ExtractionEngine, read
from docmill.structured.parts import Cut, Parts
from docmill.structured.record import Json, Record
from docmill.structured.schema import load
from docmill.structured.schemas import NamedSchema, SchemaOptions, Unit
from docmill.structured.units import records_of
from docmill.structured.verified import Verified
from docmill.structured.words import Layout

EXTRACT_KIND = "llamacloud_extract"


def do_extract(context: Context) -> bytes:
    """The result of an extraction job as JSON; raises the DocmillError that says why there is none."""
    told = context.job.payload
    config = RunConfig.model_validate(told["config"])
    schema = cast(Json, told["schema"])
    document, pages = _read(context, config)
    engine = engine_for("", context.workspace.settings)
    node = load(schema)
    found = []
    for record in _records(document.layout, pages, schema, config, Verified(engine) if config.is_verified else engine):
        data, missing = data_of(record, node)
        found.append((data, proofs_of(data, record, config, missing, document.sure)))
    whole = config.extraction_target == "PER_DOC"
    data_all: JsonValue = found[0][0] if whole else [data for data, _ in found]
    proofs: Json = found[0][1] if whole else {"items": [proof for _, proof in found]} if config.has_proofs else {}
    told_of = {"field_metadata": proofs, "usage": usage(len(pages), document.layout.text, data_all, engine.name)}
    return json.dumps({"data": data_all, "extraction_metadata": told_of}, ensure_ascii=False).encode("utf-8", "replace")


def _read(context: Context, config: RunConfig) -> tuple[ReadDocument, list[int]]:
    """The wanted pages and their numbers; raises EmptyDocumentError where there are none of them."""
    name = context.job.files[0]
    own = context.workspace.config.extract
    task = ReadTask(context.file(name), f"document{extension(name)}", config.reading(own))
    document = _as_asked(context, task, config, own)
    layout = document.layout
    there = sorted(layout.sizes) or layout.pages or [1]
    pages = [page for page in there if config.takes(page)][: config.max_pages]
    if not pages:
        count = f"{len(there)} page{'s' * (len(there) != 1)}"
        raise EmptyDocumentError(
            f"The document has {count}, none of them in page_range {config.page_range}.",
            hint="Mend page_range; it counts from 1.",
        )
    return (document if pages == there else replace(document, layout=layout.only(pages))), pages


def _as_asked(context: Context, task: ReadTask, config: RunConfig, own: ExtractConfig) -> ReadDocument:
    """The document as its mode reads it: FAST uses OCR where there is no text at all, others see pictures, too."""
    if config.extraction_mode == "FAST":
        try:
            document = _words(context, task)
        except EmptyDocumentError:
            document = None
        if document is not None and document.layout.rows:
            return document
        return _words(context, replace(task, config=task.config.model_copy(update={"mode": own.mode})))
    if config.sees_pictures and not task.data.startswith(b"%PDF"):
        task = replace(task, config=task.config.model_copy(update={"mode": Mode.ACCURATE}))
    return _words(context, task)


def _words(context: Context, task: ReadTask) -> ReadDocument:
    """The document's words, read in a worker process; raises what the reader raised."""
    ((_, answer, _),) = context.pool.running(read_document).run([task])
    if isinstance(answer, DocmillError):
        raise answer
    return cast(ReadDocument, answer)


def _records(
    layout: Layout, pages: list[int], schema: Json, config: RunConfig, engine: ExtractionEngine
) -> list[Record]:
    """The records of the target, in the document's order; one a page for empty pages, too."""
    texts = (config.system_prompt,) if config.system_prompt else ()
    parts = Parts(Cut(config.chunk_mode.lower()), config.num_pages_context or 0)
    if config.extraction_target == "PER_PAGE":
        task = Task(schema, load(schema), texts, parts=parts)
        return [read(engine, layout.only([page]), task) for page in pages]
    unit = Unit.ROW if config.extraction_target == "PER_TABLE_ROW" else Unit.DOCUMENT
    named = NamedSchema("run", 1, schema, SchemaOptions(unit=unit, instructions=config.system_prompt or ""))
    return [record for _, record in records_of(layout, named, engine, parts)]
