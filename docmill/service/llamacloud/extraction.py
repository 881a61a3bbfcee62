"""What Extract is asked for and how its records are answered: configuration, schema limits, data, proofs; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, JsonValue, field_validator

from docmill.config import ExtractConfig
from docmill.extract.wanted import page_ranges
from docmill.service.problems import Problem
from docmill.structured.record import Citation, FieldResult, Json, Reasoning, Record, join
from docmill.structured.schema import Node, load

_DEPTH = 7
_PROPERTIES = 5_000
_HIGH_DPI = 300
_LEAST = 0.01
"""The protocol's confidences are above 0."""


class RunConfig(BaseModel):
    """The options of an extraction with the protocol's names; others are ignored. `page_range` counts from 1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    extraction_mode: Literal["FAST", "BALANCED", "MULTIMODAL", "PREMIUM"] = "PREMIUM"
    extraction_target: Literal["PER_DOC", "PER_PAGE", "PER_TABLE_ROW"] = "PER_DOC"
    chunk_mode: Literal["PAGE", "SECTION"] = "PAGE"
    system_prompt: str | None = None
    page_range: str | None = None
    high_resolution_mode: bool = False
    cite_sources: bool = False
    citation_bbox: bool = False
    use_reasoning: bool = False
    confidence_scores: bool = False
    invalidate_cache: bool = False

    @field_validator("page_range")
    @classmethod
    def _pages(cls, text: str | None) -> str | None:
        page_ranges(text or "")
        return text

    @property
    def has_proofs(self) -> bool:
        """Whether anything is told of the fields beside their values."""
        return self.cite_sources or self.citation_bbox or self.use_reasoning or self.confidence_scores

    def takes(self, page: int) -> bool:
        """Whether the page (from 1) is asked for."""
        ranges = page_ranges(self.page_range or "")
        return not ranges or any(first <= page <= (last or page) for first, last in ranges)

    def reading(self, own: ExtractConfig) -> ExtractConfig:
        """How the document is read."""
        return own.model_copy(update={"ocr_dpi": max(own.ocr_dpi, _HIGH_DPI)}) if self.high_resolution_mode else own

    def shown(self) -> Json:
        """What is echoed."""
        return cast(Json, self.model_dump(mode="json", exclude_none=True))


def checked_schema(schema: object) -> Json:
    """The schema, if it is an object's within the limits; raises a Problem 400 or SchemaError."""
    if not isinstance(schema, dict):
        raise Problem(400, "invalid_schema", "data_schema is no JSON Schema.")
    node = load(schema)
    if not node.properties:
        raise Problem(400, "invalid_schema", "The schema has no properties.")
    count = _check(node, 0)
    if count > _PROPERTIES:
        raise Problem(400, "invalid_schema", f"The schema has {count} properties, more than {_PROPERTIES}.")
    return schema


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


def proofs_of(data: JsonValue, record: Record, config: RunConfig, missing: Json) -> Json:
    """The tree of `field_metadata` that goes with the data; {} where nothing was asked for."""
    found = cast(Json, _tree(data, "", record.fields, config)) if config.has_proofs else {}
    return found | ({"error": missing} if missing and config.has_proofs else {})


def _tree(value: JsonValue, path: str, fields: Mapping[str, FieldResult], config: RunConfig) -> JsonValue:
    if isinstance(value, dict):
        return {name: _tree(item, join(path, name), fields, config) for name, item in value.items()}
    if isinstance(value, list):
        return [_tree(item, join(path, index), fields, config) for index, item in enumerate(value)]
    return _leaf(fields.get(path, FieldResult()), config)


def _leaf(field: FieldResult, config: RunConfig) -> Json:
    leaf: Json = {}
    if config.use_reasoning:
        verbatim = field.reasoning is Reasoning.VERBATIM
        leaf["reasoning"] = "VERBATIM EXTRACTION" if verbatim else "INFERRED FROM TEXT"
    if config.confidence_scores:
        sure = max(_LEAST, round(field.confidence, 4))
        leaf |= {"confidence": sure, "extraction_confidence": sure, "parsing_confidence": 1.0}
    if config.cite_sources or config.citation_bbox:
        leaf["citation"] = [_citation(field.citation, boxes=config.citation_bbox)] if field.citation else []
    return leaf


def _citation(citation: Citation, *, boxes: bool) -> Json:
    found: Json = {"page": citation.page or 1, "matching_text": citation.text}
    box, size = citation.bbox, citation.page_size
    if boxes and box is not None:
        found["bounding_boxes"] = [{"x": box.x0, "y": box.y0, "w": box.x1 - box.x0, "h": box.y1 - box.y0}]
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
