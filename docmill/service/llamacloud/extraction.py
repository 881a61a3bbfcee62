"""What Extract is asked for and how its records are answered: configuration, schema limits, data, proofs; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from docmill.config import ExtractConfig, Mode
from docmill.extract.wanted import page_ranges
from docmill.service.llamacloud.pages import box_of
from docmill.service.problems import Problem
from docmill.structured.record import Citation, FieldResult, Json, Reasoning, Record, join
from docmill.structured.schema import Node, load

_DEPTH = 7
_PROPERTIES = 5_000
_HIGH_DPI = 300
_WITHOUT_EFFECT = ("invalidate_cache", "multimodal_fast_mode", "parse_model", "extract_model", "priority")
_CHARACTERS = 120_000
_RANKS = {"low": -1, "medium": 0, "high": 1, "critical": 2}
_LEAST = 0.01
"""The protocol's confidences are above 0."""
_NATIVE: Mapping[int, float] = {}


class RunConfig(BaseModel):
    """The options of an extraction with the protocol's names; others are ignored. `page_range` counts from 1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    extraction_mode: Literal["FAST", "BALANCED", "MULTIMODAL", "PREMIUM"] = "PREMIUM"
    extraction_target: Literal["PER_DOC", "PER_PAGE", "PER_TABLE_ROW"] = "PER_DOC"
    chunk_mode: Literal["PAGE", "SECTION"] = "PAGE"
    num_pages_context: int | None = Field(default=None, ge=1)
    system_prompt: str | None = None
    page_range: str | None = None
    max_pages: int | None = Field(default=None, ge=1)
    high_resolution_mode: bool = False
    cite_sources: bool = False
    citation_bbox: bool = False
    use_reasoning: bool = False
    confidence_scores: bool = False
    invalidate_cache: bool = False
    multimodal_fast_mode: bool = False
    parse_model: str | None = None
    extract_model: str | None = None
    priority: Literal["low", "medium", "high", "critical"] | None = None

    @field_validator("page_range")
    @classmethod
    def _pages(cls, text: str | None) -> str | None:
        page_ranges(text or "")
        return text

    @property
    def rank(self) -> int:
        """Where its job stands in the queue: before those of a lower one."""
        return _RANKS[self.priority or "medium"]

    @property
    def has_proofs(self) -> bool:
        """Whether anything is told of the fields beside their values."""
        return self.cite_sources or self.citation_bbox or self.use_reasoning or self.confidence_scores

    def takes(self, page: int) -> bool:
        """Whether the page (from 1) is asked for."""
        ranges = page_ranges(self.page_range or "")
        return not ranges or any(first <= page <= (last or page) for first, last in ranges)

    @property
    def sees_pictures(self) -> bool:
        """Whether the text in pictures of office documents is read, too."""
        return self.extraction_mode in ("MULTIMODAL", "PREMIUM")

    @property
    def is_verified(self) -> bool:
        """Whether the document is read a second time, in another way, and the values are compared."""
        return self.extraction_mode == "PREMIUM"

    def reading(self, own: ExtractConfig) -> ExtractConfig:
        """How the document is read: with text of its own, `FAST` uses no OCR."""
        changed = own.model_copy(update={"mode": Mode.FAST}) if self.extraction_mode == "FAST" else own
        dpi = {"ocr_dpi": max(own.ocr_dpi, _HIGH_DPI)} if self.high_resolution_mode else {}
        return changed.model_copy(update=dpi)

    def shown(self) -> Json:
        """What is echoed."""
        return cast(Json, self.model_dump(mode="json", exclude_none=True))

    def asked(self) -> Json:
        """What decides over the result."""
        return cast(Json, self.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT)))


def config_of(given: object) -> RunConfig:
    """The options that a client sent; raises a Problem 400."""
    try:
        return RunConfig.model_validate(given or {})
    except ValidationError as error:
        shown = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Problem(400, "invalid_config", f"The config cannot be: {shown}.") from error


def checked_schema(given: object) -> Json:
    """The schema (or its JSON text), if it is an object's within the limits; raises a Problem 400 or SchemaError."""
    schema = _parsed(given) if isinstance(given, str) else given
    if not isinstance(schema, dict):
        raise Problem(400, "invalid_schema", "data_schema is no JSON Schema.")
    if (length := len(json.dumps(schema, ensure_ascii=False))) > _CHARACTERS:
        raise Problem(400, "invalid_schema", f"The schema has {length} characters, more than {_CHARACTERS}.")
    node = load(schema)
    if not node.properties:
        raise Problem(400, "invalid_schema", "The schema has no properties.")
    count = _check(node, 0)
    if count > _PROPERTIES:
        raise Problem(400, "invalid_schema", f"The schema has {count} properties, more than {_PROPERTIES}.")
    return schema


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Problem(400, "invalid_schema", f"data_schema is no JSON: {error}.") from error


def _check(node: Node, depth: int) -> int:
    """How many properties there are; raises a Problem 400 for one that lies too deep."""
    if depth > _DEPTH:
        raise Problem(400, "invalid_schema", f"{node.path} lies deeper than the {_DEPTH} levels that are allowed.")
    count = 0
    for child in node.properties.values():
        count += 1 + _check(child, depth + 1)
    return count + (_check(node.items, depth + 1) if node.items is not None else 0)


def data_of(record: Record, node: Node) -> tuple[Json, Json]:
    """(the data with every key of the schema, what was not found by path): nothing is invented."""
    missing: Json = {}
    return cast(Json, _filled(record.value, node, "", missing)), missing


def _filled(value: JsonValue, node: Node, path: str, missing: Json) -> JsonValue:
    if node.kind == "object" and (value is not None or not node.nullable):
        given = value if isinstance(value, dict) else {}
        return {
            name: _filled(given.get(name), child, join(path, name), missing) for name, child in node.properties.items()
        }
    if node.kind == "array" and (value is not None or not node.nullable):
        items = value if isinstance(value, list) else []
        if node.items is None:
            return items
        return [_filled(item, node.items, join(path, index), missing) for index, item in enumerate(items)]
    if value is None and not node.nullable:
        missing[path] = "not found"
        return "" if node.kind == "string" else None
    return value


def proofs_of(
    data: JsonValue, record: Record, config: RunConfig, missing: Json, sure: Mapping[int, float] = _NATIVE
) -> Json:
    """The tree of `field_metadata` that goes with the data; {} where nothing was asked for.

    `sure` are the confidences of OCR by the ordinal of the element; what is not in it is the document's own text.
    """
    shown = _Proofs(record.fields, config, sure)
    found = cast(Json, shown.tree(data, "")) if config.has_proofs else {}
    return found | ({"error": missing} if missing and config.has_proofs else {})


@dataclass(frozen=True)
class _Proofs:
    """What is told of each field beside its value."""

    fields: Mapping[str, FieldResult]
    config: RunConfig
    sure: Mapping[int, float]

    def tree(self, value: JsonValue, path: str) -> JsonValue:
        """The proofs of a value, in its shape."""
        if isinstance(value, dict):
            return {name: self.tree(item, join(path, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item, join(path, index)) for index, item in enumerate(value)]
        return self._leaf(self.fields.get(path, FieldResult()))

    def _leaf(self, field: FieldResult) -> Json:
        config, cited, leaf = self.config, field.citation, cast(Json, {})
        if config.use_reasoning:
            verbatim = field.reasoning is Reasoning.VERBATIM
            leaf["reasoning"] = "VERBATIM EXTRACTION" if verbatim else "INFERRED FROM TEXT"
        if config.confidence_scores:
            found = max(_LEAST, round(field.confidence, 4))
            read = self.sure.get(cited.element, 1.0) if cited is not None and cited.element is not None else 1.0
            both = max(_LEAST, round(found * read, 4))
            leaf |= {"confidence": both, "extraction_confidence": found, "parsing_confidence": round(read, 4)}
        if config.cite_sources or config.citation_bbox:
            leaf["citation"] = [_citation(cited, boxes=config.citation_bbox)] if cited else []
        return leaf


def _citation(citation: Citation, *, boxes: bool) -> Json:
    found: Json = {"page": citation.page or 1, "matching_text": citation.text}
    box, size = citation.bbox, citation.page_size
    if boxes and box is not None:
        found["bounding_boxes"] = [box_of(each) for each in citation.lines or (box,)]
        if size is not None:
            found["page_dimensions"] = {"width": size[0], "height": size[1]}
    return found


def usage(pages: int, text: str, data: JsonValue, engine: str) -> Json:
    """How much was read and answered; tokens are words."""
    return {
        "num_pages_extracted": pages,
        "num_document_tokens": len(text.split()),
        "num_output_tokens": _words(data),
        "engine": engine,
    }


def _words(value: JsonValue) -> int:
    if isinstance(value, dict):
        return sum(_words(item) for item in value.values())
    if isinstance(value, list):
        return sum(_words(item) for item in cast(Sequence[JsonValue], value))
    return len(str(value).split()) if value is not None else 0
