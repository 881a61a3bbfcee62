"""What rows must be like to be found: comparisons of fields with values, joined by and, or, not.

A condition is data, never a string of some engine's language: `docmill/index/filters.py` makes Milvus's expression of
it with the values as parameters, and `holds` answers for a row, which is how the index in memory filters.

    {"and": [{"field": "year", "op": ">=", "value": 2020},
             {"not": {"field": "types", "op": "contains", "value": "table"}}]}

A field is one of the row's own (`FIELDS`) or the name of a key of the document's metadata. Where a row lacks the field,
neither a comparison nor its opposite holds (as in SQL); `is_empty` finds such rows. Values of different kinds, such as
a text and a number, are unequal and in no order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from docmill.errors import UsageError

Operator = Literal["==", "!=", ">", "<", ">=", "<=", "in", "nin", "any", "all", "contains", "text_match", "is_empty"]
Value = str | int | float | bool
TEXTS = ("chunk_id", "document_id", "version", "fingerprint", "source_key", "text")
LISTS = ("pages", "types")
NUMBERS = ("ordinal", "parent")
FIELDS = (*TEXTS, *LISTS, *NUMBERS)
"""The fields of a row that conditions may name; every other name is a key of the document's metadata."""
_FORM = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)
_NAME = r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$"
_OPERATORS = r"==|!=|>=|<=|>|<|\b(?:in|nin|any|all|contains|text_match)\b"
_SHORT = re.compile(rf"\s*([A-Za-z_][\w.-]*)\s*({_OPERATORS})(.*)", re.DOTALL)
_EMPTY = re.compile(r"\s*([A-Za-z_][\w.-]*)\s+is_empty\s*")


class Compare(BaseModel):
    """A field compared with a value; `in`, `nin`, `any` and `all` take a list, `is_empty` no value.

    `any` and `all` are for fields that are lists: one of the values, or each of them, is in the list. `contains` holds
    for a list that has the value and for a text that has it within; `%`, `_` and `\\` in it are any character there,
    for not all engines can tell them. `text_match` holds where one of the words stands in the row's text.
    """

    model_config = _FORM
    field: Annotated[str, Field(pattern=_NAME)]
    op: Operator
    value: Value | list[Value] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Compare:
        """The value is of the kind that the operator takes."""
        wants_list = self.op in ("in", "nin", "any", "all")
        if self.op == "is_empty":
            if self.value is not None:
                raise ValueError("is_empty takes no value")
        elif isinstance(self.value, list) is not wants_list or self.value is None:
            raise ValueError(f"{self.op} takes {'a list' if wants_list else 'one value'}")
        if self.op in ("<", ">", "<=", ">=") and isinstance(self.value, bool):
            raise ValueError(f"{self.op} takes a number or a text")
        if self.op == "text_match" and (self.field != "text" or not isinstance(self.value, str)):
            raise ValueError("text_match compares the field text with words")
        if self.field in LISTS and self.op not in ("any", "all", "contains", "is_empty"):
            raise ValueError(f"{self.field} is a list: it takes any, all, contains or is_empty")
        if self.field in (*TEXTS, *NUMBERS) and self.op in ("any", "all"):
            raise ValueError(f"{self.field} is no list: it does not take {self.op}")
        if self.op in ("any", "all") and not self.value:
            raise ValueError(f"{self.op} takes a list that is not empty")
        return self


class And(BaseModel):
    """All of the conditions hold."""

    model_config = _FORM
    all: Annotated[list[Condition], Field(alias="and", min_length=1)]


class Or(BaseModel):
    """One of the conditions holds."""

    model_config = _FORM
    any: Annotated[list[Condition], Field(alias="or", min_length=1)]


class Not(BaseModel):
    """The condition does not hold."""

    model_config = _FORM
    condition: Annotated[Condition, Field(alias="not")]


Condition: TypeAlias = Compare | And | Or | Not
for _model in (And, Or, Not):
    _model.model_rebuild()
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def condition_of(value: object) -> Condition:
    """The condition that a JSON value describes; raises UsageError that says what is wrong with it."""
    try:
        return _CONDITION.validate_python(value)
    except ValidationError as error:
        reasons = {
            each["msg"].removeprefix("Value error, ") for each in error.errors() if each["type"] == "value_error"
        }
        reason = "; ".join(sorted(reasons)) or "it is neither a comparison nor and, or, not"
        raise UsageError(
            f"This is no filter: {json.dumps(value, ensure_ascii=False, default=str)[:200]}: {reason}.",
            hint='Give {"field": "year", "op": ">=", "value": 2020}, or such in {"and": […]}, {"or": […]}, {"not": …}.',
        ) from None


def parse_condition(text: str) -> Condition:
    """The condition in its short form, `year >= 2020` or `name is_empty`, or in JSON; raises UsageError.

    A value is JSON (`2020`, `"a text"`, `["a", "b"]`), or else taken for a text as it stands.
    """
    if text.lstrip().startswith("{"):
        return condition_of(_json(text))
    if empty := _EMPTY.fullmatch(text):
        return condition_of({"field": empty[1], "op": "is_empty"})
    found = _SHORT.fullmatch(text)
    if found is None:
        raise UsageError(f"This is no filter: {text!r}.", hint="Write: FIELD OPERATOR VALUE, such as: year >= 2020")
    value = found[3].strip()
    return condition_of({"field": found[1], "op": found[2], "value": _json(value, otherwise=value)})


def _json(text: str, otherwise: object = None) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if otherwise is None:
            raise UsageError(f"The filter is not JSON: {error}.", hint="Check its quotes and brackets.") from None
        return otherwise


_OPPOSITES: Mapping[str, Operator] = {
    **{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "nin", "nin": "in"},
}


def positive(condition: Condition) -> Condition:
    """The same condition with each `not` directly before a comparison that has no opposite, and nowhere else."""
    match condition:
        case And():
            return And(all=[positive(each) for each in condition.all])
        case Or():
            return Or(any=[positive(each) for each in condition.any])
        case Not():
            return _negated(condition.condition)
        case Compare():
            return condition


def _negated(condition: Condition) -> Condition:
    match condition:
        case And():
            return Or(any=[_negated(each) for each in condition.all])
        case Or():
            return And(all=[_negated(each) for each in condition.any])
        case Not():
            return positive(condition.condition)
        case Compare() if condition.op in _OPPOSITES:
            return condition.model_copy(update={"op": _OPPOSITES[condition.op]})
        case Compare():
            return Not(condition=condition)


def holds(condition: Condition, row: Mapping[str, object]) -> bool:
    """Whether the condition holds for a row, given as the values of its fields and of its metadata."""
    return _holds(positive(condition), row)


def _holds(condition: Condition, row: Mapping[str, object]) -> bool:
    match condition:
        case And():
            return all(_holds(each, row) for each in condition.all)
        case Or():
            return any(_holds(each, row) for each in condition.any)
        case Not(condition=Compare() as compared):
            if compared.op == "is_empty":
                return not is_empty(row.get(compared.field))
            return not is_empty(row.get(compared.field)) and not _compare(compared, row.get(compared.field))
        case Compare():
            return _compare(condition, row.get(condition.field))
    raise AssertionError(f"{condition} is not in its positive form.")


def is_empty(value: object) -> bool:
    """Whether a value counts as missing: None, and texts and lists with nothing in them."""
    return value is None or value in ("", [], ())


def _compare(condition: Compare, found: object) -> bool:
    if condition.op == "is_empty":
        return is_empty(found)
    if is_empty(found):
        return False
    wanted = condition.value
    if condition.op == "text_match":
        words = set(re.findall(r"\w+", str(wanted).lower()))
        return bool(words & set(re.findall(r"\w+", str(found).lower())))
    if isinstance(wanted, list):
        return _compare_many(condition.op, found, wanted)
    if condition.op == "contains":
        if isinstance(found, str):
            return isinstance(wanted, str) and _within(wanted, found)
        return isinstance(found, Sequence) and any(each == wanted for each in found)
    if condition.op in ("==", "!="):
        return (found == wanted) is (condition.op == "==")
    return _ordered(condition.op, found, wanted)


def _within(wanted: str, text: str) -> bool:
    """Whether the text has the wanted one within, where `%`, `_` and `\\` are any character."""
    pattern = "".join("." if letter in "%_\\" else re.escape(letter) for letter in wanted)
    return re.search(pattern, text, re.DOTALL) is not None


def _compare_many(op: str, found: object, wanted: list[Value]) -> bool:
    if op in ("in", "nin"):
        return (found in wanted) is (op == "in")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return False
    there = [value in found for value in wanted]
    return any(there) if op == "any" else all(there)


def _ordered(op: str, left: object, right: object) -> bool:
    texts = isinstance(left, str) and isinstance(right, str)
    if not texts and not (isinstance(left, int | float) and isinstance(right, int | float)):
        return False
    less, same = left < right, left == right  # type: ignore[operator]
    return bool({"<": less, ">": not less and not same, "<=": less or same, ">=": not less}[op])
