"""The protocol's metadata filters as docmill's conditions; pure but for the look-up of documents that it is given.

What the protocol demands beyond conditions: a missing key meets `!=`, `nin` and `is_empty`; texts are compared without
regard to case; keys may have any letters; and files are known by names and ids that rows do not hold. The latter are
looked up in the ledger, by its indexes where whole names are compared, and become lists of documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from docmill.ids import digest
from docmill.index.conditions import FIELDS, And, Compare, Condition, Not, Or
from docmill.service.problems import Problem

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_PAGES = {"page_label": 0, "start_page_index": 1, "end_page_index": 1}
"""Keys of nodes that name pages, and what is to be added for docmill's numbers, which count from 1."""
_OPPOSITES = {"==": "!=", "!=": "==", "in": "nin", "nin": "in", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_OF_FILES = ("file_name", "file_id", "document_id")
_EQUALITY = ("==", "!=", "in", "nin", "any", "all")
_EMPTY: tuple[object, ...] = (None, "", [])
Scalar = str | int | float | bool


class MetadataFilter(BaseModel):
    """A key compared with a value."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    value: Scalar | list[Scalar] | None = None
    operator: Literal[
        "==", "!=", ">", "<", ">=", "<=", "in", "nin", "any", "all", "text_match", "text_match_insensitive",
        "contains", "is_empty",
    ] = "=="  # fmt: skip


class MetadataFilters(BaseModel):
    """Filters joined by `and` (the default) or `or`; `not`: none of them holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    filters: list[MetadataFilters | MetadataFilter]
    condition: Literal["and", "or", "not"] | None = "and"


Known = Callable[[str, Sequence[str] | None], Sequence[tuple[str, object]]]
"""(docmill's document id, the key's value) of documents of the index, for keys that rows do not hold.

Of all where no values are given, else at least of those that have one of the values.
"""


def field_of(key: str) -> str:
    """The name that a metadata key has in the index: its own, or one made of it where rows have such a field."""
    if _PLAIN.fullmatch(key) and key not in FIELDS:
        return key
    return f"x_{key.encode().hex()}" if len(key.encode()) <= 48 else f"x_{digest('metadata key', key)}"


def condition_for(filters: MetadataFilters, known: Known) -> Condition | None:
    """The condition that rows must meet, None where no filter is given; raises a Problem 422."""
    try:
        return _joined(filters, known, negated=False)
    except ValidationError as error:
        reason = "; ".join(sorted({each["msg"].removeprefix("Value error, ") for each in error.errors()}))
        raise Problem(422, "invalid_filter", f"search_filters: {reason}.") from error


def _joined(filters: MetadataFilters, known: Known, *, negated: bool) -> Condition | None:
    inverse = negated ^ (filters.condition == "not")
    parts = [
        part
        for each in filters.filters
        if (
            part := _joined(each, known, negated=inverse)
            if isinstance(each, MetadataFilters)
            else _one(each, known, negated=inverse)
        )
        is not None
    ]
    if not parts:
        return None
    wants_all = (filters.condition in ("and", None)) ^ negated if filters.condition != "not" else not negated
    return parts[0] if len(parts) == 1 else And(all=parts) if wants_all else Or(any=parts)


def _one(given: MetadataFilter, known: Known, *, negated: bool) -> Condition:
    if given.key in _OF_FILES and given.operator in _EQUALITY and given.value is not None:
        return _of_files(given, known, negated=negated)
    if given.operator == "text_match_insensitive" or given.key in _OF_FILES:
        ids = [name for name, value in known(given.key, None) if _holds(given, value) is not negated]
        return Compare(field="document_id", op="in", value=[*ids])
    if given.value is None or given.operator == "is_empty":
        wants_empty = (given.operator != "!=") ^ negated
        empty = Compare(field=field_of(given.key), op="is_empty")
        return empty if wants_empty else Not(condition=empty)
    if given.key in _PAGES:
        return _of_pages(given, negated=negated)
    return _of_metadata(given, negated=negated)


def _of_files(given: MetadataFilter, known: Known, *, negated: bool) -> Condition:
    """Documents that the ledger finds by the values, and rows whose own metadata have one under the key.

    The latter are texts, whose file names are what their clients say; the id of a document is never one of those.
    """
    wanted = _listed(given.value)
    ids = [name for name, value in known(given.key, [str(each) for each in wanted]) if value in wanted]
    inverse = (given.operator in ("!=", "nin")) ^ negated
    found: Condition = Compare(field="document_id", op="in", value=[*ids])
    if inverse:
        found = Not(condition=found)
    if given.key == "document_id":
        return found
    own = _of_metadata(MetadataFilter(key=given.key, value=wanted, operator="in"), negated=inverse)
    return And(all=[found, own]) if inverse else Or(any=[found, own])


def _of_pages(given: MetadataFilter, *, negated: bool) -> Condition:
    numbers = [int(each) + _PAGES[given.key] for each in _listed(given.value) if str(each).isdigit()]
    if given.operator in ("<", ">", "<=", ">="):
        raise Problem(422, "invalid_filter", f"search_filters: {given.key} takes ==, !=, in and nin.")
    within: Condition = (
        Compare(field="pages", op="any", value=[*numbers])
        if numbers
        else Compare(field="document_id", op="in", value=[])
    )
    opposite = (given.operator in ("!=", "nin")) ^ negated
    return Or(any=[Compare(field="pages", op="is_empty"), Not(condition=within)]) if opposite else within


def _of_metadata(given: MetadataFilter, *, negated: bool) -> Condition:
    name, operator = field_of(given.key), given.operator
    missing = Compare(field=name, op="is_empty")
    if operator in _OPPOSITES:
        chosen = _OPPOSITES[operator] if negated else operator
        compared = Compare.model_validate({"field": name, "op": chosen, "value": given.value})
        return Or(any=[missing, compared]) if negated or operator in ("!=", "nin") else compared
    found = _within(name, given)
    return Or(any=[missing, Not(condition=found)]) if negated else found


def _within(name: str, given: MetadataFilter) -> Condition:
    """Lists and texts that have a value within; lists are of texts in the index, also where numbers were given."""
    values = [str(each) if isinstance(each, int | float) else each for each in _listed(given.value)]
    if not values:
        return Compare(field="document_id", op="in", value=[])
    if given.operator in ("any", "all"):
        return Compare.model_validate({"field": name, "op": given.operator, "value": values})
    return Compare(field=name, op="contains", value=values[0])


def _listed(value: Scalar | list[Scalar] | None) -> list[Scalar]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _holds(given: MetadataFilter, found: object) -> bool:
    """Whether a value that the ledger knows meets the filter."""
    missing, wanted = found in _EMPTY, _listed(given.value)
    if given.operator == "is_empty":
        return missing
    if given.operator in ("!=", "nin"):
        return missing or found not in wanted
    if missing:
        return False
    if given.operator in ("==", "in", "any", "all"):
        return found in wanted
    texts = [str(each) for each in (found if isinstance(found, list) else [found])]
    if given.operator == "text_match_insensitive":
        return any(str(each).casefold() in text.casefold() for each in wanted for text in texts)
    if given.operator in ("contains", "text_match"):
        return any(str(each) in text for each in wanted for text in texts)
    low, high = str(found), str(wanted[0]) if wanted else ""
    return {"<": low < high, ">": low > high, "<=": low <= high, ">=": low >= high}[given.operator]
