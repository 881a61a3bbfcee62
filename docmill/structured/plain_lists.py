"""Fills arrays of plain values: from lists beside or below a label, or from values of one form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from docmill.structured.context import Context
from docmill.structured.entries import plain_items
from docmill.structured.fields import Candidate, Chosen
from docmill.structured.formats import FINDERS
from docmill.structured.labels import Labels, Surroundings, Zone
from docmill.structured.prose import Prose
from docmill.structured.reading import in_prose, read
from docmill.structured.schema import Node
from docmill.structured.targets import HINTED, Target, target
from docmill.structured.values import Style, plain
from docmill.structured.words import Layout, Segment, Word


def plain_values(items: Node, context: Context) -> Iterator[Chosen]:
    """The values of an array of scalars, each once."""
    wanted = target(items, context.hints)
    seen: set[str] = set()
    candidates = list(_candidates(wanted, context))
    if not candidates and wanted.kind == "text" and not items.enum:
        candidates = [each.candidate for each in plain_items(items, context.sections)]
    for candidate in candidates:
        if context.runs and str(candidate.value)[:1].islower():
            continue  # a sentence that goes on
        key = plain(str(candidate.value))
        if key and key not in seen:
            seen.add(key)
            yield Chosen(candidate, 0.0, min(0.95, candidate.score))


def _candidates(wanted: Target, context: Context) -> Iterator[Candidate]:
    if wanted.kind == "party":
        for name, words, score in Prose(context.layout).parties():
            yield Candidate(name, words, score)
        return
    if wanted.kind in FINDERS:
        for row in context.layout.rows:
            for segment in row.segments:
                for each in read(wanted, segment.words, context.style):
                    yield Candidate(each.value, each.words, 0.8 * each.fit)
        return
    labels = Labels([wanted])
    zones = list(labels.zones(context.layout))
    around = Surroundings(context.layout, zones)
    for zone in zones:
        if zone.meanings.get(0, 0) < 0.85 and zone.meanings.get(0, 0) < HINTED - 1:
            continue
        if zone.rest and zone.closed:
            yield from _listed(wanted, zone.rest, zone.text, context.style)
        elif not zone.rest and not context.runs and _stands_over(context.layout, zone.segment):
            yield from _list_below(wanted, zone, around, context)


def _stands_over(layout: Layout, label: Segment) -> bool:
    """Whether what is below a label can be its list: it begins its row, or heads a column of a table."""
    row = layout.rows[label.row]
    if label is row.segments[0]:
        return True
    below = layout.rows[label.row + 1] if label.row + 1 < len(layout.rows) else row
    is_table = below is not row and below.page == row.page and len(below.segments) == len(row.segments)
    return is_table and any(abs(each.x0 - label.x0) < 4 for each in below.segments)


def _list_below(wanted: Target, zone: Zone, around: Surroundings, context: Context) -> Iterator[Candidate]:
    """The lines below a label as a list; none where one of them is running text, which is no list."""
    lines: list[list[Word]] = []
    for line in _below(context.layout, zone.segment.row, zone.segment.x0):
        if any(around.is_label(each) for each in line):
            break
        lines.append([word for each in line for word in each.words])
    if any(in_prose(line) for line in lines):
        return
    for words in lines:
        yield from _listed(wanted, words, zone.text, context.style)


def _below(layout: Layout, start: int, left: float) -> Iterator[list[Segment]]:
    """The segments of the lines below, left edges agreeing, until a gap."""
    last = layout.rows[start]
    for row in layout.rows[start + 1 : start + 60]:
        if row.page != last.page or row.y0 - last.y1 > 0.9 * last.height:
            return
        chosen = [each for each in row.segments if -4 <= each.x0 - left < 60]
        if not chosen:
            continue
        yield chosen
        last = row


def _listed(wanted: Target, words: Sequence[Word], label: str, style: Style) -> Iterator[Candidate]:
    """The parts of a list that is written in one line: apart by commas, semicolons or bullets."""
    part: list[Word] = []
    for word in [*words, None]:
        if word is not None and not re.fullmatch(r"[•·|;,▪*–-]", word.text):
            part.append(word)
        open_ = sum(each.text.count("(") - each.text.count(")") for each in part) > 0
        ends = word is None or (word.text.endswith((",", ";")) and not open_)
        if (ends or re.fullmatch(r"[•·|;,▪*–-]", word.text if word else "")) and part:
            for each in read(wanted, part, style)[:1]:
                yield Candidate(each.value, each.words, 0.8 * each.fit, label)
            part = []
