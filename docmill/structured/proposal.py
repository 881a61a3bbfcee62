"""Proposes a schema from example documents: the labels that they share with values, and the tables that they hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from docmill.errors import UsageError
from docmill.structured.dates import dates
from docmill.structured.numbers import numbers, style_of
from docmill.structured.record import Json
from docmill.structured.schema import Node
from docmill.structured.tables import Found, tables
from docmill.structured.targets import Target
from docmill.structured.values import Style, plain
from docmill.structured.vocabulary import concepts
from docmill.structured.words import Layout, Row, Segment

_SHARE = 0.5
"""A label is proposed that stands in at least this share of the documents."""
_LONGEST, _LONGEST_VALUE = 5, 14
"""Words of a label and of a value at most; what is longer is running text."""
_NO_LABELS = {"page", "seite", "pagina", "note", "notes", "please note", "nb", "ps", "attention", "http", "https"}
_ENDINGS = ("number", "nummer", "numero", " no", " nr", " id", "code", "reference", "ref")
_TEXTS = {"id", "code", "vat", "iban", "bic", "phone"}
"""Kinds of concepts that are written with digits, but are no numbers."""


def propose(layouts: Sequence[Layout]) -> Json:
    """A JSON Schema of an object; raises UsageError where nothing with a label is found."""
    labels: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    shown: dict[str, str] = {}
    columns: dict[str, Counter[str]] = {}
    for layout in layouts:
        style = style_of(layout.text)
        seen: dict[str, tuple[str, str]] = {}
        for label, value in _pairs(layout):
            seen.setdefault(_name(label), (label, value))
        for name, (label, value) in seen.items():
            labels[name] += 1
            shown.setdefault(name, label)
            kinds.setdefault(name, Counter())[_kind_of(label, value, style)] += 1
        for name, kind in _columns(layout, style):
            columns.setdefault(name, Counter())[kind] += 1
    needed = max(1, round(_SHARE * len(layouts)))
    properties: Json = {
        name: _property(kinds[name].most_common(1)[0][0], shown[name])
        for name, count in labels.items()
        if count >= needed and name not in columns
    }
    if columns:
        items = {name: _property(each.most_common(1)[0][0], "") for name, each in columns.items()}
        row: Json = {"type": "object", "properties": items}
        properties["rows"] = {"type": "array", "items": row}
    if not properties:
        raise UsageError("The documents hold no labels with values and no tables.", hint="Write the schema by hand.")
    return {"type": "object", "properties": properties}


def _property(kind: str, label: str) -> JsonValue:
    base: Json = {"type": "string", "format": "date"} if kind == "date" else {"type": kind}
    return {**base, "title": label} if label else base


def _pairs(layout: Layout) -> Iterator[tuple[str, str]]:
    """(label, value): what stands before a colon, and after it or to its right."""
    known = {plain(label) for concept in concepts().values() for label in concept.labels}
    for row in layout.rows:
        for number, segment in enumerate(row.segments):
            label, _, rest = segment.text.partition(":")
            following = row.segments[number + 1].text if number + 1 < len(row.segments) else ""
            is_label = ":" in segment.text or plain(segment.text) in known
            value = rest.strip() or following
            if is_label and _is_value(value, known) and _is_label(label):
                yield label.strip(), value


def _is_label(text: str) -> bool:
    words = text.split()
    plain_words = 1 <= len(words) <= _LONGEST and not any(char.isdigit() for char in text) and text[:1].isalpha()
    return plain_words and plain(text) not in _NO_LABELS


def _is_value(text: str, known: set[str]) -> bool:
    """Whether the text is a value: no link's rest, no other label, no running text."""
    words = text.split()
    small = sum(word[:1].islower() for word in words)
    prose = len(words) > _LONGEST_VALUE or (len(words) > 6 and small > 0.5 * len(words))
    return (
        bool(text) and not text.endswith(":") and not text.startswith("//") and plain(text) not in known and not prose
    )


def _name(label: str) -> str:
    return re.sub(r"\W+", "_", plain(label)).strip("_")


def _kind_of(label: str, value: str, style: Style) -> str:
    """The kind of a labelled value; numbers that only name something are texts."""
    found = _kind(value, style)
    named = any(plain(label) in map(plain, concept.labels) for concept in concepts().values() if concept.kind in _TEXTS)
    return "string" if found == "number" and (named or plain(label).endswith(_ENDINGS)) else found


def _kind(value: str, style: Style) -> str:
    if dates(value, style) and len(value) < 30:
        return "date"
    found = numbers(value, style)
    if len(found) == 1 and found[0].start <= 4 and found[0].end >= len(value) - 4:
        around = value[: found[0].start] + value[found[0].end :]
        return "string" if any(char.isdigit() for char in around) else "number"
    return "string"


def _columns(layout: Layout, style: Style) -> Iterator[tuple[str, str]]:
    """(name, kind) of the columns of the table with the most rows."""
    best: Found | None = None
    names: list[str] = []
    for row in layout.rows:
        headers = _headers(row)
        if len(headers) < 3:
            continue
        targets = [_target(each.text) for each in headers]
        found = max(tables(layout, targets, style), key=lambda each: len(each.items), default=None)
        if found is not None and (best is None or len(found.items) > len(best.items)):
            best, names = found, [each.text for each in headers]
        if best is not None and len(best.items) > 20:
            break
    if best is None or len(best.items) < 2:
        return
    for column, number in enumerate(best.head.targets):
        if number >= 0:
            cells = [" ".join(word.text for word in item.cells.get(column, [])) for item in best.items]
            kinds = Counter(_kind(cell, style) for cell in cells if cell)
            yield _name(names[number]), kinds.most_common(1)[0][0] if kinds else "string"


def _headers(row: Row) -> list[Segment]:
    """The row's segments if all are short words without digits, as headers are."""
    return list(row.segments) if all(_is_label(each.text) and ":" not in each.text for each in row.segments) else []


def _target(label: str) -> Target:
    return Target(Node("string", label, label), "text", "", {plain(label): 1.0})
