"""Reads a document twice, in two ways, and believes more where both agree: values stay those of the first reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from docmill.structured.embedded import Partial, Task
from docmill.structured.engine import ExtractionEngine, read
from docmill.structured.record import FieldResult, Record
from docmill.structured.values import plain
from docmill.structured.words import Layout

_SECOND = 2
"""The pass that differs most from the first: values by their form before their place, or another sample of a model."""
_DOUBTED = 0.6
"""What is left of the confidence of a value for which the second reading has another one."""


class Verified:
    """An engine whose records were compared with a second reading."""

    wants_pictures = False

    def __init__(self, engine: ExtractionEngine) -> None:
        self._engine = engine
        self.name = engine.name

    @property
    def fingerprint(self) -> str:
        """What the records depend on."""
        return f"verified-1-{self._engine.fingerprint}"

    def extract(self, layout: Layout, task: Task) -> Iterator[Partial]:
        """The record, once both readings are done."""
        first = read(self._engine, layout, task)
        second = read(self._engine, layout, replace(task, seed=_SECOND))
        record = compared(first, second)
        yield Partial(record.value, record)


def compared(first: Record, second: Record) -> Record:
    """The first record; confidence rises half of the way to 1 where the second agrees, and falls where it differs."""
    fields = {path: _compared(leaf, second.fields.get(path)) for path, leaf in first.fields.items()}
    return first.model_copy(update={"fields": fields})


def _compared(leaf: FieldResult, other: FieldResult | None) -> FieldResult:
    if leaf.value is None or other is None or other.value is None:
        return leaf
    same = plain(str(leaf.value)) == plain(str(other.value))
    sure = leaf.confidence + (1 - leaf.confidence) / 2 if same else leaf.confidence * _DOUBTED
    return leaf.model_copy(update={"confidence": sure})
