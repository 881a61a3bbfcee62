"""`docmill search`, `docmill page` and `docmill explain`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from rich.markup import escape

from docmill.cli.output import console, notes, open_workspace, print_json, short, table
from docmill.cli.retrieval import condition
from docmill.errors import UsageError
from docmill.explain import Proof, explain
from docmill.index import Row
from docmill.models import BBox, Element, Hit, Outcome, clock
from docmill.retrieve import SearchMode, SearchOptions, live_space, search, search_documents
from docmill.retrieve.context import Around, around

_SHOWN = 400
_FIELDS = "Every field but the fixed ones is of the documents' metadata: `--json` shows it."
_WORD = re.compile(r"\w+")


def search_options(more: str, filters: Sequence[str], access: Sequence[str]) -> SearchOptions:
    """The options of a command line; raises UsageError that names the wrong one."""
    try:
        given = SearchOptions.model_validate_json(more)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"--options: {'.'.join(map(str, first['loc']))} {first['msg']}.", hint="docs/retrieval.md lists them."
        ) from None
    return given.model_copy(update={"condition": condition(filters), "access": frozenset(access)})


@dataclass(frozen=True)
class Asked:
    """What a search is asked for; "" is the settings' collection."""

    question: str
    collection: str
    top_k: int
    mode: SearchMode
    options: SearchOptions
    by_document: bool = False
    around: Around = Around.NONE


def search_and_print(asked: Asked, *, as_json: bool) -> None:
    """Print the hits, best first, with what is wanted of the text around them."""
    question, top_k, options = asked.question, asked.top_k, asked.options
    with open_workspace() as workspace:
        collection = asked.collection or workspace.settings.collection
        if asked.by_document:
            hits = search_documents(workspace, question, collection=collection, top_k=top_k, options=options)
        else:
            hits = search(workspace, question, collection=collection, top_k=top_k, mode=asked.mode, options=options)
        contexts = [around(workspace, each, asked.around, options.access) for each in hits]
        empty = not hits and live_space(workspace, collection) is None
    if as_json:
        records = [
            each.model_dump(mode="json") | ({"context": _context_records(rows)} if asked.around.value != "none" else {})
            for each, rows in zip(hits, contexts, strict=True)
        ]
        print_json({"question": question, "collection": collection, "hits": records})
        return
    if not hits and not empty:
        notes.print(f"No hits: nothing in {collection!r} passes these access tags and filters. {_FIELDS}", markup=False)
    elif not hits:
        notes.print(f"No hits: the collection {collection!r} is empty or does not exist. See `docmill status`.")
    elif hits[0].note:
        notes.print(f"Note: {hits[0].note}", markup=False)
    for number, (hit, rows) in enumerate(zip(hits, contexts, strict=True), start=1):
        _print_hit(number, hit, "\n".join(row.text for row in rows) or snippet(hit.text, question))


def _context_records(rows: Sequence[Row]) -> list[dict[str, object]]:
    names = ("chunk_id", "ordinal", "text")
    return [{name: getattr(row, name) for name in names} | {"pages": list(row.pages)} for row in rows]


@dataclass(frozen=True)
class PageWish:
    """Which page of a hit is wanted (0: its first), at which resolution, by whom, and the file that it goes to."""

    output: Path
    page: int
    dpi: int
    access: Sequence[str]


def page_and_write(chunk_id: str, collection: str, wish: PageWish, *, as_json: bool) -> None:
    """Write the page of a hit with its boxes marked as a PNG, and say so."""
    from docmill.retrieve.page import page_of_hit

    with open_workspace() as workspace:
        name = collection or workspace.settings.collection
        drawn = page_of_hit(workspace, name, chunk_id, frozenset(wish.access), page=wish.page, dpi=wish.dpi)
    try:
        wish.output.write_bytes(drawn.png())
    except OSError as error:
        raise UsageError(f"{wish.output} cannot be written: {error.strerror}.") from None
    if as_json:
        print_json({"chunk_id": chunk_id, "page": drawn.number, "file": str(wish.output)})
    else:
        console.print(f"Page {drawn.number} is in {wish.output}.", markup=False)


def place_of(hit: Hit) -> str:
    """Where a hit stands: its pages with the box of its first piece, or sheet and cells."""
    parts = [f"page {', '.join(map(str, hit.pages))}"] if hit.pages else []
    if hit.place:
        parts.append(hit.place)
    if hit.regions:
        parts.append(f"box {box_text(hit.regions[0].bbox)}")
    return ", ".join(parts)


def box_text(box: BBox) -> str:
    """A box in points, for people."""
    return f"({box.x0:.0f}, {box.y0:.0f}, {box.x1:.0f}, {box.y1:.0f})"


def snippet(text: str, question: str, length: int = _SHOWN) -> str:
    """The lines of a text that hold most of the question's words, about `length` characters; the rest as " …"."""
    lines = text.splitlines()
    if len(text) <= length or not lines:
        return text
    words = {word for word in _WORD.findall(question.lower()) if len(word) > 2}
    found = [len(words & set(_WORD.findall(line.lower()))) for line in lines]
    first = last = max(range(len(lines)), key=lambda index: (found[index], -index))
    while sum(map(len, lines[first : last + 1])) < length and (first > 0 or last < len(lines) - 1):
        before = found[first - 1] if first > 0 else -1
        behind = found[last + 1] if last < len(lines) - 1 else -1
        first, last = (first - 1, last) if before > behind else (first, last + 1)
    return ("… " if first else "") + "\n".join(lines[first : last + 1]) + (" …" if last < len(lines) - 1 else "")


def _print_hit(number: int, hit: Hit, text: str) -> None:
    place = place_of(hit)
    ranks = f"meaning #{hit.dense_rank or '-'}, words #{hit.sparse_rank or '-'}"
    console.print(f"[bold]{number}. {escape(short(hit.source_key))}[/bold]{', ' if place else ''}{escape(place)}")
    section = f"{' › '.join(hit.section)} · " if hit.section else ""
    console.print(f"   [dim]{escape(section)}score {hit.score:.4f} ({ranks}) · id {hit.chunk_id}[/dim]")
    if hit.also_in:
        console.print(f"   {_elsewhere(hit.also_in)}", markup=False)
    for line in text.splitlines():
        console.print(f"   {line}", markup=False)


def _elsewhere(also_in: Sequence[str]) -> str:
    """Where the same stands, too: one document, or how many."""
    more = f" and {len(also_in) - 1} more documents" if len(also_in) > 1 else ""
    return f"Nearly the same stands in {short(also_in[0])}{more}."


def explain_and_print(chunk_id: str, collection: str, access: Sequence[str], *, as_json: bool) -> bool:
    """Print the proof of a hit; whether it holds."""
    with open_workspace() as workspace:
        proof = explain(workspace, collection or workspace.settings.collection, chunk_id, frozenset(access))
    if as_json:
        print_json(_record(proof))
        return proof.proven
    row = proof.row
    console.print(f"[bold]Hit[/bold]       {row.chunk_id}, chunk {row.ordinal} of {escape(short(row.source_key))}")
    console.print(f"[bold]Document[/bold]  {row.document_id}, version sha256:{row.version}")
    for step in proof.steps:
        console.print(
            f"[green]✓[/green] {escape(step.sentence)}" if step.holds else f"[red]✗[/red] {escape(step.sentence)}"
        )
    if proof.also_in:
        console.print(_elsewhere(proof.also_in), markup=False)
    elements = [
        [
            element.ordinal,
            element.type.value,
            element.page or element.sheet or "",
            box_text(element.bbox) if element.bbox else element.cells or _time_of(element),
            element.method,
            element.text[:80].replace("\n", " "),
        ]
        for element in proof.elements
    ]
    table("Elements", ["#no", "type", "page", "place", "method", "text"], elements)
    table("Stages", ["stage", "settings", "run", "when"], [_stage(each) for each in proof.outcomes])
    return proof.proven


def _time_of(element: Element) -> str:
    """When it is heard or seen, "" for an element without time."""
    if element.start is None:
        return ""
    return f"{clock(element.start)}-{clock(element.end)}" if element.end is not None else clock(element.start)


def _stage(outcome: Outcome) -> list[str]:
    when = datetime.fromtimestamp(outcome.updated_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return [outcome.stage.value, outcome.fingerprint, outcome.run_id, when]


def _record(proof: Proof) -> dict[str, object]:
    row = proof.row
    return {
        "chunk_id": row.chunk_id,
        "document_id": row.document_id,
        "version": row.version,
        "source": row.source_key,
        "text": row.text,
        "section": list(row.section),
        "proven": proof.proven,
        "also_in": list(proof.also_in),
        "steps": [{"holds": step.holds, "sentence": step.sentence} for step in proof.steps],
        "elements": [element.model_dump(mode="json", exclude_defaults=True) for element in proof.elements],
        "stages": [outcome.model_dump(mode="json") for outcome in proof.outcomes],
    }
