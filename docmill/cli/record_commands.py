"""The commands about records: `docmill extract`, `docmill records` and `docmill schemas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docmill.cli import records
from docmill.structured.schemas import SchemaOptions, Unit

_OK, _DOCUMENTS_FAILED = 0, 2
Collection = Annotated[str, typer.Option("--collection", "-c", help="The collection; default: all.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Engine = Annotated[str, typer.Option(help="embedded, or a model of the settings; default: records.engine.")]
Instructions = Annotated[str, typer.Option(help="What to mind, in plain words.")]
Votes = Annotated[int, typer.Option(min=1, max=16, help="Read so many times and vote.")]

schemas = typer.Typer(help="Register the schemas that records are extracted by.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """The application has the commands."""
    app.command(name="extract")(extract_command)
    app.command(name="records")(records_command)
    app.add_typer(schemas, name="schemas")


def extract_command(
    file: Annotated[Path, typer.Argument(help="A document.")],
    schema: Annotated[str, typer.Option("--schema", "-s", help="A JSON Schema's file, or a registered schema's name.")],
    engine: Engine = "",
    instructions: Instructions = "",
    votes: Votes = 1,
    overlay: Annotated[Path | None, typer.Option(help="Draw the citations on the pages: a PNG file.")] = None,
    as_json: Json = False,
) -> None:
    """Read a document into a record by a schema: every value cited, scored, or null."""
    wish = records.ExtractWish(engine, instructions, votes, overlay)
    valid = records.extract(file, schema, wish, as_json=as_json)
    raise typer.Exit(_OK if valid else _DOCUMENTS_FAILED)


def records_command(
    schema: Annotated[str, typer.Argument(help="A registered schema's name.")],
    collection: Collection = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write .parquet or .jsonl instead.")] = None,
    as_json: Json = False,
) -> None:
    """Bring the records of all documents by a schema up to date, and print them."""
    failed = records.records(schema, collection, output, as_json=as_json)
    raise typer.Exit(_DOCUMENTS_FAILED if failed else _OK)


@schemas.command(name="add")
def schemas_add_command(
    name: Annotated[str, typer.Argument(help="The schema's name.")],
    file: Annotated[str, typer.Argument(help="A JSON Schema.")],
    unit: Annotated[Unit, typer.Option(help="What a record is made of.")] = Unit.DOCUMENT,
    engine: Engine = "",
    instructions: Instructions = "",
    votes: Votes = 1,
    collection: Annotated[list[str] | None, typer.Option("--collection", "-c", help="Only this collection.")] = None,
    as_json: Json = False,
) -> None:
    """Register a schema; a changed one becomes a new version, and its records are extracted anew."""
    options = SchemaOptions(
        unit=unit, engine=engine, instructions=instructions, votes=votes, collections=tuple(collection or ())
    )
    records.add_schema(name, file, options, as_json=as_json)


@schemas.command(name="list")
def schemas_list_command(as_json: Json = False) -> None:
    """List the registered schemas."""
    records.list_schemas(as_json=as_json)


@schemas.command(name="remove")
def schemas_remove_command(
    name: Annotated[str, typer.Argument(help="The schema's name.")], as_json: Json = False
) -> None:
    """Forget a schema; the records by it stay."""
    records.remove_schema(name, as_json=as_json)


@schemas.command(name="generate")
def schemas_generate_command(
    files: Annotated[list[Path], typer.Argument(help="Example documents, or example records (.json).")],
) -> None:
    """Propose a schema from example documents or records, and print it."""
    records.generate_schema(files)
