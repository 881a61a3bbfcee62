"""The engines behind one door: which one a model's name means, a single pass, and a consensus of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, cast

from pydantic import JsonValue

from docmill.structured.consensus import agree
from docmill.structured.embedded import Partial, Task
from docmill.structured.record import FieldResult, Json, Record
from docmill.structured.validation import validated
from docmill.structured.words import Layout


class ExtractionEngine(Protocol):
    """Reads a document against a schema. `fingerprint` names all that its records depend on."""

    name: str

    @property
    def fingerprint(self) -> str:
        """What the records depend on."""
        ...

    @property
    def wants_pictures(self) -> bool:
        """Whether it looks at pictures of the pages."""
        ...

    def extract(self, layout: Layout, task: Task) -> Iterator[Partial]:
        """The record as it grows; the last partial holds it whole."""
        ...


def extract(engine: ExtractionEngine, layout: Layout, task: Task, votes: int = 1) -> Iterator[Partial]:
    """The record of one pass, or of `votes` passes that differ (strategies or samples) and are voted on."""
    if votes <= 1:
        yield from engine.extract(layout, task)
        return
    records: list[Record] = []
    for number in range(votes):
        for partial in engine.extract(layout, replace(task, seed=number)):
            if partial.record is not None:
                records.append(partial.record)
    yield Partial(_record(records, task).value, _record(records, task))


def read(engine: ExtractionEngine, layout: Layout, task: Task, votes: int = 1) -> Record:
    """The whole record."""
    record = [partial.record for partial in extract(engine, layout, task, votes)][-1]
    assert record is not None
    return record


def _record(records: Sequence[Record], task: Task) -> Record:
    """The voted record; every value keeps the proof of the first vote that has it."""
    agreed = agree([cast(JsonValue, record.value) for record in records])
    assert isinstance(agreed.value, dict)
    proofs = _proofs(records)
    fields: dict[str, FieldResult] = {}
    for path, likelihood in agreed.likelihoods.items():
        value = _at(agreed.value, path)
        proof = proofs.get((path, str(value))) or proofs.get((_anywhere(path), str(value)))
        if value is None or proof is None:
            fields[path] = FieldResult()
        else:
            fields[path] = proof.model_copy(update={"confidence": min(1.0, likelihood)})
    first = records[0].validation
    arrays = {
        name: max((each.validation.arrays[name] for each in records), key=lambda report: report.items)
        for name in first.arrays
    }
    made = Record(
        value=agreed.value,
        fields=fields,
        engine=records[0].engine,
        choices=tuple(cast(Json, vote) for vote in agreed.votes),
    )
    return validated(made, task.schema, task.node, arrays, first.warnings)


def _proofs(records: Sequence[Record]) -> Mapping[tuple[str, str], FieldResult]:
    """The leaves with a value by path and value, and by path without indexes and value."""
    found: dict[tuple[str, str], FieldResult] = {}
    for record in records:
        for path, leaf in record.fields.items():
            if leaf.value is not None:
                found.setdefault((path, str(leaf.value)), leaf)
                found.setdefault((_anywhere(path), str(leaf.value)), leaf)
    return found


def _anywhere(path: str) -> str:
    return ".".join("*" if part.isdigit() else part for part in path.split("."))


def _at(value: JsonValue, path: str) -> JsonValue:
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list):
            value = value[int(part)]
    return value
