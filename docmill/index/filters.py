"""Filter expressions for Milvus: a template with named parameters, never a formatted string.

A Milvus server fills the parameters in itself. Milvus Lite cannot (3.2), and no engine does in `like` and `text_match`:
there the values are written as literals by `_literal`, the one place where that happens.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from docmill.index.conditions import LISTS, NUMBERS, TEXTS, And, Compare, Condition, Not, Or, positive

_One = str | int | float | bool
Value = _One | Sequence[str] | Sequence[int] | Sequence[_One]

_NAME = re.compile(r"\{([a-z_]+[0-9]*)\}")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
"""Milvus Lite knows these escapes; JSON's `\\u` it refuses."""
_NEVER = 'chunk_id == ""'


def _literal(value: Value) -> str:
    """The value as a Milvus literal; quotes and line ends are escaped, so no text can end its quotes."""
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return "[" + ", ".join(_literal(each) for each in value) + "]"


@dataclass(frozen=True)
class Filter:
    """A boolean expression; `{name}` in `template` stands for `params[name]`. The empty template lets all pass.

    The parameters in `literals` are written as literals for every engine.
    """

    template: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)
    literals: frozenset[str] = frozenset()

    def rendered(self) -> str:
        """The expression with its values as literals, for engines without parameters."""
        return _NAME.sub(lambda match: _literal(self.params[match.group(1)]), self.template)

    def templated(self) -> tuple[str, dict[str, Value]]:
        """The expression and the parameters that the engine is to fill in."""
        kept = {name: value for name, value in self.params.items() if name not in self.literals}

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            return match.group(0) if name in kept else _literal(self.params[name])

        return _NAME.sub(fill, self.template), kept

    def __and__(self, other: Filter) -> Filter:
        """Rows that pass both. Their parameters must have different names."""
        if not self.template or not other.template:
            return self if self.template else other
        template = f"({self.template}) and ({other.template})"
        return Filter(template, {**self.params, **other.params}, self.literals | other.literals)


def documents_are(ids: Sequence[str]) -> Filter:
    """Rows of these documents."""
    return Filter("document_id in {ids}", {"ids": list(ids)})


def access_is(tags: Sequence[str]) -> Filter:
    """Rows that bear one of these access tags."""
    return Filter("array_contains_any(access, {access})", {"access": sorted(set(tags))})


def readers_of(tags: Sequence[str]) -> str:
    """The access tags as one text that `readers_are` finds them in: a hash of each, between bars."""
    return "".join(f"|{each}" for each in sorted({_reader(tag) for tag in tags})) + "|"


def readers_are(tags: Sequence[str]) -> Filter:
    """Rows that bear one of these access tags, by their text: Milvus Lite compares arrays row by row."""
    if not tags:
        return Filter(_NEVER)
    names = {f"access{place}": f"%|{_reader(tag)}|%" for place, tag in enumerate(sorted(set(tags)))}
    template = " or ".join(f"(readers like {{{name}}})" for name in names)
    return Filter(template, names, frozenset(names))


def _reader(tag: str) -> str:
    """32 hex digits, so that no tag can be a pattern."""
    return hashlib.sha256(tag.encode()).hexdigest()[:32]


def kind_is(kind: str) -> Filter:
    """Rows of this kind."""
    return Filter("kind == {kind}", {"kind": kind})


def filter_of(condition: Condition) -> Filter:
    """Milvus's filter for a condition."""
    compiler = _Compiler()
    template = compiler.expression(positive(condition))
    return Filter(template, compiler.params, frozenset(compiler.literals))


class _Compiler:
    """Writes a condition's template and collects its values."""

    def __init__(self) -> None:
        self.params: dict[str, Value] = {}
        self.literals: set[str] = set()

    def expression(self, condition: Condition) -> str:
        """The template of a condition in its positive form."""
        match condition:
            case And():
                return " and ".join(f"({self.expression(each)})" for each in condition.all)
            case Or():
                return " or ".join(f"({self.expression(each)})" for each in condition.any)
            case Not(condition=Compare() as compared):
                if compared.op == "is_empty":
                    return self._there(compared.field)
                return f"({self._there(compared.field)}) and (not ({self._compare(compared)}))"
            case Compare():
                return self._compare(condition)
        raise AssertionError(f"{condition} is not in its positive form.")

    def _put(self, value: Value, *, literal: bool = False) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        if literal:
            self.literals.add(name)
        return f"{{{name}}}"

    def _there(self, name: str) -> str:
        """Holds where the row has the field, and something in it."""
        if name in LISTS:
            return f"array_length({name}) > 0"
        return (
            f'{name} != ""' if name in TEXTS else f"{name} >= -1" if name in NUMBERS else f'exists metadata["{name}"]'
        )

    def _compare(self, condition: Compare) -> str:
        name = condition.field
        if condition.op == "is_empty":
            return f"not ({self._there(name)})"
        if name in LISTS:
            return self._list(condition)
        return self._own(condition) if name in (*TEXTS, *NUMBERS) else self._metadata(condition)

    def _own(self, condition: Compare) -> str:
        name = condition.field
        kinds = str if name in TEXTS else (int, float)
        values = [each for each in _listed(condition.value) if isinstance(each, kinds)]
        if condition.op in ("in", "nin"):
            within = f"{name} in {self._put(values)}" if values else _NEVER
            return within if condition.op == "in" else f"({self._there(name)}) and (not ({within}))"
        if not values:
            return self._there(name) if condition.op == "!=" else _NEVER
        if condition.op == "text_match":
            return f"text_match({name}, {self._put(values[0], literal=True)})"
        if condition.op == "contains":
            return self._like(name, values[0])
        compared = f"{name} {condition.op} {self._put(values[0])}"
        return f"({self._there(name)}) and ({compared})" if name in TEXTS else compared

    def _list(self, condition: Compare) -> str:
        kind = int if condition.field == "pages" else str
        values = _listed(condition.value)
        fits = [each for each in values if isinstance(each, kind)]
        if not fits or (condition.op == "all" and len(fits) < len(values)):
            return _NEVER
        function = "array_contains_all" if condition.op == "all" else "array_contains_any"
        return f"{function}({condition.field}, {self._put(fits)})"

    def _metadata(self, condition: Compare) -> str:
        name, there = f'metadata["{condition.field}"]', self._there(condition.field)
        values = _listed(condition.value)
        if condition.op in ("in", "nin"):
            equal = " or ".join(f"{name} == {self._put(each)}" for each in values) or _NEVER
            return f"({there}) and ({equal})" if condition.op == "in" else f"({there}) and (not ({equal}))"
        if condition.op in ("any", "all"):
            joined = " or " if condition.op == "any" else " and "
            return f"({there}) and ({self._each_contained(name, values, joined)})"
        if condition.op == "contains":
            within = f"json_contains({name}, {self._put(values[0])})"
            return f"({within}) or ({self._like(name, values[0])})" if isinstance(values[0], str) else within
        return f"({there}) and ({name} {condition.op} {self._put(values[0])})"

    def _each_contained(self, name: str, values: Sequence[_One], joined: str) -> str:
        return joined.join(f"json_contains({name}, {self._put(each)})" for each in values)

    def _like(self, name: str, value: object) -> str:
        """`like` with the text between two `%`; its own wildcards become `_` (any character): Lite knows no escapes."""
        plain = re.sub(r"[\\%_]", "_", str(value))
        return f"{name} like {self._put(f'%{plain}%', literal=True)}"


def _listed(
    value: str | int | float | bool | Sequence[str | int | float | bool] | None,
) -> list[str | int | float | bool]:
    if isinstance(value, str | int | float | bool):
        return [value]
    return list(value or ())
