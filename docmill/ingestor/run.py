"""Takes named documents through docmill's stages, batch by batch, and gives what came of each.

The stages, their artifacts and the ledger are those of `docmill ingest` and of the Dagster assets: what one of them has
done none does again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from docmill.batching import form_batches
from docmill.errors import DocmillError, EmptyDocumentError, PermanentError
from docmill.ingestor.build import build_elements, is_plain
from docmill.ingestor.inputs import Found, Named, find_all
from docmill.ingestor.options import Tasks
from docmill.ingestor.shape import Source, error_element
from docmill.ingestor.work import Bench, Done, Trace, extract, finish, is_showable
from docmill.models import Document, Outcome, Stage, Status
from docmill.pipeline import Scope, run_stage
from docmill.stages.extracted_elements import PRELOAD, elements_artifact
from docmill.workers import Isolated
from docmill.workspace import Workspace

RUNNER = "ingestor"
_READ = (Stage.RAW_DOCUMENTS, Stage.EXTRACTED_ELEMENTS)
_INDEXED = tuple(stage for stage in Stage if stage is not Stage.RAW_DOCUMENTS)


@dataclass(frozen=True)
class Finished:
    """What became of a named document: its result, or the error that says why there is none."""

    index: int
    named: Named
    document_id: str = ""
    done: Done | None = None
    error: DocmillError | None = None


def run(workspace: Workspace, collection: str, named: Sequence[Named], tasks: Tasks) -> Iterator[Finished]:
    """Each document as soon as it is done; only one batch of them is in memory."""
    size = workspace.settings.batch.documents
    limits = workspace.settings.workers
    with (
        TemporaryDirectory(prefix="docmill-") as folder,
        Isolated(build_elements, limits, (*PRELOAD, "docmill.extract.pdf")) as pool,
    ):
        bench = Bench(workspace, pool, Path(folder))
        for group in _groups(find_all(workspace, collection, named), size):
            yield from _run_group(bench, collection, group, tasks)


def _groups(found: Iterator[Found], size: int) -> Iterator[list[Found]]:
    group: list[Found] = []
    for each in found:
        group.append(each)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _run_group(bench: Bench, collection: str, group: Sequence[Found], tasks: Tasks) -> Iterator[Finished]:
    for each in group:
        if each.error is not None:
            yield Finished(each.index, each.named, error=each.error)
    workspace = bench.workspace
    known = {each.document.document_id: each.document for each in group if each.document is not None}
    form_batches(workspace, collection, list(known.values()), runner=RUNNER)
    run_stages(workspace, list(known), (Stage.RAW_DOCUMENTS,))
    apart = {each.index for each in group if _is_apart(each.named.document_type, tasks, workspace)}
    deep = {each.document.document_id for each in group if each.document is not None and each.index not in apart}
    run_stages(workspace, [key for key in known if key in deep], (Stage.EXTRACTED_ELEMENTS,))
    current = {each.document_id: each for each in workspace.ledger.documents_by_id(list(known))}
    outcomes = workspace.ledger.outcomes(known)
    said = {
        each.index: [outcomes.get((key, stage)) for stage in (_READ[:1] if each.index in apart else _READ)]
        for each in group
        if each.document is not None and (key := each.document.document_id)
    }

    def finished(each: Found) -> Finished:
        assert each.document is not None
        document = current.get(each.document.document_id)
        done = _finished(bench, each, document, said[each.index], tasks)
        return _with_members(bench, done, each, document, tasks) if each.named.is_archive and document else done

    with ThreadPoolExecutor(2 * workspace.settings.workers.processes) as threads:
        yield from threads.map(finished, [each for each in group if each.document is not None])


def _is_apart(document_type: str, tasks: Tasks, workspace: Workspace) -> bool:
    """Whether the document is read in another way than its collection's: by its own text alone, or by OCR."""
    return tasks.extract.is_by_ocr(document_type) or is_plain(document_type, tasks.extract, workspace.config)


def run_stages(workspace: Workspace, ids: Sequence[str], stages: Sequence[Stage]) -> None:
    """The documents have been through the stages, each in the batch that holds it."""
    batches: dict[str, set[str]] = defaultdict(set)
    for document in workspace.ledger.documents_by_id(ids):
        batches[document.batch].add(document.document_id)
    for batch, members in sorted(batches.items()):
        for stage in stages:
            run_stage(workspace, stage, batch, scope=Scope(frozenset(members)), run_id=f"{RUNNER}-{batch}")


def index_documents(workspace: Workspace, ids: Sequence[str]) -> None:
    """The documents are searchable in their collection."""
    size = workspace.settings.batch.documents
    for start in range(0, len(ids), size):
        run_stages(workspace, ids[start : start + size], _INDEXED)


def _finished(
    bench: Bench, found: Found, document: Document | None, said: Sequence[Outcome | None], tasks: Tasks
) -> Finished:
    """The document's elements made from its artifact, or why not."""
    assert found.document is not None
    failed = next(
        (each for each in said if each is not None and each.status in (Status.FAILED, Status.QUARANTINED)), None
    )
    is_empty = failed is not None and document is not None and failed.error == EmptyDocumentError.__name__
    is_blank = is_empty and document is not None and is_showable(document.media_type, failed.pages if failed else ())
    key = found.document.document_id
    if document is None or said[0] is None or (failed is not None and not is_blank):
        message = failed.message if failed else "The document was deleted or changed while it was read."
        return Finished(
            found.index, found.named, key, error=PermanentError(message, hint=failed.hint if failed else "")
        )
    kind = found.named.document_type
    moment = datetime.fromtimestamp(found.document.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    source = Source(found.named.name, found.named.name, kind, created=moment, modified=moment)
    artifact = "" if is_blank or len(said) == 1 or kind == "text" else elements_artifact(bench.workspace, document)
    try:
        if tasks.extract.is_by_ocr(kind):
            artifact = extract(bench, document, by_ocr=True)
        done = finish(bench, source, document, tasks, artifact, _trace(said))
    except DocmillError as error:
        return Finished(found.index, found.named, key, error=error)
    return Finished(found.index, found.named, key, done)


def _with_members(bench: Bench, done: Finished, found: Found, document: Document, tasks: Tasks) -> Finished:
    """The archive with the elements of all documents in it; those that failed are named. An error where all did."""
    ledger = bench.workspace.ledger
    members = sorted(ledger.members([document]), key=lambda each: each.source_key)
    outcomes = ledger.outcomes([each.document_id for each in members])
    results: list[Finished] = []
    for each in members:
        said = [outcomes.get((each.document_id, stage)) for stage in _READ]
        named = Named(found.named.name + each.source_key.removeprefix(document.source_key))
        if not named.is_archive:
            results.append(_finished(bench, Found(found.index, named, each), each, said, tasks))
    good = [result.done for result in results if result.done is not None]
    if done.error is not None or not good:
        error = done.error or EmptyDocumentError("No document in the archive can be read.", hint="Look into it.")
        return Finished(found.index, found.named, done.document_id, error=error)
    elements = [element for part in good for element in part.elements]
    for failed in results:
        if failed.error is not None:
            source = Source(failed.named.name, failed.named.name, failed.named.document_type)
            elements.append(error_element(source, -1, f"{failed.named.name} could not be read: {failed.error}"))
    trace = done.done.trace if done.done is not None else {}
    notes = tuple(dict.fromkeys(note for part in good for note in part.notes))
    whole = Done(elements, sum(part.pages for part in good), {}, notes, trace)
    return Finished(found.index, found.named, done.document_id, whole)


def _trace(said: Sequence[Outcome | None]) -> Trace:
    """When the document was read."""
    trace = Trace()
    for outcome in said:
        if outcome is not None:
            end = round(outcome.updated_at * 1e9)
            trace.times[f"trace::entry::{outcome.stage}"] = end - round(outcome.seconds * 1e9)
            trace.times[f"trace::exit::{outcome.stage}"] = end
    return trace
