"""Cuts a document into chunks: within sections, at most so many tokens of the model, tables whole where they fit.

Running headers, footers, page numbers and what repeats from page to page stay out: they would be found instead of what
stands between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docmill.chunk.context import chunk_context, document_label, table_labels
from docmill.chunk.grouping import Boundary, Group, Grouper, budgets
from docmill.chunk.pieces import Piece, Tokenizer
from docmill.chunk.subjects import Embed, new_subjects
from docmill.config import ChunkConfig, Strategy
from docmill.models import BBox, Chunk, Element, ElementType, Extraction, Region, clock

_PAUSE = 2.0
"""Seconds of silence that begin a new paragraph of speech."""
_OF_TABLES = {ElementType.TABLE, ElementType.TITLE, ElementType.CAPTION, ElementType.FOOTNOTE}


def chunk_extraction(
    extraction: Extraction, tokenizer: Tokenizer, config: ChunkConfig, name: str = "", embed: Embed | None = None
) -> tuple[Chunk, ...]:
    """The document's chunks in reading order; the same extraction, tokenizer, settings and name give the same chunks.

    `name` is the file's, for the chunks' context. `embed` is needed by the semantic strategy alone.
    """
    elements = extraction.elements
    limits = budgets(config, tokenizer)
    subjects: frozenset[Boundary] = frozenset()
    if config.strategy is Strategy.SEMANTIC and embed is not None:
        subjects = new_subjects(elements, tokenizer, embed, limits.body, config.semantic_percentile)
    paths = _section_paths(elements)
    label = document_label(extraction, name) if config.context else ""
    grouper = Grouper(tokenizer, config, subjects)
    chunks = []
    for ordinal, group in enumerate(grouper.groups(elements)):
        chunk = _chunk(ordinal, group, paths)
        context = chunk_context(label, chunk.section, tokenizer, limits.context) if config.context else ""
        labels = table_labels(chunk.text) if config.tables_apart and _is_table(chunk) else ""
        chunk = chunk.model_copy(update={"context": context, "labels": "" if labels == chunk.text else labels})
        count = len(tokenizer.tokenize(chunk.embedded).offsets) + tokenizer.special_tokens
        chunks.append(chunk.model_copy(update={"token_count": count}))
    return tuple(_with_parents(chunks, tokenizer, config.parent_tokens))


def _is_table(chunk: Chunk) -> bool:
    """Whether the chunk is a table with its titles and notes."""
    return ElementType.TABLE in chunk.types and set(chunk.types) <= _OF_TABLES


def _with_parents(chunks: Sequence[Chunk], tokenizer: Tokenizer, size: int) -> Iterator[Chunk]:
    """The chunks with their passages: neighbours of one outermost section, of `size` tokens together at most."""
    parent, used, section = 0, 0, ""
    for chunk in chunks:
        tokens = len(tokenizer.tokenize(chunk.text).offsets)
        top = chunk.section[0] if chunk.section else ""
        if used + tokens > size or top != section:
            parent, used, section = chunk.ordinal, 0, top
        used += tokens
        yield chunk.model_copy(update={"parent": parent})


def _section_paths(elements: Sequence[Element]) -> dict[int, tuple[str, ...]]:
    """The titles above each element, outermost first, by the element's ordinal."""
    by_ordinal = {element.ordinal: element for element in elements}
    paths: dict[int, tuple[str, ...]] = {}
    for element in elements:
        parent = by_ordinal.get(element.parent) if element.parent is not None else None
        above = (*paths.get(parent.ordinal, ()), parent.text) if parent is not None else ()
        paths[element.ordinal] = above
    return paths


def _chunk(ordinal: int, group: Group, paths: dict[int, tuple[str, ...]]) -> Chunk:
    """The chunk without its context."""
    elements = list({piece.element.ordinal: piece.element for piece in group.pieces}.values())
    first = group.pieces[group.repeated].element
    return Chunk(
        ordinal=ordinal,
        text=_join(group.pieces),
        token_count=0,
        spans=tuple(piece.span for piece in group.pieces),
        overlap=group.repeated,
        section=(*paths[first.ordinal], first.text) if first.type is ElementType.TITLE else paths[first.ordinal],
        pages=tuple(sorted({page for piece in group.pieces for page in _pages(piece)})),
        regions=tuple(_regions(group.pieces)),
        types=tuple(sorted({each.type for each in elements})),
        place=_place(elements),
        seconds=_seconds(elements),
    )


def _join(group: Sequence[Piece]) -> str:
    """The pieces' texts; different elements stand on lines of their own."""
    parts: list[str] = []
    for before, piece in zip([None, *group], group, strict=False):
        if before is not None and (before.element is not piece.element or before.end != piece.start):
            parts.append("" if parts[-1].endswith("\n") else _between(before, piece))
        parts.append(piece.text)
    return "".join(parts).strip()


def _between(before: Piece, piece: Piece) -> str:
    """What stands between two elements: of speech that goes on without a pause a space, else a new line."""
    end, start = before.element.end, piece.element.start
    speech = {before.element.type, piece.element.type} == {ElementType.AUDIO_SEGMENT}
    return " " if speech and end is not None and start is not None and start - end < _PAUSE else "\n"


def _regions(group: Sequence[Piece]) -> Iterator[Region]:
    """The places of the group's elements, each once; of a table over pages those whose rows are in the group."""
    pages: dict[int, set[int]] = {}
    for piece in group:
        pages.setdefault(piece.element.ordinal, set()).update(_pages(piece))
    for ordinal, element in {piece.element.ordinal: piece.element for piece in group}.items():
        if element.page is not None and element.bbox is not None and element.page in pages[ordinal]:
            yield Region(page=element.page, bbox=_rounded(element.bbox), page_size=element.page_size)
        for place in element.continued:
            if place.page in pages[ordinal]:
                yield Region(page=place.page, bbox=_rounded(place.bbox), page_size=place.page_size)


def _pages(piece: Piece) -> set[int]:
    """The pages that the piece stands on; of a table that goes on over pages those of the piece's rows."""
    element = piece.element
    if element.page is None:
        return set()
    if not element.continued or element.table is None:
        return {element.page}
    shown = element.table.shown_rows()
    first = element.text.count("\n", 0, piece.start)
    rows = set(shown[first : first + piece.text.rstrip("\n").count("\n") + 1])
    return {cell.page or element.page for cell in element.table.cells if cell.row in rows}


def _rounded(box: BBox) -> BBox:
    """The box to a hundredth of a point."""
    return BBox(x0=round(box.x0, 2), y0=round(box.y0, 2), x1=round(box.x1, 2), y1=round(box.y1, 2))


def _place(elements: Sequence[Element]) -> str:
    """Where the chunk stands, for people, in documents without pages: sheets with their cells, or seconds of sound."""
    sheets = [f"{each.sheet}!{each.cells}" if each.cells else each.sheet for each in elements if each.sheet]
    if sheets:
        return ", ".join(dict.fromkeys(sheets))
    seconds = _seconds(elements)
    return f"{clock(seconds[0])}-{clock(seconds[1])}" if seconds else ""


def _seconds(elements: Sequence[Element]) -> tuple[float, float] | None:
    """The first and last second of the chunk's sound or video, None where it has none."""
    starts = [each.start for each in elements if each.start is not None]
    ends = [each.end for each in elements if each.end is not None]
    return (min(starts), max([*ends, *starts])) if starts else None
