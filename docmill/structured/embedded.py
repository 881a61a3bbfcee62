"""The engine without a model: labels and values by geometry, tables by their headers, agreements by their wording."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from docmill.models import BBox, Scalar
from docmill.structured.arrays import Entry, array
from docmill.structured.context import Context
from docmill.structured.fields import Chosen, Strategy, fill
from docmill.structured.hints import Hints, read_hints
from docmill.structured.numbers import style_of
from docmill.structured.parts import WHOLE_PAGES, Parts
from docmill.structured.reading import text_of
from docmill.structured.record import ArrayReport, Citation, FieldResult, Json, Reasoning, Record, Warned, join
from docmill.structured.schema import Node, empty
from docmill.structured.targets import target
from docmill.structured.validation import validated
from docmill.structured.values import plain
from docmill.structured.words import Layout, Word

VERSION = "3"
_STEP = 100
"""Items that are shown at a time while an array grows."""

STRATEGIES = (
    Strategy(),
    Strategy("labels", prose=False, forms=False),
    Strategy("forms first", below=0.92, threshold=0.55),
    Strategy("strict", threshold=0.7),
    Strategy("loose", threshold=0.5, below=1.03),
)
"""What a consensus compares, in this order; a single pass uses the first."""


@dataclass(frozen=True)
class Task:
    """What is asked of a document.

    `instructions` are texts; `keys` name the property that tells an array's items apart. `seed` is the number of the
    pass among several. `pictures` are data URLs of the pages, for engines that look at them; `parts` is how long
    documents are cut, for engines that cannot read them at once.
    """

    schema: Json
    node: Node
    instructions: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    pictures: tuple[str, ...] = ()
    parts: Parts = WHOLE_PAGES


@dataclass(frozen=True)
class Partial:
    """The record so far: values that are there stay, arrays only grow. `record` is there once it is finished."""

    value: Json
    record: Record | None = None


class EmbeddedEngine:
    """Needs no model and no server; the same document, schema and options give the same record."""

    name = "embedded"
    wants_pictures = False

    @property
    def fingerprint(self) -> str:
        """What the records depend on."""
        return f"embedded-{VERSION}"

    def extract(self, layout: Layout, task: Task) -> Iterator[Partial]:
        """The record as it grows; the last partial holds it whole."""
        hints = read_hints(task.instructions, _names(task.node))
        read = layout if not hints.pages else layout.only(hints.on(layout.pages))
        yield from _Pass(read, task, hints, STRATEGIES[task.seed % len(STRATEGIES)]).run()


def _names(node: Node) -> list[str]:
    """The names and titles of all properties."""
    found = [each for each in (node.name, node.title, node.path) if each]
    for child in node.properties.values():
        found += _names(child)
    return found + (_names(node.items) if node.items is not None else [])


class _Pass:
    def __init__(self, layout: Layout, task: Task, hints: Hints, strategy: Strategy) -> None:
        self._layout = layout
        self._task = task
        self._hints = hints
        self._strategy = strategy
        self._style = style_of(layout.text, order=hints.order, decimal=hints.decimal)
        self._value: Json = {}
        self._fields: dict[str, FieldResult] = {}
        self._arrays: dict[str, ArrayReport] = {}

    def run(self) -> Iterator[Partial]:
        """The leaves of the document first, then the arrays."""
        value = empty(self._task.node)
        assert isinstance(value, dict)
        self._value = value
        leaves = list(self._task.node.leaves())
        targets = [target(leaf, self._hints.labels) for leaf in leaves]
        chosen = fill(targets, self._layout, self._style, self._strategy) if self._layout.rows else {}
        for number, leaf in enumerate(leaves):
            self._set(leaf.path, leaf, chosen.get(number))
        yield Partial(_copy(self._value))
        context = Context(self._layout, self._style, self._strategy, self._hints.labels, self._task.keys)
        for node in self._task.node.arrays():
            yield from self._fill(node, context)
        yield Partial(self._value, self._finished())

    def _fill(self, node: Node, context: Context) -> Iterator[Partial]:
        entries, report = array(node, context)
        self._arrays[node.path] = report
        place = _container(self._value, node.path)
        items: list[JsonValue] = []
        place[node.path.rpartition(".")[2]] = items
        assert node.items is not None or not entries
        for number, entry in enumerate(entries):
            assert node.items is not None
            items.append(self._item(entry, node.items, join(node.path, number)))
            if number % _STEP == _STEP - 1:
                yield Partial(_copy(self._value))

    def _item(self, entry: Entry, node: Node, path: str) -> JsonValue:
        """The value of an item, whose leaves are recorded under its own path."""
        if node.kind not in ("object", "array"):
            self._record(path, node, entry.leaves.get(node.path))
            return self._fields[path].value
        if node.kind == "object":
            return {name: self._item(entry, child, join(path, name)) for name, child in node.properties.items()}
        found = entry.inner.get(node.path, [])
        if node.items is None:
            return []
        return [self._item(each, node.items, join(path, number)) for number, each in enumerate(found)]

    def _set(self, path: str, leaf: Node, chosen: Chosen | None) -> None:
        self._record(path, leaf, chosen)
        _container(self._value, path)[path.rpartition(".")[2]] = self._fields[path].value

    def _record(self, path: str, leaf: Node, chosen: Chosen | None) -> None:
        """The leaf's result: only a value that its own words prove is kept."""
        if chosen is None or not chosen.candidate.words:
            self._fields[path] = FieldResult()
            return
        cited = citation(chosen.candidate.words, self._layout, chosen.candidate.label)
        verbatim = _said(chosen.candidate.value, cited.text)
        reasoning = Reasoning.VERBATIM if verbatim else Reasoning.DERIVED
        value = _as_kind(chosen.candidate.value, leaf)
        error = None if value is not None else f"{cited.text!r} is no {leaf.kind}"
        self._fields[path] = FieldResult(
            value=value,
            citation=cited,
            confidence=min(1.0, max(0.0, chosen.confidence)) if value is not None else 0.0,
            reasoning=reasoning if value is not None else None,
            error=error,
        )

    def _finished(self) -> Record:
        warnings = [Warned(code="instruction_not_applied", text=text) for text in self._hints.not_applied]
        if self._layout.unread:
            warnings.append(Warned(code="no_text_layer", text="pages without text", pages=self._layout.unread))
        return validated(
            Record(value=self._value, fields=self._fields, engine=EmbeddedEngine.name),
            self._task.schema,
            self._task.node,
            self._arrays,
            warnings,
        )


def _container(value: Json, path: str) -> Json:
    """The object that holds the last part of a dotted path."""
    for part in path.split(".")[:-1]:
        inner = value[part]
        assert isinstance(inner, dict)
        value = inner
    return value


def _copy(value: Json) -> Json:
    """The value with its containers copied, so that it does not grow under the reader."""

    def copied(each: JsonValue) -> JsonValue:
        if isinstance(each, dict):
            return {key: copied(item) for key, item in each.items()}
        return [copied(item) for item in each] if isinstance(each, list) else each

    return {key: copied(item) for key, item in value.items()}


def citation(words: Sequence[Word], layout: Layout, label: str = "") -> Citation:
    """Where the words stand; the box is around those on the first of their pages."""
    first = words[0]
    text = text_of(words)
    if not layout.placed:
        return Citation(text=text, page=first.page, element=first.element, label=label)
    same = [word for word in words if word.page == first.page]
    lines = [[first]]
    for before, word in itertools.pairwise(same):
        if word.x0 < before.x0:
            lines.append([])
        lines[-1].append(word)
    several = tuple(_around(line) for line in lines) if len(lines) > 1 else ()
    size, box = layout.sizes.get(first.page), _around(same)
    return Citation(
        text=text, page=first.page, bbox=box, lines=several, page_size=size, element=first.element, label=label
    )


def _around(words: Sequence[Word]) -> BBox:
    return BBox(
        x0=min(word.x0 for word in words),
        y0=min(word.y0 for word in words),
        x1=max(word.x1 for word in words),
        y1=max(word.y1 for word in words),
    )


def _said(value: Scalar, text: str) -> bool:
    return plain(str(value)) in plain(text) if isinstance(value, str) else False


def _as_kind(value: Scalar, leaf: Node) -> Scalar:
    """The value as the schema's type has it, None if it cannot be."""
    if leaf.kind == "string" and not isinstance(value, str):
        return str(value)
    if leaf.kind == "integer" and isinstance(value, float):
        return int(value) if value == int(value) else None
    if leaf.kind == "number" and isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return value
    if leaf.kind in ("number", "integer") and (isinstance(value, bool) or not isinstance(value, int | float)):
        return None
    return None if leaf.kind == "boolean" and not isinstance(value, bool) else value
