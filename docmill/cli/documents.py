"""`docmill status`, `failed`, `retry`, `sources` and `dev`."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

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
    table,
)
from docmill.doctor import Finding, examine
from docmill.errors import UsageError
from docmill.generations import WAY_BACK, WAY_ON
from docmill.ledger import Failure
from docmill.models import Stage, Status
from docmill.pipeline import Scope, set_quarantine
from docmill.routes import shares
from docmill.runners import find_entry, find_runner
from docmill.status import collection_statuses
from docmill.store import canonical_url
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Choice:
    """Which failures to retry; empty fields choose all."""

    collection: str = ""
    batch: str = ""
    documents: tuple[str, ...] = ()
    stage: Stage | None = None

    def takes(self, failure: Failure) -> bool:
        """Whether the failure is chosen."""
        key = failure.document.source_key
        names = {failure.document.document_id, key, key.removeprefix("file://"), key.rpartition("/")[2]}
        return not self.documents or bool(names & set(self.documents))


def status(*, as_json: bool) -> None:
    """Print how the collections stand."""
    with open_workspace() as workspace:
        statuses = collection_statuses(workspace)
        watched = workspace.ledger.sources()
    if as_json:
        sources_listed = [{"collection": name, "source": url} for name, url in watched]
        print_json({"collections": [asdict(each) for each in statuses], "sources": sources_listed})
        return
    if not statuses:
        notes.print("No collection yet. Begin with `docmill ingest FOLDER`.")
        return
    columns = [
        "collection",
        "#documents",
        "#searchable",
        "#failed",
        "#partial",
        "#quarantined",
        "#pending",
        "#rows",
        "#orphans",
    ]
    fields = [column.removeprefix("#") for column in columns]
    table("", columns, [[getattr(each, field) for field in fields] for each in statuses])
    for each in statuses:
        if read := shares(each.routes):
            notes.print(f"{each.collection}: pages of PDFs by the way they were read: {read}", markup=False)
        if each.unsearched:
            notes.print(f"{each.collection}: {each.unsearched} {WAY_BACK}", markup=False)
        if each.unbuilt:
            notes.print(f"{each.collection}: {each.unbuilt} {WAY_ON}", markup=False)


def failed(collection: str, batch: str, *, as_json: bool) -> int:
    """Print the failed documents, and after them those that are set aside; how many failed."""
    with open_workspace() as workspace:
        ledger, chosen = workspace.ledger, (collection or None)
        failures = ledger.failures(chosen, batch=batch or None)
        aside = ledger.failures(chosen, batch=batch or None, statuses=(Status.QUARANTINED,))
    if as_json:
        found = {"failed": failures, "quarantined": aside}
        print_json({name: [failure_record(each) for each in some] for name, some in found.items()})
        return len(failures)
    if failures:
        print_failures(failures)
    else:
        console.print("No document stands failed.")
    if aside:
        console.print(f"{len(aside)} quarantined, not tried again until they change or are released:")
        print_failures(aside)
    return len(failures)


def retry(choice: Choice, *, runner: str, as_json: bool) -> int:
    """Work again on failed documents; how many of them stand failed afterwards."""
    find_entry(runner)
    with open_workspace() as workspace:
        found = workspace.ledger.failures(choice.collection or None, batch=choice.batch or None, stage=choice.stage)
        chosen = [each for each in found if choice.takes(each)]
        if choice.documents and not chosen:
            raise UsageError(
                f"No failed document is named {', '.join(choice.documents)}.", hint="See `docmill failed`."
            )
        bars = _retry(workspace, chosen, runner)
        ids = {each.document.document_id for each in chosen}
        left = [each for each in workspace.ledger.failures() if each.document.document_id in ids]
        if as_json:
            failed = [failure_record(each) for each in left]
            print_json({"retried": len(ids), "stages": bars.records(), "failed": failed})
        elif not chosen:
            console.print("No document stands failed: nothing to retry.")
        else:
            print_stages(bars)
            print_failures(left)
        return len(left)


def quarantine(names: Sequence[str], collection: str, *, release: bool, as_json: bool) -> None:
    """Set failed documents aside, or take them back, and print how many."""
    choice = Choice(collection, documents=tuple(names))
    statuses = (Status.QUARANTINED,) if release else (Status.FAILED,)
    with open_workspace() as workspace:
        found = [
            each for each in workspace.ledger.failures(collection or None, statuses=statuses) if choice.takes(each)
        ]
        if not found:
            kind = "quarantined" if release else "failed"
            raise UsageError(f"No {kind} document is named {', '.join(names)}.", hint="See `docmill failed`.")
        set_quarantine(workspace, found, release=release)
    if as_json:
        key = "released" if release else "quarantined"
        print_json({key: [each.document.source_key for each in found]})
        return
    for each in found:
        console.print(f"{'released' if release else 'quarantined'}  {short(each.document.source_key)}", markup=False)


def _retry(workspace: Workspace, failures: Sequence[Failure], runner: str) -> StageBars:
    batches: dict[str, set[str]] = defaultdict(set)
    for each in failures:
        batches[each.document.batch].add(each.document.document_id)
    bars = StageBars(workspace)
    if batches:
        chosen = find_runner(runner)
        with bars.shown(), workspace.index.kept_open():
            for batch, ids in sorted(batches.items()):
                chosen.run(workspace, batch, list(Stage), Scope(frozenset(ids)))
    return bars


def doctor(*, repair: bool, as_json: bool) -> bool:
    """Print what is wrong and how to mend it; whether all is well now."""
    with open_workspace() as workspace:
        findings = [*examine(workspace, repair=repair), *_platform(workspace)]
    well = all(each.well or each.mended for each in findings)
    if as_json:
        names = ("part", "well", "sentence", "way_out", "mended")
        print_json({"well": well, "findings": [{name: getattr(each, name) for name in names} for each in findings]})
        return well
    for each in findings:
        mark = "[green]✓[/green]" if each.well else "[yellow]mended[/yellow]" if each.mended else "[red]✗[/red]"
        console.print(f"{mark} [bold]{escape(each.part)}[/bold]: {escape(each.sentence)}")
        if each.way_out:
            console.print(f"    {escape(each.way_out)}")
    return well


def _platform(workspace: Workspace) -> list[Finding]:
    """What the installed platform says of itself."""
    return [Finding("platform", *find_runner().check(workspace))]


def sources(remove: str, collection: str, *, as_json: bool) -> None:
    """Print the watched sources, after one was removed if need be."""
    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        if remove and not workspace.ledger.remove_source(name, canonical_url(remove)):
            raise UsageError(f"{remove} is not watched for the collection {name!r}.", hint="See `docmill sources`.")
        watched = workspace.ledger.sources()
    if as_json:
        print_json({"sources": [{"collection": name, "source": url} for name, url in watched]})
    else:
        table("", ["collection", "source"], [[name, short(url)] for name, url in watched])


def dev(host: str, port: int) -> None:
    """This process becomes `dagster dev` on the home of the settings."""
    runner, found = find_runner("dagster"), find_spec("orchestration")
    if found is None or not found.submodule_search_locations:
        raise UsageError("The Dagster platform is not installed here.", hint="Use a checkout: `make dev`.")
    with open_workspace() as workspace:
        runner.check(workspace)  # makes the instance and names it to the processes that follow
        os.environ["DOCMILL_HOME"] = str(workspace.settings.folder)
        log_format = {"text": "colored", "json": "json"}[workspace.settings.log_format]
    root = Path(next(iter(found.submodule_search_locations))).parent
    notes.print(f"Opening the Dagster UI at http://{host}:{port} (stop with Ctrl-C) …")
    arguments = ["dagster", "dev", "-w", str(root / "workspace.yaml"), "-h", host, "-p", str(port)]
    arguments += ["--log-format", log_format]
    os.execv(sys.executable, [sys.executable, "-m", *arguments])
