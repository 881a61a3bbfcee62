"""What tests of the pipeline do over and over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from docmill.batching import form_batches
from docmill.database import Database
from docmill.ledger import Failure
from docmill.models import ChunkKind, Document, Stage
from docmill.pipeline import Scope, StageReport, delete_documents, run_batch
from docmill.plan import make_plan
from docmill.sources import resolve_source
from docmill.standing import unfinished
from docmill.workspace import Workspace

EVERYTHING = Scope()


def ingest(workspace: Workspace, folder: Path, scope: Scope = EVERYTHING) -> dict[Stage, StageReport]:
    """What `docmill ingest` does; the reports of the last batch."""
    source = resolve_source(workspace, str(folder))
    plan = make_plan(workspace, "default", source)
    delete_documents(workspace, "default", [each.document_id for each in plan.gone])
    made = form_batches(workspace, "default", plan.pending, runner="cli")
    batches = [*(each for each in unfinished(workspace, "default", source) if each not in made), *made]
    reports = [run_batch(workspace, batch, scope=scope, run_id="test") for batch in batches]
    return {each.stage: each for each in reports[-1]} if reports else {}


def again(workspace: Workspace, scope: Scope = EVERYTHING) -> dict[Stage, StageReport]:
    """The last batch has been through all stages again."""
    return {each.stage: each for each in run_batch(workspace, workspace.ledger.batches()[-1].batch, scope=scope)}


def worked_on(workspace: Workspace, reports: dict[Stage, StageReport]) -> dict[str, set[str]]:
    """The names of the documents that each stage worked on; stages that worked on none are left out."""
    names = {each.document_id: each.key for each in documents(workspace)}
    return {
        stage.value: {names[each] for each in report.worked_on} for stage, report in reports.items() if report.worked_on
    }


def documents(workspace: Workspace) -> list[Document]:
    return workspace.ledger.documents("default")


def document(workspace: Workspace, key: str) -> Document:
    return next(each for each in documents(workspace) if each.key == key)


def failures(workspace: Workspace) -> dict[str, Failure]:
    return {each.document.key: each for each in workspace.ledger.failures()}


def searchable(workspace: Workspace) -> dict[str, str]:
    """The texts in the index by key of their document."""
    held = workspace.index.held("default", workspace.space)
    found: dict[str, str] = {}
    for row in sorted(workspace.index.rows("default", workspace.space, list(held)), key=lambda each: each.ordinal):
        if row.kind is not ChunkKind.PASSAGE:
            continue
        key = row.source_key.rpartition("/")[2]
        found[key] = found.get(key, "") + row.text
    return found


def sqlite_steps(database: Database, work: Callable[[], object]) -> int:
    """How many steps SQLite's machine takes for the work: what it costs, whatever else the computer does."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    def watch(connection: sa.pool.PoolProxiedConnection, *_: object) -> None:
        connection.set_progress_handler(count, 1)  # type: ignore[attr-defined]

    def leave(connection: sa.pool.PoolProxiedConnection, *_: object) -> None:
        connection.set_progress_handler(None, 1)  # type: ignore[attr-defined]

    sa.event.listen(database.engine, "checkout", watch)
    sa.event.listen(database.engine, "checkin", leave)
    work()
    sa.event.remove(database.engine, "checkout", watch)
    sa.event.remove(database.engine, "checkin", leave)
    return taken
