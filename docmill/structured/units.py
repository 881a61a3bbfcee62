"""A document's records by a schema: one for all of it, one a page, or one a row of its tables."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from docmill.structured.embedded import Task
from docmill.structured.engine import ExtractionEngine, read
from docmill.structured.parts import WHOLE_PAGES, Parts
from docmill.structured.record import FieldResult, Json, Record
from docmill.structured.schema import load
from docmill.structured.schemas import NamedSchema, Unit
from docmill.structured.validation import validated
from docmill.structured.words import Layout


def records_of(
    layout: Layout, named: NamedSchema, engine: ExtractionEngine, parts: Parts = WHOLE_PAGES
) -> Iterator[tuple[str, Record]]:
    """(target, record): the target is "" for the document, `page 3` or `row 12` for parts of it."""
    options = named.options
    texts = (options.instructions,) if options.instructions else ()
    if options.unit is Unit.ROW:
        yield from _rows(layout, named, engine, (texts, parts))
        return
    task = Task(named.schema, load(named.schema), texts, options.keys, parts=parts)
    if options.unit is Unit.DOCUMENT:
        yield "", read(engine, layout, task, options.votes)
        return
    for page in layout.pages:
        yield f"page {page}", read(engine, layout.only([page]), task, options.votes)


def _rows(
    layout: Layout, named: NamedSchema, engine: ExtractionEngine, how: tuple[tuple[str, ...], Parts]
) -> Iterator[tuple[str, Record]]:
    """A record for each row of the tables whose columns the schema's properties name."""
    whole: Json = {"type": "object", "properties": {"rows": {"type": "array", "items": _item(named.schema)}}}
    definitions: Json = {name: named.schema[name] for name in ("$defs", "definitions") if name in named.schema}
    whole = {**whole, **definitions}
    texts, parts = how
    record = read(engine, layout, Task(whole, load(whole), texts, {}, parts=parts), named.options.votes)
    items = record.value.get("rows")
    node = load(named.schema)
    for number, item in enumerate(items if isinstance(items, list) else []):
        prefix = f"rows.{number}."
        fields: dict[str, FieldResult] = {
            path.removeprefix(prefix): leaf for path, leaf in record.fields.items() if path.startswith(prefix)
        }
        assert isinstance(item, dict)
        made = Record(value=item, fields=fields, engine=record.engine)
        yield f"row {number + 1}", validated(made, named.schema, node, {}, record.validation.warnings)


def _item(schema: Json) -> JsonValue:
    return {name: value for name, value in schema.items() if name not in ("$defs", "definitions", "$schema")}
