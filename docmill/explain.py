"""The proof of a hit: hit → chunk → elements with page and box → object version → settings → run."""

from __future__ import annotations

from dataclasses import dataclass

from docmill.errors import MissingObjectError
from docmill.index import Row
from docmill.members import container_id
from docmill.models import Chunk, Document, Element, Outcome, Stage
from docmill.retrieve.duplicates import copies
from docmill.retrieve.search import visible_row
from docmill.workspace import Workspace


@dataclass(frozen=True)
class Step:
    """One link of the chain: whether it holds, in a sentence."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class Proof:
    """Everything that a hit rests on. `steps` are the checks that were made just now.

    `also_in` are the source keys of other documents that say nearly the same: a passage of many is boiler-plate.
    """

    row: Row
    document: Document | None
    chunk: Chunk | None
    elements: tuple[Element, ...]
    outcomes: tuple[Outcome, ...]
    steps: tuple[Step, ...]
    also_in: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether every check holds."""
        return all(step.holds for step in self.steps)


def explain(workspace: Workspace, collection: str, chunk_id: str, access: frozenset[str] = frozenset()) -> Proof:
    """The proof of a chunk of the collection; raises UsageError if it holds none that the caller's tags show."""
    with workspace.index.session():
        space, row = visible_row(workspace, collection, chunk_id, access)
        also_in = copies(workspace, collection, space, row, access)
    document = workspace.ledger.document(row.document_id)
    if document is None:
        return Proof(
            row, None, None, (), (), (Step(False, "The ledger does not know the document: an orphan."),), also_in
        )
    outcomes = workspace.ledger.outcomes([document.document_id])
    kept = tuple(outcomes[document.document_id, stage] for stage in Stage if (document.document_id, stage) in outcomes)
    steps = [_version_step(workspace, row, document)]
    chunk: Chunk | None = None
    elements: tuple[Element, ...] = ()
    try:
        chunk, elements = _artifacts(workspace, row, document, outcomes)
    except MissingObjectError as error:
        steps.append(Step(False, f"An artifact is missing: {error.message}"))
    else:
        if chunk is None:
            steps.append(Step(False, "The stored chunks of the document do not hold it: they are made anew."))
        else:
            steps += _chunk_steps(row, chunk, elements)
    return Proof(row, document, chunk, elements, kept, tuple(steps), also_in)


def _version_step(workspace: Workspace, row: Row, document: Document) -> Step:
    if row.version != document.version:
        return Step(False, f"The document has a newer version, {document.version[:12]}…, that is not indexed yet.")
    if document.container:
        return _member_step(workspace, row, document)
    return _object_step(workspace, document)


def _object_step(workspace: Workspace, document: Document) -> Step:
    info = workspace.source_of(document).head(document.key)
    if info is None:
        return Step(False, f"{document.source_key} is not there any more.")
    if info.etag != document.etag:
        return Step(False, f"{document.source_key} has changed since it was read.")
    return Step(True, f"{document.source_key} still holds the bytes that were read (sha256 {document.version[:12]}…).")


def _member_step(workspace: Workspace, row: Row, document: Document) -> Step:
    """Whether the container still holds the bytes that were read, and the document was taken out of those."""
    container = workspace.ledger.document(container_id(document))
    if container is None:
        return Step(False, f"The ledger does not know {document.container}, which holds the document.")
    step = _object_step(workspace, container)
    if not step.holds:
        return step
    extracted = workspace.ledger.outcomes([container.document_id]).get(
        (container.document_id, Stage.EXTRACTED_ELEMENTS)
    )
    members = workspace.artifacts.extraction(container, extracted.fingerprint).members if extracted else ()
    if not any(each.path == document.key and each.sha256 == row.version for each in members):
        return Step(False, f"{document.container} does not hold {document.key} with these bytes any more.")
    return Step(True, f"{step.sentence} Its member {document.key} was taken out of them (sha256 {row.version[:12]}…).")


def _artifacts(
    workspace: Workspace, row: Row, document: Document, outcomes: dict[tuple[str, Stage], Outcome]
) -> tuple[Chunk | None, tuple[Element, ...]]:
    """The chunk and its elements as they were when the row was made."""
    read = document.model_copy(update={"version": row.version})
    stages = (Stage.EXTRACTED_ELEMENTS, Stage.ENRICHED_ELEMENTS, Stage.CHUNKS)
    found = [outcomes.get((document.document_id, stage)) for stage in stages]
    extracted, enriched, chunked = found
    if extracted is None or chunked is None:
        return None, ()
    chunks = workspace.artifacts.chunks(read, chunked.fingerprint)
    if enriched is not None and enriched.counts.get("enriched"):
        elements = workspace.artifacts.enriched(read, enriched.fingerprint).elements
    else:
        elements = workspace.artifacts.extraction(read, extracted.fingerprint).elements
    chunk = next((each for each in chunks[row.ordinal : row.ordinal + 1] if each.kind is row.kind), None)
    return chunk, tuple(element for element in elements if element.ordinal in row.elements)


def _chunk_steps(row: Row, chunk: Chunk, elements: tuple[Element, ...]) -> list[Step]:
    by_ordinal = {element.ordinal: element for element in elements}
    quoted = all(
        span.ordinal in by_ordinal and by_ordinal[span.ordinal].text[span.start : span.end].strip() in row.text
        for span in chunk.spans
    )
    return [
        Step(chunk.text == row.text, "The indexed text is the text of the stored chunk, letter for letter."),
        Step(quoted, f"Every word of it stands in {len(elements)} stored elements, at the places below."),
    ]
