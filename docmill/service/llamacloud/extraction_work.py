"""Does an extraction job: reads the document in a worker process, runs the engine, and writes data and proofs."""

from __future__ import annotations

import json
from typing import cast

from pydantic import JsonValue

from docmill.artifacts import extension
from docmill.errors import DocmillError, EmptyDocumentError
from docmill.service.llamacloud.extraction import RunConfig, data_of, proofs_of, usage
from docmill.service.runner import Context
from docmill.structured.choice import engine_for
from docmill.structured.documents import ReadDocument, ReadTask, read_document
from docmill.structured.embedded import Task
from docmill.structured.engine import ExtractionEngine, read
from docmill.structured.record import Json, Record
from docmill.structured.schema import load
from docmill.structured.schemas import NamedSchema, SchemaOptions, Unit
from docmill.structured.units import records_of
from docmill.structured.words import Layout

EXTRACT_KIND = "llamacloud_extract"


def do_extract(context: Context) -> bytes:
    """The result of an extraction job as JSON; raises the DocmillError that says why there is none."""
    told = context.job.payload
    config = RunConfig.model_validate(told["config"])
    schema = cast(Json, told["schema"])
    layout, pages = _read(context, config)
    engine = engine_for("", context.workspace.settings)
    node = load(schema)
    found = []
    for record in _records(layout, pages, schema, config, engine):
        data, missing = data_of(record, node)
        found.append((data, proofs_of(data, record, config, missing)))
    whole = config.extraction_target == "PER_DOC"
    data_all: JsonValue = found[0][0] if whole else [data for data, _ in found]
    proofs: Json = found[0][1] if whole else {"items": [proof for _, proof in found]} if config.has_proofs else {}
    told_of = {"field_metadata": proofs, "usage": usage(len(pages), layout.text, data_all, engine.name)}
    return json.dumps({"data": data_all, "extraction_metadata": told_of}, ensure_ascii=False).encode("utf-8", "replace")


def _read(context: Context, config: RunConfig) -> tuple[Layout, list[int]]:
    """The words of the wanted pages and the pages' numbers; raises EmptyDocumentError where there are none of them."""
    name = context.job.files[0]
    own = config.reading(context.workspace.config.extract)
    task = ReadTask(context.file(name), f"document{extension(name)}", own)
    ((_, answer, _),) = context.pool.running(read_document).run([task])
    if isinstance(answer, DocmillError):
        raise answer
    layout = cast(ReadDocument, answer).layout
    there = sorted(layout.sizes) or layout.pages or [1]
    pages = [page for page in there if config.takes(page)]
    if not pages:
        raise EmptyDocumentError(
            f"The document has {len(there)} pages, none of them in page_range {config.page_range}.",
            hint="Mend page_range; it counts from 1.",
        )
    return (layout if pages == there else layout.only(pages)), pages


def _records(
    layout: Layout, pages: list[int], schema: Json, config: RunConfig, engine: ExtractionEngine
) -> list[Record]:
    """The records of the target, in the document's order; one a page for empty pages, too."""
    texts = (config.system_prompt,) if config.system_prompt else ()
    if config.extraction_target == "PER_PAGE":
        task = Task(schema, load(schema), texts)
        return [read(engine, layout.only([page]), task) for page in pages]
    unit = Unit.ROW if config.extraction_target == "PER_TABLE_ROW" else Unit.DOCUMENT
    named = NamedSchema("run", 1, schema, SchemaOptions(unit=unit, instructions=config.system_prompt or ""))
    return [record for _, record in records_of(layout, named, engine)]
