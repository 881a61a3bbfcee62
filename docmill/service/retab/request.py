"""What a request for an extraction says: body and query string joined, checked, and turned into a task.

The SDK sends keywords that its version does not know in the query string, dicts as Python's `repr`: the body wins.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictInt, ValidationError

from docmill.ids import digest
from docmill.service.problems import Problem
from docmill.structured.embedded import Task
from docmill.structured.record import Json
from docmill.structured.schema import Node, SchemaError, load


class RetabProblem(Problem):
    """A problem with details: which field of the request is wrong, and why."""

    def __init__(self, code: str, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(422, code, message)
        self.details = {"errors": errors} if errors else None


class DocumentSource(BaseModel):
    """A document by its URL (`data:`, `http(s):`), or the id of an uploaded file."""

    model_config = ConfigDict(extra="ignore")

    filename: str = ""
    url: str = ""
    id: str = ""


class Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A message that goes with the document."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str | list[Part]


class SourcesWanted(BaseModel):
    """Which citations are wanted."""

    mode: Literal["located", "cited"] = "located"


class ExtractionRequest(BaseModel):
    """All fields that any version of the SDK or the product's documentation knows; others are ignored."""

    model_config = ConfigDict(extra="ignore")

    document: DocumentSource
    json_schema: Json
    model: str = "retab-small"
    instructions: str | None = None
    additional_messages: list[ChatMessage] | None = None
    n_consensus: Annotated[StrictInt, Field(ge=1, le=16)] = 1
    image_resolution_dpi: Annotated[StrictInt, Field(ge=96, le=300)] = 192
    chunking_keys: dict[str, str] | None = None
    deep_extraction: StrictBool | None = None
    sources: SourcesWanted | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    bust_cache: StrictBool = False
    stream: StrictBool = False
    background: StrictBool = False

    def texts(self) -> tuple[str, ...]:
        """The instructions and the text parts of the messages, in their order."""
        found = [self.instructions] if self.instructions else []
        for message in self.additional_messages or []:
            if message.role in ("user", "system", "developer"):
                parts = (
                    [message.content] if isinstance(message.content, str) else [each.text for each in message.content]
                )
                found += [part for part in parts if part]
        return tuple(found)

    def settings(self) -> Json:
        """What changes the result, beside the document's bytes."""
        names = ("json_schema", "model", "instructions", "additional_messages", "n_consensus", "chunking_keys")
        shown = self.model_dump(mode="json", include={*names, "image_resolution_dpi", "deep_extraction"})
        found: Json = shown
        return found

    def hash(self, route: str, version: str) -> str:
        """What tells the whole request from others: the same one again is answered by the same extraction."""
        whole = self.model_dump(mode="json", exclude={"document"}) | {"filename": self.document.filename}
        return digest("retab", route, json.dumps(whole, sort_keys=True), version)


async def request_of(request: Request) -> tuple[ExtractionRequest, bool]:
    """The request, and whether its body has a key `stream`; raises a Problem 422 that names what is wrong."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise RetabProblem("invalid_request", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise RetabProblem("invalid_request", "The body is no JSON object.")
    given = {**_of_query(request.query_params), **{key: value for key, value in body.items() if value is not None}}
    try:
        wanted = ExtractionRequest.model_validate(given)
    except ValidationError as error:
        raise _explained(error) from None
    if wanted.background and wanted.stream:
        raise RetabProblem("invalid_request", "background and stream exclude each other: set one of them to false.")
    return wanted, "stream" in body


def _of_query(query: Mapping[str, str]) -> dict[str, object]:
    """The fields in a query string: JSON, or Python's way of writing a value."""
    found: dict[str, object] = {}
    for name, text in query.items():
        if name in ExtractionRequest.model_fields:
            found[name] = text if name in ("model", "instructions") else _value(text)
    return found


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _explained(error: ValidationError) -> RetabProblem:
    errors = [{"path": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in error.errors()]
    shown = "; ".join(f"{each['path']}: {each['message']}" for each in errors[:5])
    return RetabProblem("invalid_request", f"The request is wrong: {shown}.", errors)


def task_of(wanted: ExtractionRequest) -> Task:
    """What the engine is asked; raises a Problem 422 for a schema or chunking keys that cannot be."""
    try:
        node = load(wanted.json_schema)
    except SchemaError as error:
        raise RetabProblem("invalid_schema", error.message) from None
    keys: dict[str, str] = {}
    for path, key in (wanted.chunking_keys or {}).items():
        if not _is_array_of_objects(node, path):
            message = f"chunking_keys: {path!r} is no array of objects in the schema."
            raise RetabProblem(
                "invalid_chunking_keys", message, [{"path": f"chunking_keys.{path}", "message": message}]
            )
        keys[path] = key
    return Task(wanted.json_schema, node, wanted.texts(), keys)


def _is_array_of_objects(node: Node, path: str) -> bool:
    found: Node | None = node
    for part in path.split("."):
        if found is not None and found.kind == "array":
            found = found.items
        found = found.properties.get(part) if found is not None else None
    return found is not None and found.kind == "array" and found.items is not None and found.items.kind == "object"


def json_of(value: object) -> JsonValue:
    """The value as JSON has it."""
    found: JsonValue = json.loads(json.dumps(value))
    return found
