"""The record against the caller's own schema, and its amounts against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
    sums = list(_sums(node, record.value))
    wrong = tuple(text for text, right in sums if not right)
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


def _sums(node: Node, value: Json) -> Iterator[tuple[str, bool]]:
    """(sentence, whether it holds) of every sum that the record should keep."""
    named: dict[str, tuple[str, float]] = {}
    for leaf in node.leaves():
        concept = target(leaf, {}).concept
        number = _at(value, leaf.path)
        if concept and number is not None:
            named.setdefault(concept, (leaf.path, number))
    if {"subtotal", "tax", "total"} <= set(named):
        parts = [named[each][1] for each in ("subtotal", "tax")]
        extra = [named[each][1] for each in ("shipping",) if each in named]
        total = named["total"][1]
        right = any(abs(sum(each) - total) <= _CENT for each in (parts, [*parts, *extra]))
        yield (
            f"{named['subtotal'][0]} + {named['tax'][0]} = {named['total'][0]}: {parts[0]} + {parts[1]}, {total}",
            right,
        )
    for array in node.arrays():
        yield from _line_sums(array, value, named)


def _at(value: JsonValue, path: str) -> float | None:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _line_sums(array: Node, value: Json, named: Mapping[str, tuple[str, float]]) -> Iterator[tuple[str, bool]]:
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
        yield f"the items of {array.path} add up to {round(sum(known), 2)}, {against[0][0]} is {against[0][1]}", held
    if {"quantity", "unit_price"} <= set(by_concept) and "line_discount" not in by_concept:
        for number, item in enumerate(items):
            quantity, price = (_at(item, by_concept[each][below:]) for each in ("quantity", "unit_price"))
            amount = amounts[number]
            if quantity is not None and price is not None and amount is not None:
                right = abs(quantity * price - amount) <= max(_CENT, 0.005 * abs(quantity))
                yield f"{array.path}.{number}: {quantity} × {price} = {amount}", right


def leaf_paths(fields: Mapping[str, FieldResult]) -> list[str]:
    """The paths of the leaves that have a value."""
    return [path for path, leaf in fields.items() if leaf.value is not None]
