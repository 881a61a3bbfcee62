"""`docmill ingest` and `docmill plan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.markup import escape

from docmill.batching import form_batches
from docmill.cli.output import (
    StageBars,
    comparing,
    console,
    failure_record,
    notes,
    open_workspace,
    print_failures,
    print_json,
    print_stages,
    short,
    table,
)
from docmill.config import Mode
from docmill.errors import UsageError
from docmill.estimate import Estimate, estimate
from docmill.generations import WAY_BACK, drop_expired, unsearched
from docmill.ledger import Failure
from docmill.mirror import check_deletions, reconcile_steps, retag
from docmill.models import Stage, Status
from docmill.pipeline import Scope, delete_documents
from docmill.plan import Plan, make_plan, parts, vanished
from docmill.runners import find_entry, find_runner
from docmill.settings import load_settings, overridden
from docmill.sources import resolve_source
from docmill.standing import unfinished
from docmill.workspace import Workspace

_NOTES = 20
_NUMBERS = ("new", "changed", "unchanged", "gone", "retagged", "resumed_batches")


@contextmanager
def reading_in(mode: Mode | None) -> Iterator[None]:
    """Documents are read in the mode instead of the settings'; at the end it is told what a later run does then."""
    own = load_settings().pipeline.extract.mode
    if mode is None or mode is own:
        yield
        return
    with overridden("pipeline.extract.mode", mode.value):
        yield
    notes.print(
        f"This was read in mode {mode}. The settings say {own}: whatever runs without --mode {mode}, sensors too, "
        f"reads these documents again. To keep it, set pipeline.extract.mode."
    )


def ingest(path: str, collection: str, *, as_json: bool, force: bool, runner: str) -> int:
    """Ingest and print what came of it; how many documents of the source stand failed."""
    find_entry(runner)  # before anything is changed
    with open_workspace() as workspace:
        collection = collection or workspace.settings.collection
        source = resolve_source(workspace, path)
        numbers, batches = taken_up(workspace, collection, source, path, force=force)
        bars = _run(workspace, batches, runner)
        failures = _failures(workspace, collection, source)
        if sentence := unsearched(workspace, collection):
            notes.print(f"{collection}: {sentence} {WAY_BACK}", markup=False)
        _print(_Done(collection, source, numbers, bars, failures), as_json=as_json)
        _tell_of_aside(workspace, collection, source)
        return len({each.document.document_id for each in failures})


def taken_up(
    workspace: Workspace, collection: str, source: str, path: str, *, force: bool
) -> tuple[dict[str, int], list[str]]:
    """The source's documents are in batches and what is gone is deleted: how many of each, and batches to be run."""
    numbers = Counter(gone=_drop_gone(workspace, collection, source, force=force))
    made: list[str] = []
    with comparing(source) as tell:
        for part in parts(workspace, collection, source):
            numbers += Counter(new=len(part.new), changed=len(part.changed), unchanged=len(part.unchanged))
            numbers["retagged"] += len(retag(workspace, collection, part))
            made += form_batches(workspace, collection, part.pending, runner="cli")
            tell(part.listed)
    if not numbers.total():
        raise UsageError(f"{path} holds no documents.", hint="Check the path; hidden files are left out.")
    if source.endswith("/"):  # only now, or a sensor's tick could take the documents first
        workspace.ledger.add_source(collection, source)
    left = [batch for batch in unfinished(workspace, collection, source) if batch not in made]
    numbers["resumed_batches"] = len(left)
    return {name: numbers[name] for name in _NUMBERS}, [*left, *made]


def _drop_gone(workspace: Workspace, collection: str, source: str, *, force: bool) -> int:
    """The source's documents whose objects are not there are deleted, if they are not too many; how many.

    The source is gone through for that alone, before anything is claimed: a wrong path changes nothing.
    """
    known = workspace.ledger.count(collection, source, objects=True)
    if not known:
        return 0
    gone: set[str] = set()
    with comparing(source) as tell:
        for part in parts(workspace, collection, source):
            gone |= {each.document_id for each in vanished(workspace, part.missing)}
            tell(part.listed)
    check_deletions(len(gone), known, source, workspace.settings.delete_cap, force=force)
    delete_documents(workspace, collection, sorted(gone))
    return len(gone)


def reconcile(collection: str, *, as_json: bool, force: bool, runner: str, tags: bool) -> int:
    """Reconcile the watched sources and print what came of it; how many of their documents stand failed."""
    find_entry(runner)  # before anything is changed
    with open_workspace() as workspace:
        collection = collection or workspace.settings.collection
        sources = [url for name, url in workspace.ledger.sources() if name == collection]
        if not sources:
            raise UsageError(f"No source is watched for {collection!r}.", hint="Begin with `docmill ingest FOLDER`.")
        steps = []
        for source in sources:
            with comparing(source) as tell:
                for step in reconcile_steps(workspace, collection, source, force=force, runner="cli", tags=tags):
                    tell(step.listed)
                    steps.append(step)
        dropped = drop_expired(workspace, collection)
        deleted, retagged = sum(each.deleted for each in steps), sum(each.retagged for each in steps)
        batches = unfinished(workspace, collection)
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
            if bars.begun:
                print_stages(bars)
            print_failures(failures)
        _tell_of_aside(workspace, collection)
        return len({each.document.document_id for each in failures})


@dataclass(frozen=True)
class _Done:
    """What an ingest did."""

    collection: str
    source: str
    numbers: dict[str, int]
    bars: StageBars
    failures: list[Failure]


def _run(workspace: Workspace, batches: list[str], runner: str) -> StageBars:
    bars = StageBars(workspace)
    if batches:
        chosen = find_runner(runner)
        with bars.shown(), workspace.index.kept_open():
            for batch in batches:
                chosen.run(workspace, batch, list(Stage), Scope())
    return bars


def _failures(workspace: Workspace, collection: str, source: str) -> list[Failure]:
    return [each for each in workspace.ledger.failures(collection) if each.document.source_key.startswith(source)]


def _tell_of_aside(workspace: Workspace, collection: str, source: str = "") -> None:
    """It is said how many documents of the source are quarantined, if any are."""
    aside = workspace.ledger.failures(collection, statuses=(Status.QUARANTINED,))
    if count := sum(each.document.source_key.startswith(source) for each in aside):
        notes.print(f"{count} quarantined: `docmill failed` says which and why.")


def _print(done: _Done, *, as_json: bool) -> None:
    bars, numbers = done.bars, done.numbers
    if as_json:
        failed = [failure_record(each) for each in done.failures]
        print_json(
            {"collection": done.collection, "source": done.source}
            | numbers
            | {"stages": bars.records(), "failed": failed, "notes": bars.notes}
        )
        return
    told = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in numbers.items() if value)
    console.print(
        f"[bold]{escape(short(done.source))}[/bold] → collection [bold]{escape(done.collection)}[/bold]: {told}"
    )
    if bars.begun:
        print_stages(bars)
    elif not numbers["retagged"]:
        console.print("Nothing to do: every document is as it was.")
    for note in bars.notes[:_NOTES]:
        notes.print(f"Note: {short(note['source'])}: {note['message']}", markup=False)
    if len(bars.notes) > _NOTES:
        notes.print(f"… and {len(bars.notes) - _NOTES} more notes (--json lists all)")
    if done.failures:
        console.print(f"{len(done.failures)} failed; the others are searchable:")
        print_failures(done.failures)
        notes.print("After mending a document, `docmill ingest` takes it up; `docmill retry` tries again.", style="dim")


def plan(path: str, collection: str, *, as_json: bool) -> None:
    """Print what an ingest would do."""
    with open_workspace() as workspace:
        collection = collection or workspace.settings.collection
        source = resolve_source(workspace, path)
        with comparing(source) as tell:
            found = make_plan(workspace, collection, source, tell)
        guess = estimate(workspace, found)
    if as_json:
        print_json(_plan_record(found, guess))
        return
    rows = [
        ["new", len(found.new), _size(found.new)],
        ["changed", len(found.changed), _size(found.changed)],
        ["unchanged", found.unchanged, f"{found.unchanged_bytes:,}"],
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
        "documents": len(found.pending) + found.unchanged,
        "unchanged": found.unchanged,
        **lists,
        "bytes": sum(each.size for each in found.pending),
        "pages": guess.pages,
        "pages_are_estimated": guess.pages_are_estimated,
        "seconds": guess.seconds,
    }
