"""The record against the caller's own schema, and its amounts against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from docmill.structured.record import ArrayReport, Fault, FieldResult, Json, Record, Validation, Warned, join
from docmill.structured.schema import Node
from docmill.structured.targets import target

_CENT = 0.011
_SHOWN = 100


def validated(
    record: Record,
    schema: Json,
    node: Node,
    arrays: Mapping[str, ArrayReport],
    warnings: Sequence[Warned] = (),
) -> Record:
    """The record with its validation block; confidence falls where amounts do not add up and rises where they do."""
    missing = tuple(_missing(node, record.value, ""))
    errors = list(_errors(schema, node, record, set(missing)))
    wrong = tuple(each.told(record.fields) for each in _sums(node, record.value) if not each.holds)
    block = Validation(
        valid=not errors and not missing,
        missing_required=missing,
        errors=tuple(errors[:_SHOWN]),
        warnings=tuple(warnings),
        arrays=dict(arrays),
        arithmetic=wrong,
    )
    return record.model_copy(update={"validation": block})


def _missing(node: Node, value: JsonValue, path: str) -> Iterator[str]:
    """Dotted paths of required properties that are null though the schema does not allow it."""
    if node.kind == "object" and isinstance(value, dict):
        for name, child in node.properties.items():
            inner = value.get(name)
            if child.kind in ("object", "array") or inner is not None:
                if not child.required and _blank(inner):
                    continue  # an optional object of which nothing is known is taken as left out
                yield from _missing(child, inner, join(path, name))
            elif child.required and not child.nullable:
                yield join(path, name)
    elif node.kind == "array" and node.items is not None and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _missing(node.items, item, join(path, number))


def _blank(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return all(_blank(item) for item in value.values())
    return value is None or value == []


def _errors(schema: Json, node: Node, record: Record, missing: set[str]) -> Iterator[Fault]:
    """What the caller's schema finds wrong, apart from what is missing; and the values that could not be read."""
    import jsonschema

    shown = _shown(node, record.value)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(shown):
        path = ".".join(map(str, error.absolute_path))
        if error.validator == "required" and any(_says(error.message, path, each) for each in missing):
            continue
        yield Fault(path=path, message=error.message[:300], value=_short(error.instance))
    for path, leaf in record.fields.items():
        if leaf.error is not None:
            yield Fault(path=path, message=leaf.error, value=leaf.citation.text if leaf.citation else None)


def _says(message: str, path: str, missing: str) -> bool:
    parent, _, name = missing.rpartition(".")
    return parent == path and message.startswith(f"'{name}'")


def _short(value: JsonValue) -> JsonValue:
    return value if isinstance(value, str | int | float | bool) or value is None else None


def _shown(node: Node, value: JsonValue) -> JsonValue:
    """The value without what is absent and optional, or absent and not nullable."""
    if node.kind == "object" and isinstance(value, dict):
        kept: dict[str, JsonValue] = {}
        for name, child in node.properties.items():
            inner = value.get(name)
            if inner is None and not (child.required and child.nullable):
                continue
            if not child.required and _blank(inner):
                continue
            kept[name] = _shown(child, inner)
        return kept
    if node.kind == "array" and node.items is not None and isinstance(value, list):
        return [_shown(node.items, item) for item in value]
    return value


@dataclass(frozen=True)
class _Sum:
    """What the values of a record should add or multiply up to: `reason`, and what was found at a path instead."""

    reason: str
    expected: float
    found: float
    path: str
    holds: bool

    def told(self, fields: Mapping[str, FieldResult]) -> str:
        """Which sum it is, what was expected and found, and on which page."""
        cited = fields[self.path].citation if self.path in fields else None
        page = f" on page {cited.page}" if cited is not None and cited.page is not None else ""
        return f"{self.reason}: expected {round(self.expected, 4)}, found {self.found}{page}"


def _sums(node: Node, value: Json) -> Iterator[_Sum]:
    """Every sum that the record should keep."""
    named: dict[str, tuple[str, float]] = {}
    for leaf in node.leaves():
        concept = target(leaf, {}).concept
        number = _at(value, leaf.path)
        if concept and number is not None:
            named.setdefault(concept, (leaf.path, number))
    if {"subtotal", "tax", "total"} <= set(named):
        parts = [named[each] for each in ("subtotal", "tax")]
        extra = [named[each] for each in ("shipping",) if each in named]
        path, total = named["total"]
        right = any(abs(sum(number for _, number in each) - total) <= _CENT for each in (parts, [*parts, *extra]))
        names, numbers = (" + ".join(str(each[place]) for each in parts) for place in (0, 1))
        yield _Sum(f"{path} = {names} = {numbers}", sum(number for _, number in parts), total, path, right)
    for array in node.arrays():
        yield from _line_sums(array, value, named)


def _at(value: JsonValue, path: str) -> float | None:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _line_sums(array: Node, value: Json, named: Mapping[str, tuple[str, float]]) -> Iterator[_Sum]:
    """The items' amounts against the subtotal or total, and quantity × price against each amount."""
    if array.items is None or array.items.kind != "object":
        return
    by_concept = {target(leaf, {}, in_rows=True).concept: leaf.path for leaf in array.items.leaves()}
    items: JsonValue = value
    for part in array.path.split("."):
        items = items.get(part) if isinstance(items, dict) else None
    if not isinstance(items, list) or not items or "line_amount" not in by_concept:
        return
    below = len(array.path) + 1
    amounts = [_at(item, by_concept["line_amount"][below:]) for item in items]
    known = [each for each in amounts if each is not None]
    against = [named[each] for each in ("subtotal", "total") if each in named]
    if against and len(known) == len(amounts):
        held = any(abs(sum(known) - number) <= _CENT * max(1, len(known) ** 0.5) for _, number in against)
        path, number = against[0]
        reason = f"{path} = sum of {by_concept['line_amount']} of {len(known)} items"
        yield _Sum(reason, sum(known), number, path, held)
    if {"quantity", "unit_price"} <= set(by_concept) and "line_discount" not in by_concept:
        for number, item in enumerate(items):
            quantity, price = (_at(item, by_concept[each][below:]) for each in ("quantity", "unit_price"))
            amount = amounts[number]
            if quantity is not None and price is not None and amount is not None:
                right = abs(quantity * price - amount) <= max(_CENT, 0.005 * abs(quantity))
                path = join(join(array.path, number), by_concept["line_amount"][below:])
                yield _Sum(f"{path} = {quantity} × {price}", quantity * price, amount, path, right)


def leaf_paths(fields: Mapping[str, FieldResult]) -> list[str]:
    """The paths of the leaves that have a value."""
    return [path for path, leaf in fields.items() if leaf.value is not None]
