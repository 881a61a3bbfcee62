"""The commands of those who operate: what work cost, backups, and building a collection from its artifacts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, get_args

import typer

from docmill.backup import back_up, restore
from docmill.cli.output import console, notes, open_workspace, print_json, short, table
from docmill.errors import UsageError
from docmill.maintenance import rebuild
from docmill.models import Document, Outcome, Stage
from docmill.usage import Group, Spent, UsageRow

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
_COLUMNS = ["#documents", "#failed", "#pages", "#tokens", "#MB", "#CPU s", "#GPU s", "#wall s"]


def add_to(app: typer.Typer) -> None:
    """The application has the commands."""
    for name, command in (
        ("usage", usage),
        ("backup", backup),
        ("restore", restore_command),
        ("rebuild", rebuild_command),
    ):
        app.command(name=name)(command)


def usage(
    by: Annotated[str, typer.Option(help="collection, batch, stage or day.")] = "collection",
    collection: Annotated[str, typer.Option("--collection", "-c", help="The collection; default: all.")] = "",
    since: Annotated[str, typer.Option(help="From this day on, as YYYY-MM-DD.")] = "",
    document: Annotated[str, typer.Option(help="One document's last work at each stage: its id.")] = "",
    as_json: Json = False,
) -> None:
    """Tell what work cost: CPU and GPU seconds, bytes, pages and tokens; all that was ever done, retries too."""
    if by not in get_args(Group):
        raise UsageError(f"Costs are not summed by {by!r}.", hint=f"Take one of: {', '.join(get_args(Group))}.")
    if since and not _is_day(since):
        raise UsageError(f"--since {since!r} is not a day.", hint="Give it as YYYY-MM-DD.")
    with open_workspace() as workspace:
        if document:
            known = workspace.ledger.document(document)
            if known is None:
                raise UsageError(f"There is no document {document!r}.", hint="`docmill search --json` gives ids.")
            _print_document(known, list(workspace.ledger.outcomes([document]).values()), as_json=as_json)
            return
        rows = workspace.usage.by(by, collection=collection or None, since=since)  # type: ignore[arg-type]
    if as_json:
        print_json({"by": by, "rows": [{by: row.name, **asdict(row.spent)} for row in rows]})
    elif rows:
        table("", [by, *_COLUMNS], [[row.name, *_cells(row.spent)] for row in _in_order(by, rows)])
    else:
        notes.print("Nothing was worked on yet.")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _in_order(by: str, rows: list[UsageRow]) -> list[UsageRow]:
    """Stages in their order, others by name."""
    order = [stage.value for stage in Stage]
    return sorted(rows, key=lambda row: order.index(row.name)) if by == "stage" else rows


def _cells(spent: Spent) -> list[object]:
    times = [f"{each:.1f}" for each in (spent.cpu_seconds, spent.gpu_seconds, spent.seconds)]
    return [spent.documents, spent.failed, spent.pages, spent.tokens, f"{spent.bytes / 1e6:.1f}", *times]


def _print_document(document: Document, outcomes: list[Outcome], *, as_json: bool) -> None:
    order = list(Stage)
    outcomes.sort(key=lambda each: order.index(each.stage))
    if as_json:
        kept = {"stage", "status", "seconds", "cpu_seconds", "counts", "attempts", "run_id"}
        found = [each.model_dump(mode="json", include=kept) for each in outcomes]
        print_json({"document_id": document.document_id, "source": document.source_key, "stages": found})
        return
    rows = [
        [each.stage, each.status, f"{each.cpu_seconds:.3f}", f"{each.seconds:.3f}", each.attempts] for each in outcomes
    ]
    table(short(document.source_key), ["stage", "status", "#CPU s", "#wall s", "#attempts"], rows)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there.")], as_json: Json = False
) -> None:
    """Write the whole ledger into one file, of either database, while work goes on."""
    with open_workspace() as workspace:
        rows = back_up(workspace.ledger.database, file)
    if as_json:
        print_json({"file": str(file), "rows": rows})
    else:
        console.print(f"{sum(rows.values())} rows of {len(rows)} tables are in {file}.", markup=False)


def restore_command(
    file: Annotated[Path, typer.Argument(help="A file of `docmill backup`.")], as_json: Json = False
) -> None:
    """Fill an empty ledger from a backup, of either database and of this or an older docmill."""
    from docmill.settings import load_settings

    rows = restore(load_settings().ledger, file)
    if as_json:
        print_json({"file": str(file), "rows": rows})
    else:
        console.print(f"{sum(rows.values())} rows of {len(rows)} tables were restored.", markup=False)
        notes.print("Then: `docmill doctor --repair`, and `docmill reconcile -c NAME` of each collection.")


def rebuild_command(
    collection: Annotated[str, typer.Option("--collection", "-c", help="The collection; default: the settings'.")] = "",
    as_json: Json = False,
) -> None:
    """Write a collection's rows again from its chunks and vectors in the store; nothing is parsed or embedded."""
    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        documents, rows = rebuild(workspace, name)
    if as_json:
        print_json({"collection": name, "documents": documents, "rows": rows})
    else:
        console.print(f"{documents} documents with {rows} rows are in {name}.", markup=False)
