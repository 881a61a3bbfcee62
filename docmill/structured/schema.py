"""A JSON Schema as a tree of nodes that engines can walk: references resolved, variants chosen, recursion bounded."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from pydantic import BaseModel, JsonValue

from docmill.errors import UsageError
from docmill.structured.record import Json, join

MAX_DEPTH = 12
"""A property deeper than this is left out: a schema that refers to itself has no end otherwise."""

SCALARS = ("string", "number", "integer", "boolean")


class SchemaError(UsageError):
    """The schema cannot be used: it is not valid, does not describe an object, or refers outside itself."""


@dataclass(frozen=True)
class Node:
    """A place in the schema. `kind` is object, array, string, number, integer, boolean or any (a free scalar).

    `path` is dotted, without the indexes of arrays. `required` says whether the caller's schema demands it.
    """

    kind: str
    path: str
    name: str = ""
    title: str = ""
    description: str = ""
    format: str = ""
    pattern: str = ""
    enum: tuple[JsonValue, ...] = ()
    nullable: bool = False
    required: bool = False
    properties: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None

    def leaves(self) -> Iterator[Node]:
        """The scalar properties that stand under no array, in the schema's order."""
        if self.kind == "object":
            for child in self.properties.values():
                yield from child.leaves()
        elif self.kind != "array":
            yield self

    def arrays(self) -> Iterator[Node]:
        """The arrays that stand under no other array."""
        if self.kind == "object":
            for child in self.properties.values():
                yield from child.arrays()
        elif self.kind == "array":
            yield self


def as_schema(given: Json | type[BaseModel]) -> Json:
    """The JSON Schema of a pydantic model, or the schema itself."""
    if isinstance(given, type) and issubclass(given, BaseModel):
        return cast(Json, given.model_json_schema())
    assert not isinstance(given, type)
    return given


def load(schema: Json) -> Node:
    """The schema's tree. Raises SchemaError."""
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = ".".join(map(str, error.absolute_path)) or "its root"
        raise SchemaError(f"The schema is not a JSON Schema: {error.message} (at {where}).") from None
    root = _Loader(schema).node(schema, "", "", depth=0)
    if root.kind != "object" or not root.properties:
        raise SchemaError(
            "The schema does not describe an object with properties.", hint='Wrap it: {"type": "object", …}.'
        )
    return root


class _Loader:
    def __init__(self, root: Json) -> None:
        self._root = root

    def node(self, schema: JsonValue, path: str, name: str, *, depth: int, required: bool = False) -> Node:
        """The node of a sub-schema."""
        flat, nullable = self._flat(schema, depth)
        kind = _kind(flat)
        common = Node(
            kind=kind,
            path=path,
            name=name,
            title=str(flat.get("title", "")),
            description=str(flat.get("description", "")),
            format=str(flat.get("format", "")),
            pattern=str(flat.get("pattern", "")),
            enum=_enum(flat),
            nullable=nullable,
            required=required,
        )
        if kind == "object":
            return self._object(flat, common, depth)
        if kind == "array":
            return self._array(flat, common, depth)
        return common

    def _object(self, flat: Json, node: Node, depth: int) -> Node:
        demanded = flat.get("required")
        names = demanded if isinstance(demanded, list) else []
        found: dict[str, Node] = {}
        properties = flat.get("properties")
        if isinstance(properties, dict) and depth < MAX_DEPTH:
            for key, value in properties.items():
                path = join(node.path, key)
                found[key] = self.node(value, path, key, depth=depth + 1, required=key in names)
        return _with(node, properties=found)

    def _array(self, flat: Json, node: Node, depth: int) -> Node:
        if depth >= MAX_DEPTH:
            return node
        items = flat.get("items", {})
        return _with(node, items=self.node(items, node.path, node.name, depth=depth + 1))

    def _flat(self, schema: JsonValue, depth: int) -> tuple[Json, bool]:
        """The schema with references and allOf merged and one variant of anyOf or oneOf; whether null is allowed."""
        if not isinstance(schema, dict):
            return {}, True
        flat: Json = dict(schema)
        nullable = False
        for _ in range(2 * MAX_DEPTH):
            if isinstance(flat.get("$ref"), str):
                flat = {**self._target(str(flat.pop("$ref"))), **flat}
            elif isinstance(flat.get("allOf"), list):
                parts = [self._flat(part, depth)[0] for part in cast(list[JsonValue], flat.pop("allOf"))]
                flat = _merged([*parts, flat])
            elif (key := next((each for each in ("anyOf", "oneOf") if isinstance(flat.get(each), list)), "")) != "":
                variants = [self._flat(part, depth) for part in cast(list[JsonValue], flat.pop(key))]
                nullable = nullable or any(_is_null(each) or empty for each, empty in variants)
                flat = {**_variant([each for each, _ in variants if not _is_null(each)]), **flat}
            else:
                break
        kinds = flat.get("type")
        if isinstance(kinds, list):
            nullable = nullable or "null" in kinds
        members = flat.get("enum")
        return flat, nullable or (isinstance(members, list) and None in members)

    def _target(self, reference: str) -> Json:
        """What a local reference names. Raises SchemaError."""
        if not reference.startswith("#"):
            raise SchemaError(f"The schema refers outside itself: {reference}.", hint="Put the definition into $defs.")
        found: JsonValue = self._root
        for part in reference.lstrip("#").strip("/").split("/"):
            if part:
                key = part.replace("~1", "/").replace("~0", "~")
                found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise SchemaError(f"The schema refers to {reference}, which is not there.")
        return found


def _with(node: Node, *, properties: dict[str, Node] | None = None, items: Node | None = None) -> Node:
    made = copy.copy(node)
    object.__setattr__(made, "properties", properties or {})
    object.__setattr__(made, "items", items)
    return made


def _is_null(schema: Json) -> bool:
    return schema.get("type") == "null" or schema.get("const", 0) is None


def _merged(parts: list[Json]) -> Json:
    merged: Json = {}
    for part in parts:
        for key, value in part.items():
            old = merged.get(key)
            if key == "properties" and isinstance(old, dict) and isinstance(value, dict):
                merged[key] = {**old, **value}
            elif key == "required" and isinstance(old, list) and isinstance(value, list):
                merged[key] = [*old, *(each for each in value if each not in old)]
            else:
                merged[key] = value
    return merged


def _variant(variants: list[Json]) -> Json:
    """One schema for all variants: objects are merged, scalars of several types become a free scalar."""
    if len(variants) <= 1:
        return variants[0] if variants else {}
    kinds = {_kind(each) for each in variants}
    if kinds == {"object"}:
        merged = _merged(variants)
        merged.pop("required", None)
        return merged
    for kind in ("array", "object"):
        chosen = next((each for each in variants if _kind(each) == kind), None)
        if chosen is not None:
            return chosen
    members = [member for each in variants for member in _enum(each)]
    if members and all(_enum(each) for each in variants):
        return {"enum": cast(JsonValue, members)}
    description = next((each["description"] for each in variants if "description" in each), "")
    return {"type": cast(JsonValue, sorted(kinds - {"any"})), "description": description} if "any" not in kinds else {}


def _enum(flat: Json) -> tuple[JsonValue, ...]:
    if "const" in flat:
        return (flat["const"],)
    members = flat.get("enum")
    return tuple(each for each in members if each is not None) if isinstance(members, list) else ()


def _kind(flat: Json) -> str:
    kinds = flat.get("type")
    listed = [kinds] if isinstance(kinds, str) else [each for each in kinds if each] if isinstance(kinds, list) else []
    named = [str(each) for each in listed if each != "null"]
    if len(named) == 1:
        return named[0]
    if set(named) == {"integer", "number"}:
        return "number"
    if "properties" in flat or "object" in named:
        return "object"
    if "items" in flat or "array" in named:
        return "array"
    members = _enum(flat)
    if not named and members:
        return "string" if all(isinstance(each, str) for each in members) else "any"
    return "any"


def empty(node: Node) -> JsonValue:
    """The value of a node of which the document says nothing: every key is there, leaves are null."""
    if node.kind == "object":
        return {name: empty(child) for name, child in node.properties.items()}
    return [] if node.kind == "array" else None


def nullable(node: Node) -> Json:
    """The schema that engines fill: every property required, every leaf may be null, nothing else allowed."""
    if node.kind == "object":
        return {
            "type": "object",
            "properties": {name: nullable(child) for name, child in node.properties.items()},
            "required": list(node.properties),
            "additionalProperties": False,
        }
    if node.kind == "array":
        return {"type": "array", "items": nullable(node.items) if node.items else {}}
    leaf: Json = {"description": node.description} if node.description else {}
    if node.enum:
        return {**leaf, "enum": [*node.enum, None]}
    kinds: list[JsonValue] = [node.kind] if node.kind in SCALARS else ["string", "number", "boolean"]
    return {**leaf, "type": [*kinds, "null"]}
