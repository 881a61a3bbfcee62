"""Schemas of all shapes become trees that have an end."""

import pytest
from pydantic import BaseModel

from docmill.structured.schema import SchemaError, as_schema, empty, load, nullable


def test_references_and_all_of_are_merged():
    schema = {
        "type": "object",
        "$defs": {"money": {"type": "number", "description": "in EUR"}},
        "properties": {"a": {"allOf": [{"$ref": "#/$defs/money"}, {"title": "A"}]}},
    }
    node = load(schema).properties["a"]
    assert (node.kind, node.title, node.description) == ("number", "A", "in EUR")


def test_any_of_with_null_is_nullable():
    node = load({"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}})
    assert (node.properties["a"].kind, node.properties["a"].nullable) == ("string", True)


def test_a_schema_that_refers_to_itself_has_an_end():
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}}}
    assert empty(load(tree))["child"]["child"]["name"] is None


def test_a_pydantic_model_is_a_schema():
    class Invoice(BaseModel):
        number: str
        total: float | None = None

    assert set(load(as_schema(Invoice)).properties) == {"number", "total"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strin"},
        {"type": "string"},
        {"type": "object", "properties": {"a": {"$ref": "https://example.com/x.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/gone"}}},
    ],
)
def test_what_cannot_be_used_is_refused(schema: dict):
    with pytest.raises(SchemaError):
        load(schema)


def test_the_nullable_copy_asks_for_every_property():
    schema = nullable(load({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}}}))
    assert schema["required"] == ["a", "b"]
    assert schema["properties"]["a"]["type"] == ["integer", "null"]
    assert schema["properties"]["b"]["enum"] == ["x", None]
