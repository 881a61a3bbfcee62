"""What an extraction gives: a value for every property of the schema, and for every leaf what proves it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from docmill.models import BBox, Model, Scalar

Json = dict[str, JsonValue]


class Reasoning(StrEnum):
    """How a value came about: printed as it is, or computed from what is printed (a normalised date, a code)."""

    VERBATIM = "verbatim"
    DERIVED = "derived"


class Citation(Model):
    """Where a value stands: the document's own words (`text`) and, where it has pages, page (from 1) and box.

    `label` is the text beside it that named it, "" where none did. `row` and `column` (from 0) place a table's cell.
    `lines` are the boxes line by line where there are several.
    """

    text: str
    page: int | None = None
    bbox: BBox | None = None
    lines: tuple[BBox, ...] = ()
    page_size: tuple[float, float] | None = None
    element: int | None = None
    sheet: str | None = None
    row: int | None = None
    column: int | None = None
    label: str = ""


class FieldResult(Model):
    """One leaf: its value, or null with the reason in `error` where one was found but could not be used."""

    value: Scalar = None
    citation: Citation | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    reasoning: Reasoning | None = None
    error: str | None = None


class ArrayReport(Model):
    """Whether an array is complete: `rows` seen in the document independently of the items made of them."""

    rows: int
    items: int
    keys_found: int | None = None
    missing_keys: tuple[str, ...] = ()
    complete: bool = True
    pages: tuple[int, ...] = ()


class Fault(Model):
    """What is wrong with a value of the record, against the caller's own schema."""

    path: str
    message: str
    value: JsonValue = None


class Warned(Model):
    """What could not be done as asked; `pages` (from 1) where it concerns some of them."""

    code: str
    text: str = ""
    pages: tuple[int, ...] = ()


class Validation(Model):
    """The record against the caller's schema, absent optional values taken as left out."""

    valid: bool = True
    missing_required: tuple[str, ...] = ()
    errors: tuple[Fault, ...] = ()
    warnings: tuple[Warned, ...] = ()
    arrays: dict[str, ArrayReport] = Field(default_factory=dict)
    arithmetic: tuple[str, ...] = ()


class Record(Model):
    """A document read against a schema. `fields` are the leaves by dotted path (`lines.0.amount`).

    `choices` are the aligned votes of a consensus, empty for a single pass.
    """

    value: Json
    fields: dict[str, FieldResult]
    validation: Validation = Validation()
    engine: str = ""
    choices: tuple[Json, ...] = ()

    def likelihoods(self) -> JsonValue:
        """The confidences in the shape of `value`."""
        return _mirror(self.value, "", self.fields)

    def low_confidence(self, below: float) -> dict[str, FieldResult]:
        """The leaves that have a value and a confidence below the threshold."""
        return {path: leaf for path, leaf in self.fields.items() if leaf.value is not None and leaf.confidence < below}


def join(path: str, part: str | int) -> str:
    """The dotted path of a child."""
    return f"{path}.{part}" if path else str(part)


def _mirror(value: JsonValue, path: str, fields: dict[str, FieldResult]) -> JsonValue:
    if isinstance(value, dict):
        return {key: _mirror(item, join(path, key), fields) for key, item in value.items()}
    if isinstance(value, list):
        return [_mirror(item, join(path, index), fields) for index, item in enumerate(value)]
    return round(fields[path].confidence, 4) if path in fields else 0.0
