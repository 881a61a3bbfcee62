"""`docmill extract`, `docmill schemas` and `docmill records`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from docmill.cli.output import console, naming, notes, open_workspace, print_json, short, table
from docmill.errors import SourceError, UsageError
from docmill.scan import scan
from docmill.settings import load_settings
from docmill.store import LocalStore
from docmill.structured.record import Json, Record
from docmill.structured.schemas import NamedSchema, SchemaOptions


@dataclass(frozen=True)
class ExtractWish:
    """What `extract` is asked; `overlay` is a picture to write, None for none."""

    engine: str = ""
    instructions: str = ""
    votes: int = 1
    overlay: Path | None = None


def schema_in(path: str) -> Json:
    """The JSON Schema in a file; raises SourceError, UsageError."""
    file = Path(path)
    if not file.is_file():
        raise SourceError(
            f"{path} is not a file.", hint="Give a JSON Schema, or the name of one: `docmill schemas list`."
        )
    try:
        found = json.loads(LocalStore(file.absolute().parent).get(file.name))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is no JSON Schema: it holds no object.")
    return found


def _named(schema: str) -> NamedSchema:
    """The schema of a file, or a registered one by its name."""
    if not Path(schema).is_file():
        with open_workspace() as workspace:
            from docmill.stages.structured_records import schemas_for

            found = schemas_for(workspace).find(schema)
        if found is not None:
            return found
    return NamedSchema("schema", 1, schema_in(schema), SchemaOptions())


def extract(file: Path, schema: str, wish: ExtractWish, *, as_json: bool) -> bool:
    """Print the record of a document; whether it is valid."""
    from docmill.structured.choice import engine_for
    from docmill.structured.documents import ReadTask, read_document
    from docmill.structured.units import records_of

    named = _named(schema)
    options = named.options
    given = {
        "instructions": wish.instructions or options.instructions,
        "votes": wish.votes if wish.votes > 1 else options.votes,
    }
    named = replace(named, options=options.model_copy(update=given))
    if not file.is_file():
        raise SourceError(f"{file} is not a file.", hint="Check the path.")
    data = LocalStore(file.absolute().parent).get(file.name)
    settings = load_settings()
    scan(data, str(file), settings.scan)
    engine = engine_for(wish.engine or options.engine, settings)
    with naming(str(file)):
        document = read_document(ReadTask(data, file.name, settings.pipeline.extract))
    made = list(records_of(document.layout, named, engine))
    if as_json:
        shown = [{"target": target, **_machine(record)} for target, record in made]
        print_json({"file": str(file), "records": shown} if len(shown) != 1 else {"file": str(file), **shown[0]})
    else:
        for target, record in made:
            _print(target, record)
    if wish.overlay is not None:
        _draw(data, document.media_type, [record for _, record in made], wish.overlay)
    return all(record.validation.valid for _, record in made)


def _machine(record: Record) -> Json:
    shown = record.model_dump(mode="json")
    return {
        "record": shown["value"],
        "fields": shown["fields"],
        "validation": shown["validation"],
        "engine": record.engine,
    }


def _print(target: str, record: Record) -> None:
    """The record for people: every value with its page, confidence and the words that say it."""
    rows = []
    for path, leaf in record.fields.items():
        cited = leaf.citation
        place = f"page {cited.page}" if cited is not None and cited.page is not None else ""
        proof = cited.text[:60] if cited is not None else leaf.error or ""
        value = "" if leaf.value is None else str(leaf.value)[:60]
        rows.append([path, value or "null", f"{leaf.confidence:.2f}" if leaf.value is not None else "", place, proof])
    table(target, ["property", "value", "#confidence", "place", "words of the document"], rows)
    block = record.validation
    if block.missing_required:
        notes.print(f"Missing: {', '.join(block.missing_required)}", markup=False)
    for fault in block.errors:
        notes.print(f"Wrong: {fault.path}: {fault.message}", markup=False)
    for sentence in block.arithmetic:
        notes.print(f"Does not add up: {sentence}", markup=False)
    for path, report in block.arrays.items():
        if not report.complete:
            notes.print(f"Incomplete: {path} has {report.items} items of {report.rows} rows seen", markup=False)
    for warning in block.warnings:
        notes.print(f"Note: {warning.code}: {warning.text} {warning.pages or ''}", markup=False)


def _draw(data: bytes, media_type: str, records: Sequence[Record], target: Path) -> None:
    from docmill.structured.overlay import citation_overlay, cited_pages

    if media_type != "application/pdf":
        raise UsageError("Citations are drawn on PDFs only.", hint="Leave --overlay out.")
    fields = {path: leaf for record in records for path, leaf in record.fields.items()}
    pages = cited_pages(fields) or [1]
    below = load_settings().records.low_confidence
    for page in pages:
        name = target if len(pages) == 1 else target.with_stem(f"{target.stem}-{page}")
        picture = citation_overlay(data, fields, page=page, width=1200, below=below)
        LocalStore(name.absolute().parent).put(name.name, picture)
        notes.print(f"Wrote {name}", markup=False)


def add_schema(name: str, path: str, options: SchemaOptions, *, as_json: bool) -> None:
    """Register a schema, or a new version of it."""
    from docmill.stages.structured_records import schemas_for

    with open_workspace() as workspace:
        made = schemas_for(workspace).add(name, schema_in(path), options)
    if as_json:
        print_json({"name": made.name, "version": made.version})
    else:
        console.print(f"{made.name}  version {made.version}", markup=False)


def list_schemas(*, as_json: bool) -> None:
    """Print the registered schemas."""
    from docmill.stages.structured_records import schemas_for

    with open_workspace() as workspace:
        found = schemas_for(workspace).all()
    if as_json:
        shown = [
            {
                "name": each.name,
                "version": each.version,
                "schema": each.schema,
                "options": each.options.model_dump(mode="json"),
            }
            for each in found
        ]
        print_json({"schemas": shown})
    elif not found:
        notes.print("No schema yet: `docmill schemas add NAME FILE`.")
    else:
        rows = [[each.name, each.version, each.options.unit.value, each.options.engine or "default"] for each in found]
        table("", ["name", "#version", "a record for each", "engine"], rows)


def remove_schema(name: str, *, as_json: bool) -> None:
    """Forget a schema; its records stay."""
    from docmill.stages.structured_records import schemas_for

    with open_workspace() as workspace:
        if not schemas_for(workspace).remove(name):
            raise UsageError(f"There is no schema {name!r}.", hint="See `docmill schemas list`.")
    if as_json:
        print_json({"removed": name})
    else:
        console.print(f"removed  {name}", markup=False)


def _json_of(file: Path, data: bytes) -> Json:
    """What a file of JSON holds; raises UsageError."""
    try:
        return cast(Json, json.loads(data))
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}.", hint="Give documents, or example records as JSON.") from None


def generate_schema(files: Sequence[Path]) -> None:
    """Print a schema proposed from example documents, or from example records (JSON files)."""
    from docmill.structured.documents import ReadTask, read_document
    from docmill.structured.proposal import propose
    from docmill.structured.schemas import proposed

    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise SourceError(f"No such file: {', '.join(missing)}.", hint="Check the path.")
    data = {file: LocalStore(file.absolute().parent).get(file.name) for file in files}
    if all(file.suffix == ".json" for file in files):
        made = proposed([_json_of(file, each) for file, each in data.items()])
    else:
        settings = load_settings()
        config = settings.pipeline.extract
        for file, each in data.items():
            scan(each, str(file), settings.scan)
        layouts = []
        for file, each in data.items():
            with naming(str(file)):
                layouts.append(read_document(ReadTask(each, file.name, config)).layout)
        made = propose(layouts)
    sys.stdout.write(json.dumps(made, indent=2, ensure_ascii=False) + "\n")


def records(schema: str, collection: str, output: Path | None, *, as_json: bool) -> int:
    """Bring the records by a schema up to date, and print or write them; how many documents failed."""
    from docmill.stages.structured_records import extract_records, records_for, schemas_for
    from docmill.structured.records import flat, parquet

    with open_workspace() as workspace:
        if schemas_for(workspace).find(schema) is None:
            raise UsageError(f"There is no schema {schema!r}.", hint="See `docmill schemas list`.")
        for batch in workspace.ledger.batches(collection or None):
            extract_records(workspace, batch.batch)
        rows = records_for(workspace).of_schema(schema, collection)
    failed = sum(bool(row.message) for row in rows)
    if not rows:
        where = f"the collection {collection!r}" if collection else "any collection"
        notes.print(f"No records: no document of {where} was read for this schema. See `docmill status`.", markup=False)
    if output is not None:
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in flat(rows))
        shown = parquet(rows) if output.suffix == ".parquet" else lines.encode()
        LocalStore(output.absolute().parent).put(output.name, shown)
        notes.print(f"Wrote {len(rows)} records to {output}", markup=False)
    elif as_json:
        print_json({"records": list(flat(rows))})
    else:
        columns = ["document", "part", "valid", "#confidence", "to review", "missing"]
        cells = [
            [short(row.source_key), row.target, "failed" if row.message else "yes" if row.valid else "no",
             f"{row.confidence:.2f}", ", ".join(row.doubtful)[:60], ", ".join(row.missing)[:60] or row.message[:80]]
            for row in rows
        ]  # fmt: skip
        table("", columns, cells)
    return failed
