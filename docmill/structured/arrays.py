"""Fills arrays: of objects from tables, of plain values from lists beside a label or from values of one form."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from docmill.structured.context import Context
from docmill.structured.entries import asks_for_dated, asks_for_works
from docmill.structured.entries import entries as sectioned
from docmill.structured.fields import Candidate, Chosen, fill
from docmill.structured.front import authors
from docmill.structured.labels import Labels, Surroundings
from docmill.structured.plain_lists import plain_values
from docmill.structured.reading import Value, read, text_of
from docmill.structured.record import ArrayReport
from docmill.structured.schema import Node
from docmill.structured.statements import asks_for_periods
from docmill.structured.tables import Found, Item, tables
from docmill.structured.targets import Target, target, words_of
from docmill.structured.values import Style
from docmill.structured.words import Layout, Word
from docmill.structured.words import layout as laid_out

_BLOCK, _BLOCK_LABEL = 6, 0.7
"""Rows between two lines of one block at most, and how far its labels must be trusted."""
_BRACKETED = re.compile(r"^\[([\w\-./]+)\]$")


@dataclass
class Entry:
    """One item of an array: its leaves by the schema's path, and the arrays within it by theirs."""

    leaves: dict[str, Chosen]
    inner: dict[str, list[Entry]] = field(default_factory=dict)
    page: int = 1


def array(node: Node, context: Context) -> tuple[list[Entry], ArrayReport]:
    """The items of an array in document order, and whether they are all."""
    items = node.items
    if items is None or items.kind == "array":
        return [], ArrayReport(rows=0, items=0)
    if items.kind != "object":
        values = plain_values(items, context)
        entries = [Entry({items.path: each}, page=each.candidate.words[0].page) for each in values]
        return entries, ArrayReport(rows=len(entries), items=len(entries), pages=_span(entries))
    if asks_for_periods(items):
        return _given(context.statements.items(node))
    if asks_for_dated(items) or asks_for_works(items):
        told = sectioned(node, context.sections)
        if told:
            return _given(told)
    if set(words_of(node.name)) & {"authors", "author"} and (named := _people(items, context)):
        return _given(named)
    deep = next((each for each in items.arrays() if each.items is not None and each.items.kind == "object"), None)
    if deep is not None:
        return _nested(node, deep, context)
    targets = [target(leaf, context.hints, in_rows=True) for leaf in items.leaves()]
    found = _best(tables(context.layout, targets, context.style))
    if not found:
        return _given(_blocks([target(leaf, context.hints) for leaf in items.leaves()], context))
    entries = [entry for table in found for entry in _entries(table, targets, context.style)]
    return entries, _report(node, found, targets, entries, context)


def _given(items: Sequence[Mapping[str, Chosen]]) -> tuple[list[Entry], ArrayReport]:
    entries = [Entry(dict(each), page=_page(each)) for each in items if each]
    return entries, ArrayReport(rows=len(entries), items=len(entries), pages=_span(entries))


def _people(items: Node, context: Context) -> list[dict[str, Chosen]]:
    """The authors at the head of the document, for items that have a name."""
    leaf = next((each for each in items.leaves() if "name" in words_of(each.name)), None)
    if leaf is None:
        return []
    return [
        {leaf.path: Chosen(Candidate(name, words, trust, "below the title"), 0.0, trust)}
        for name, words, trust in authors(context.sections)
    ]


def _page(leaves: Mapping[str, Chosen]) -> int:
    return min((each.candidate.words[0].page for each in leaves.values()), default=1)


def _blocks(targets: Sequence[Target], context: Context) -> list[dict[str, Chosen]]:
    """Items that are written as blocks of labelled lines: a label that comes again begins the next one.

    A label must be closed by a colon, and an item needs two of them, so that a single label elsewhere makes none.
    """
    zones = [zone for zone in Labels(targets).zones(context.layout) if zone.closed and zone.meanings]
    around = Surroundings(context.layout, zones)
    found: list[dict[str, Chosen]] = []
    last = -_BLOCK
    for zone in zones:
        number, weight = max(zone.meanings.items(), key=lambda each: each[1])
        path = targets[number].node.path
        place = next(iter(around.places(zone)), None)
        values = read(targets[number], place.words, context.style) if place is not None else []
        if not values or weight < _BLOCK_LABEL:
            continue
        if not found or path in found[-1] or zone.segment.row - last > _BLOCK:
            found.append({})
        trust = min(0.95, weight) * values[0].fit
        found[-1][path] = Chosen(Candidate(values[0].value, values[0].words, trust, zone.text), 0.0, trust)
        last = zone.segment.row
    return [each for each in found if len(each) >= 2]


def _best(found: list[Found]) -> list[Found]:
    """The tables whose headers name the most of what is asked for."""
    most = max((table.head.matched for table in found), default=0)
    return [table for table in found if table.head.matched >= max(1, most - 1)]


def _entries(table: Found, targets: Sequence[Target], style: Style) -> list[Entry]:
    return [Entry(_leaves(item, table, targets, style), page=item.page) for item in table.items]


def _leaves(item: Item, table: Found, targets: Sequence[Target], style: Style) -> dict[str, Chosen]:
    leaves: dict[str, Chosen] = {}
    for column, number in enumerate(table.head.targets):
        words = item.cells.get(column, [])
        if number < 0 or not words:
            continue
        values = _cell(targets[number], words, style)
        if values:
            label = text_of(table.head.labels[column])
            score = min(0.97, 0.97 * values[0].fit)
            leaves[targets[number].node.path] = Chosen(
                Candidate(values[0].value, values[0].words, score, label), 0.0, score
            )
    _from_neighbours(leaves, item, table, targets)
    return leaves


def _cell(wanted: Target, words: list[Word], style: Style) -> list[Value]:
    """The value of a cell: numbers and dates by their reader, texts as they are."""
    if wanted.kind in ("money", "number", "integer", "percent", "date", "enum", "boolean", "currency"):
        values = read(wanted, words, style)
        return [Value(each.value, each.words, max(0.9, each.fit)) for each in values[:1]]
    text = text_of(words).strip()
    if wanted.kind == "any":
        whole = re.fullmatch(r"-?\d+", text)
        return [Value(int(text) if whole else text, tuple(words), 1.0)]
    if wanted.concept == "time":
        return [Value(words[0].text, tuple(words[:1]), 1.0)]
    return [Value(text, tuple(words), 1.0)] if re.search(r"\w", text) else []


def _from_neighbours(leaves: dict[str, Chosen], item: Item, table: Found, targets: Sequence[Target]) -> None:
    """Adds a unit that is printed behind the quantity, and a code that is printed in brackets before the text."""
    columns = {targets[number].concept: column for column, number in enumerate(table.head.targets) if number >= 0}
    open_ = {each.concept: each for each in targets if each.node.path not in leaves}
    if "uom" in open_ and "quantity" in columns:
        rest = [
            word for word in item.cells.get(columns["quantity"], []) if re.fullmatch(r"[A-Za-z²³.]{1,8}", word.text)
        ]
        if len(rest) == 1:
            leaves[open_["uom"].node.path] = Chosen(
                Candidate(rest[0].text, (rest[0],), 0.85, "beside the quantity"), 0, 0.85
            )
    if "code" in open_ and "description" in columns:
        words = item.cells.get(columns["description"], [])
        match = _BRACKETED.match(words[0].text) if len(words) > 1 else None
        if match is not None:
            leaves[open_["code"].node.path] = Chosen(Candidate(match[1], (words[0],), 0.85, "in brackets"), 0, 0.85)
            path = targets[table.head.targets[columns["description"]]].node.path
            if path in leaves:
                rest_words = tuple(words[1:])
                leaves[path] = Chosen(
                    Candidate(text_of(rest_words), rest_words, 0.95, leaves[path].candidate.label), 0, 0.95
                )


def _nested(node: Node, deep: Node, context: Context) -> tuple[list[Entry], ArrayReport]:
    """Items whose own arrays are tables: what stands above each table tells which item it belongs to."""
    chain = [node]
    while (items := chain[-1].items) is not None and chain[-1] is not deep:
        following = next(
            (each for each in items.arrays() if each.items is not None and each.items.kind == "object"), None
        )
        if following is None:
            break
        chain.append(following)
    leaf = chain[-1]
    assert leaf.items is not None
    targets = [target(each, context.hints, in_rows=True) for each in leaf.items.leaves()]
    found = _best(tables(context.layout, targets, context.style, joined=False))
    top: list[Entry] = []
    after = 0
    for table in found:
        level = top
        for outer, inner in itertools.pairwise(chain):
            level = _place(level, outer, range(after, table.head.rows[0]), context).inner.setdefault(inner.path, [])
        level += _entries(table, targets, context.style)
        after = max(row for item in table.items for row in item.rows) + 1
    rows = sum(len(table.items) for table in found)
    return top, ArrayReport(rows=rows, items=rows, complete=True, pages=_pages(found))


def _place(level: list[Entry], outer: Node, above_it: range, context: Context) -> Entry:
    """The entry that a table belongs to: the last one unless the rows above the table say something else."""
    assert outer.items is not None
    targets = [target(leaf, context.hints) for leaf in outer.items.leaves()]
    rows = context.layout.rows
    page = rows[above_it.stop].page
    earlier = [rows[number] for number in above_it if rows[number].page == page][-12:]
    above = laid_out(
        [word for row in earlier for word in row.words], context.layout.sizes, placed=context.layout.placed
    )
    chosen = fill(targets, above, context.style, context.strategy) if targets and above.rows else {}
    leaves = {targets[number].node.path: each for number, each in chosen.items()}
    said = {path: each.candidate.value for path, each in leaves.items()}
    if level and (not said or said == {path: each.candidate.value for path, each in level[-1].leaves.items()}):
        return level[-1]
    level.append(Entry(leaves, page=page))
    return level[-1]


def _report(
    node: Node, found: Sequence[Found], targets: Sequence[Target], entries: Sequence[Entry], context: Context
) -> ArrayReport:
    """Compares the items with what was counted in other ways: rows by their columns, keys by their shape."""
    seen = max(sum(table.seen for table in found), len(entries))
    key = context.keys.get(node.path, "") or _key(targets, entries)
    keys = _keys(node, key, found, targets, entries, context.layout) if key else None
    missing = () if keys is None else tuple(keys[1])
    return ArrayReport(
        rows=seen if not missing else max(seen, len(entries) + len(missing)),
        items=len(entries),
        keys_found=keys[0] if keys is not None else None,
        missing_keys=missing,
        complete=seen == len(entries) and not missing,
        pages=_pages(found),
    )


def _key(targets: Sequence[Target], entries: Sequence[Entry]) -> str:
    """The path below the item of a code that is there in every item and never twice."""
    for each in targets:
        if each.concept in ("code", "barcode", "line_number", "invoice_number") or each.kind == "id":
            values = [
                entry.leaves[each.node.path].candidate.value for entry in entries if each.node.path in entry.leaves
            ]
            if len(values) == len(entries) > 1 and len(set(map(str, values))) == len(values):
                return each.node.name
    return ""


def _keys(
    node: Node, key: str, found: Sequence[Found], targets: Sequence[Target], entries: Sequence[Entry], layout: Layout
) -> tuple[int, list[str]] | None:
    """How many different keys the document holds, by the shape of those found, and which have no item."""
    path = f"{node.path}.{key}"
    cells = [entry.leaves[path].candidate for entry in entries if path in entry.leaves]
    if not cells:
        return None
    shapes: dict[str, int] = {}
    for cell in cells:
        shapes[_shape(str(cell.value))] = shapes.get(_shape(str(cell.value)), 0) + 1
    usual = {shape for shape, count in shapes.items() if count >= 0.1 * len(cells) and any(c == "9" for c in shape)}
    have = {str(cell.value) for cell in cells}
    left = min(cell.words[0].x0 for cell in cells) - 3
    right = max(cell.words[-1].x1 for cell in cells) + 3
    missing = [
        word.text
        for row in layout.rows
        for word in row.words
        if left <= word.x0 and word.x1 <= right and _shape(word.text) in usual and word.text not in have
    ]
    distinct = list(dict.fromkeys(missing))
    pure = all(set(shape) <= set("9") for shape in usual)
    return len(have) + (0 if pure else len(distinct)), [] if pure else distinct


def _shape(text: str) -> str:
    """The text with every run of digits as 9 and every run of letters as A, so that keys of one kind look alike."""
    return re.sub(r"\d+", "9", re.sub(r"[A-Za-z]+", "A", text))


def _pages(found: Sequence[Found]) -> tuple[int, ...]:
    pages = [item.page for table in found for item in table.items]
    return (min(pages), max(pages)) if pages else ()


def _span(entries: Sequence[Entry]) -> tuple[int, ...]:
    pages = [entry.page for entry in entries]
    return (min(pages), max(pages)) if pages else ()
