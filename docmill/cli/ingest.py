"""`docmill ingest` and `docmill plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape

from docmill.cli.output import (
    StageBars,
    console,
    failure_record,
    notes,
    open_workspace,
    print_failures,
    print_json,
    print_stages,
    short,
    stage_record,
    table,
)
from docmill.errors import UsageError
from docmill.estimate import Estimate, estimate
from docmill.generations import WAY_BACK, drop_expired, unsearched
from docmill.ledger import Failure
from docmill.mirror import Plan, check_deletions, form_batches, make_plan, reconcile_steps, resolve_source, retag
from docmill.models import Stage, Status
from docmill.pipeline import Scope, StageReport, delete_documents, pending_batches
from docmill.runners import find_entry, find_runner
from docmill.standing import with_outcomes
from docmill.workspace import Workspace

_NOTES = 20


def ingest(path: str, collection: str, *, as_json: bool, force: bool, runner: str) -> int:
    """Ingest and print what came of it; how many documents of the source stand failed."""
    find_entry(runner)  # before anything is changed
    with open_workspace() as workspace:
        collection = collection or workspace.settings.collection
        source = resolve_source(workspace, path)
        plan = make_plan(workspace, collection, source)
        if not (plan.pending or plan.unchanged or plan.gone):
            raise UsageError(f"{path} holds no documents.", hint="Check the path; hidden files are left out.")
        known = len(plan.gone) + len(plan.changed) + len(plan.unchanged)
        check_deletions(len(plan.gone), known, plan.source, workspace.settings.delete_cap, force=force)
        delete_documents(workspace, collection, [each.document_id for each in plan.gone])
        retagged = retag(workspace, plan)
        made = form_batches(workspace, collection, plan.pending, runner="cli")
        if source.endswith("/"):  # only now, or a sensor's tick could take the documents first
            workspace.ledger.add_source(collection, source)
        ids = [each.document_id for each in (*plan.unchanged, *plan.pending)]
        waiting = pending_batches(workspace, workspace.ledger.documents_by_id(ids))
        left = [batch for batch in waiting if batch not in made]
        bars = _run(workspace, [*left, *made], runner)
        failures = _failures(workspace, collection, source)
        if sentence := unsearched(workspace, collection):
            notes.print(f"{collection}: {sentence} {WAY_BACK}", markup=False)
        _print(workspace, _Done(plan, len(left), len(retagged), bars, failures), as_json=as_json)
        return len({each.document.document_id for each in failures})


def reconcile(collection: str, *, as_json: bool, force: bool, runner: str) -> int:
    """Reconcile the watched sources and print what came of it; how many of their documents stand failed."""
    find_entry(runner)  # before anything is changed
    with open_workspace() as workspace:
        collection = collection or workspace.settings.collection
        sources = [url for name, url in workspace.ledger.sources() if name == collection]
        if not sources:
            raise UsageError(f"No source is watched for {collection!r}.", hint="Begin with `docmill ingest FOLDER`.")
        steps = [
            step
            for source in sources
            for step in reconcile_steps(workspace, collection, source, force=force, runner="cli")
        ]
        dropped = drop_expired(workspace, collection)
        deleted, retagged = sum(each.deleted for each in steps), sum(each.retagged for each in steps)
        batches = pending_batches(workspace, workspace.ledger.documents(collection))
        bars = _run(workspace, batches, runner)
        failures = workspace.ledger.failures(collection)
        if as_json:
            failed = [failure_record(each) for each in failures]
            found = {"deleted": deleted, "retagged": retagged, "dropped_generations": dropped, "batches": batches}
            print_json({**found, "failed": failed})
        else:
            console.print(f"{len(sources)} sources, {deleted} documents deleted, {len(batches)} batches.")
            if retagged:
                console.print(f"{retagged} documents changed their access tags or metadata.")
            if dropped:
                console.print(f"Former generations dropped, their time of grace being over: {', '.join(dropped)}.")
            if bars.reports:
                print_stages(workspace, bars.reports)
            print_failures(failures)
        return len({each.document.document_id for each in failures})


@dataclass(frozen=True)
class _Done:
    """What an ingest did."""

    plan: Plan
    resumed: int
    retagged: int
    bars: StageBars
    failures: list[Failure]


def _run(workspace: Workspace, batches: list[str], runner: str) -> StageBars:
    bars = StageBars()
    if batches:
        chosen = find_runner(runner)
        with bars.shown():
            for batch in batches:
                chosen.run(workspace, batch, list(Stage), Scope())
    return bars


def _failures(workspace: Workspace, collection: str, source: str) -> list[Failure]:
    return [each for each in workspace.ledger.failures(collection) if each.document.source_key.startswith(source)]


def _notes(workspace: Workspace, reports: Sequence[StageReport]) -> list[dict[str, str]]:
    """What the stages found odd in documents that are all right, such as a name that belies the content."""
    ids = sorted({document for each in reports for document in each.worked_on})
    return [
        {"source": document.source_key, "stage": stage.value, "message": outcome.message}
        for document, outcomes in with_outcomes(workspace, workspace.ledger.documents_by_id(ids))
        for stage in Stage
        if (outcome := outcomes.get((document.document_id, stage))) and outcome.status is Status.OK and outcome.message
    ]


def _print(workspace: Workspace, done: _Done, *, as_json: bool) -> None:
    plan, reports = done.plan, done.bars.reports
    odd = _notes(workspace, reports)
    numbers = {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "unchanged": len(plan.unchanged),
        "gone": len(plan.gone),
        "retagged": done.retagged,
        "resumed_batches": done.resumed,
    }
    if as_json:
        stages = [stage_record(workspace, stage, [each for each in reports if each.stage is stage]) for stage in Stage]
        failed = [failure_record(each) for each in done.failures]
        print_json(
            {"collection": plan.collection, "source": plan.source}
            | numbers
            | {"stages": stages, "failed": failed, "notes": odd}
        )
        return
    told = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in numbers.items() if value)
    source = escape(short(plan.source))
    console.print(f"[bold]{source}[/bold] → collection [bold]{escape(plan.collection)}[/bold]: {told}")
    if reports:
        print_stages(workspace, reports)
    elif not done.retagged:
        console.print("Nothing to do: every document is as it was.")
    for note in odd[:_NOTES]:
        notes.print(f"Note: {short(note['source'])}: {note['message']}", markup=False)
    if len(odd) > _NOTES:
        notes.print(f"… and {len(odd) - _NOTES} more notes (--json lists all)")
    if done.failures:
        console.print(f"{len(done.failures)} failed; the others are searchable:")
        print_failures(done.failures)
        notes.print("After mending a document, `docmill ingest` takes it up; `docmill retry` tries again.", style="dim")


def plan(path: str, collection: str, *, as_json: bool) -> None:
    """Print what an ingest would do."""
    with open_workspace() as workspace:
        collection = collection or workspace.settings.collection
        source = resolve_source(workspace, path)
        found = make_plan(workspace, collection, source)
        guess = estimate(workspace, found)
    if as_json:
        print_json(_plan_record(found, guess))
        return
    rows = [
        ["new", len(found.new), _size(found.new)],
        ["changed", len(found.changed), _size(found.changed)],
        ["unchanged", len(found.unchanged), _size(found.unchanged)],
        ["gone (would be deleted)", len(found.gone), ""],
    ]
    table(escape(f"{short(source)} → collection {collection}"), ["", "#documents", "#bytes"], rows)
    console.print(f"Pages to read: {guess.pages_text}. Estimated time: {guess.time_text}.")
    for name, documents in (("new", found.new), ("changed", found.changed), ("gone", found.gone)):
        for document in documents[:20]:
            console.print(f"  {name:<8} {short(document.source_key)}", markup=False)
        if len(documents) > 20:
            console.print(f"  {name:<8} … and {len(documents) - 20} more (--json lists all)", markup=False)


def _size(documents: tuple[object, ...]) -> str:
    return f"{sum(getattr(each, 'size', 0) for each in documents):,}"


def _plan_record(found: Plan, guess: Estimate) -> dict[str, object]:
    lists = {name: [each.source_key for each in getattr(found, name)] for name in ("new", "changed", "gone")}
    return {
        "collection": found.collection,
        "source": found.source,
        "documents": len(found.pending) + len(found.unchanged),
        "unchanged": len(found.unchanged),
        **lists,
        "bytes": sum(each.size for each in found.pending),
        "pages": guess.pages,
        "pages_are_estimated": guess.pages_are_estimated,
        "seconds": guess.seconds,
    }
