"""Cuts a document into chunks: within sections, at most so many tokens of the model, tables whole where they fit.

Running headers, footers and page numbers stay out: they would be found instead of what stands between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docmill.chunk.pieces import Piece, Tokenizer, split_table, split_text, tail
from docmill.config import ChunkConfig
from docmill.models import BBox, Chunk, Element, ElementType, Extraction, Region, clock

_FURNITURE = {ElementType.HEADER, ElementType.FOOTER}
_SMALL = 0.25
"""A section that fills less than this share of a chunk is joined with the next one."""


_PAUSE = 2.0
"""Seconds of silence that begin a new paragraph of speech."""


def chunk_extraction(extraction: Extraction, tokenizer: Tokenizer, config: ChunkConfig) -> tuple[Chunk, ...]:
    """The document's chunks in reading order; the same extraction, tokenizer and settings give the same chunks."""
    budget = config.max_tokens - tokenizer.special_tokens
    paths = _section_paths(extraction.elements)
    groups = _group(extraction.elements, tokenizer, budget, min(config.overlap_tokens, budget // 2))
    special = tokenizer.special_tokens
    return tuple(_chunk(ordinal, group, overlap, paths, special) for ordinal, (group, overlap) in enumerate(groups))


def _section_paths(elements: Sequence[Element]) -> dict[int, tuple[str, ...]]:
    """The titles above each element, outermost first, by the element's ordinal."""
    by_ordinal = {element.ordinal: element for element in elements}
    paths: dict[int, tuple[str, ...]] = {}
    for element in elements:
        parent = by_ordinal.get(element.parent) if element.parent is not None else None
        above = (*paths.get(parent.ordinal, ()), parent.text) if parent is not None else ()
        paths[element.ordinal] = above
    return paths


def _group(
    elements: Sequence[Element], tokenizer: Tokenizer, budget: int, overlap: int
) -> Iterator[tuple[list[Piece], int]]:
    """Pieces that make a chunk, with how many of the leading ones an earlier chunk holds too."""
    group: list[Piece] = []
    repeated = 0
    for element in elements:
        if element.type in _FURNITURE or not element.text.strip():
            continue
        if element.type is ElementType.TITLE and _closes(group, repeated, budget):
            yield group, repeated
            group, repeated = [], 0
        for unit in _units(element, tokenizer, budget):
            cost = sum(piece.tokens for piece in unit)
            if len(group) > repeated and _cost(group) + cost > budget:
                yield group, repeated
                carried = [] if unit[0].repeats else tail(group, tokenizer, min(overlap, budget - cost))
                group, repeated = carried, len(carried)
            if not group and unit[0].repeats:
                repeated = 1
            group = [*group, *unit]
    if len(group) > repeated:
        yield group, repeated


def _units(element: Element, tokenizer: Tokenizer, budget: int) -> list[list[Piece]]:
    """What must stay together: a whole small element, a group of table rows with their head, a piece of a long text."""
    if element.type is ElementType.TABLE:
        return split_table(element, tokenizer, budget)
    return [[piece] for piece in split_text(element, tokenizer, budget)]


def _cost(group: Sequence[Piece]) -> int:
    return sum(piece.tokens for piece in group)


def _closes(group: Sequence[Piece], repeated: int, budget: int) -> bool:
    """Whether a new section begins a new chunk: not under a title that has no text yet, nor behind a small section."""
    fresh = group[repeated:]
    if not fresh or all(piece.element.type is ElementType.TITLE for piece in fresh):
        return False
    return _cost(group) >= budget * _SMALL


def _chunk(
    ordinal: int, group: Sequence[Piece], overlap: int, paths: dict[int, tuple[str, ...]], special_tokens: int
) -> Chunk:
    elements = list({piece.element.ordinal: piece.element for piece in group}.values())
    first = group[overlap].element
    return Chunk(
        ordinal=ordinal,
        text=_join(group),
        token_count=_cost(group) + special_tokens,
        spans=tuple(piece.span for piece in group),
        overlap=overlap,
        section=(*paths[first.ordinal], first.text) if first.type is ElementType.TITLE else paths[first.ordinal],
        pages=tuple(sorted({page for piece in group for page in _pages(piece)})),
        regions=tuple(_regions(group)),
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
