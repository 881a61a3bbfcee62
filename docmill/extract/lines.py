"""Groups recognised lines, which come in reading order, into titles, paragraphs and tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from docmill.extract.builder import Builder, Fields, table_of
from docmill.models import BBox, Cell, ElementType, Line, Table

TITLE_HEIGHT = 1.45
"""A paragraph whose lines are this many times higher than the page's usual line is a title."""
MAX_PITCH = 1.3
"""Line pitch, over that of the paragraph so far, up to which a line goes on with it."""
MIN_TABLE_ROWS = 3


def add_lines(lines: Sequence[Line], builder: Builder, fields: Fields) -> None:
    """Adds lines as titles, paragraphs and tables with box, mean confidence and the lines; `fields` say the rest."""
    if not lines:
        return
    usual = median(_height(line) for line in lines)
    for block in blocks(lines):
        table = table_from(block)
        if table is not None:
            builder.table(table, _fields(block, fields))
            continue
        for group in paragraphs(block):
            height = median(_height(line) for line in group)
            text = joined(group)
            if height >= TITLE_HEIGHT * usual and len(group) <= 3 and any(each.isalpha() for each in text):
                builder.title(text, 1 if height >= 2 * usual else 2, _fields(group, fields))
            else:
                builder.add(ElementType.TEXT, text, _fields(group, fields))


def _fields(group: Sequence[Line], fields: Fields) -> Fields:
    """The fields of an element made of the lines."""
    scores = [line.confidence for line in group if line.confidence is not None]
    confidence = round(fmean(scores), 4) if scores else None
    return {**fields, "bbox": _box(group), "confidence": confidence, "lines": tuple(group)}


def _box(group: Sequence[Line]) -> BBox:
    box = group[0].bbox
    for line in group[1:]:
        box = box.union(line.bbox)
    return box


def blocks(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines cut where rows of several pieces (which may be a table) begin and end."""
    found: list[list[Line]] = []
    was_table = False
    for row in rows_of(lines):
        is_table = len(row) > 1 or (was_table and _joins_table(found[-1], row[0]))
        if found and is_table == was_table:
            found[-1].extend(row)
        else:
            found.append(list(row))
        was_table = is_table
    return found


def _joins_table(block: Sequence[Line], line: Line) -> bool:
    """Whether a single piece below rows of several stands close and within one of their columns."""
    last = block[-1]
    columns = _columns(block)
    inside = sum(line.bbox.x0 < right and left < line.bbox.x1 for left, right in columns)
    return inside == 1 and len(columns) > 1 and line.bbox.y0 - last.bbox.y1 < 1.5 * _height(last)


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Neighbours in reading order that stand on one row, together."""
    rows: list[list[Line]] = []
    for line in lines:
        last = rows[-1][-1] if rows else None
        if last is not None and _same_row(last, line) and line.bbox.x0 > last.bbox.x0:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def table_from(block: Sequence[Line]) -> Table | None:
    """The table that rows of pieces in common columns make, None where there are too few of either."""
    rows = rows_of(block)
    several = [row for row in rows if len(row) > 1]
    columns = _columns(block)
    if len(rows) < MIN_TABLE_ROWS or len(several) * 2 <= len(rows) or len(columns) < 2:
        return None
    texts: dict[tuple[int, int], list[Line]] = {}
    for number, row in enumerate(rows):
        for line in row:
            column = next(at for at, (left, right) in enumerate(columns) if left <= line.bbox.x0 <= right)
            texts.setdefault((number, column), []).append(line)
    cells = [Cell(row=row, column=column, text=joined(found), bbox=_box(found))
             for (row, column), found in texts.items()]  # fmt: skip
    return table_of(cells)


def _columns(block: Sequence[Line]) -> list[tuple[float, float]]:
    """The spans of x that the pieces cover, apart by gaps."""
    spans: list[tuple[float, float]] = []
    for left, right in sorted((line.bbox.x0, line.bbox.x1) for line in block):
        if spans and left <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
        else:
            spans.append((left, right))
    return spans


def paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines grouped: a paragraph ends at a wider gap, another size, another column or a new row."""
    steps = [_middle(low) - _middle(high) for high, low in pairwise(lines) if _overlap(high, low)]
    steps = [step for step in steps if step > 0]
    usual = median(steps) if steps else 0.0
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _continues(groups[-1], line, usual):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _continues(group: list[Line], line: Line, usual: float) -> bool:
    """Whether a line goes on with the paragraph above it; `usual` is the pitch of the lines around."""
    last = group[-1]
    height, other = _height(last), _height(line)
    if _same_row(last, line):
        return 0 <= line.bbox.x0 - last.bbox.x1 + height / 2 < 2.5 * height and _similar(height, other)
    pitch = _middle(line) - _middle(last)
    near = 0 < pitch < MAX_PITCH * (_pitch(group) or usual) and line.bbox.y0 - last.bbox.y1 < 0.9 * max(height, other)
    return near and _overlap(last, line) and _similar(height, other)


def _pitch(group: list[Line]) -> float:
    """The distance between a paragraph's lines, 0 for a single row."""
    steps = [_middle(low) - _middle(high) for high, low in pairwise(group)]
    steps = [step for step in steps if step > _height(group[0]) / 2]
    return median(steps) if steps else 0.0


def _same_row(one: Line, other: Line) -> bool:
    """Whether two pieces stand side by side: the middle of each within the other, and no overlap in x."""
    apart = min(one.bbox.x1, other.bbox.x1) - max(one.bbox.x0, other.bbox.x0) < _height(one) / 2
    return apart and abs(_middle(one) - _middle(other)) < 0.5 * min(_height(one), _height(other))


def _overlap(one: Line, other: Line) -> bool:
    return one.bbox.x0 < other.bbox.x1 and other.bbox.x0 < one.bbox.x1


def _similar(one: float, other: float) -> bool:
    return max(one, other) <= 1.4 * min(one, other)


def _height(line: Line) -> float:
    return max(line.bbox.y1 - line.bbox.y0, 1.0)


def _middle(line: Line) -> float:
    return (line.bbox.y0 + line.bbox.y1) / 2


def joined(group: Sequence[Line]) -> str:
    """The lines as text: a word cut at a line's end by a hyphen before a small letter is joined again."""
    text = ""
    for line in group:
        if text.endswith("-") and len(text) > 1 and text[-2].isalpha() and line.text[:1].islower():
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text
