"""The engine with a language model behind an OpenAI-compatible server: the schema binds its answer, and only what the
document's own words say of it is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import jiter
from pydantic import JsonValue

from docmill.errors import ModelError
from docmill.inference.endpoint import Reply
from docmill.models import Scalar
from docmill.structured.embedded import Partial, Task, citation
from docmill.structured.grounding import Grounds
from docmill.structured.hints import read_hints
from docmill.structured.numbers import style_of
from docmill.structured.parts import CONTEXT, parts_of
from docmill.structured.record import ArrayReport, FieldResult, Json, Reasoning, Record, Warned, join
from docmill.structured.schema import Node, empty, nullable
from docmill.structured.validation import validated
from docmill.structured.values import plain
from docmill.structured.words import Layout, Word

VERSION = "2"
_ASKS = 3
_SYSTEM = (
    "You extract data from a document into JSON. Use only what the document says, in its own words. "
    "A value that the document does not state is null; an array of which it states nothing is empty. "
    "Never guess, complete or compute. Dates are YYYY-MM-DD where the schema asks for a date, numbers are plain JSON "
    "numbers. Answer with one JSON object that fits this JSON Schema and nothing else:\n"
)
_CONTEXT = f"\nPages marked {CONTEXT}] are there to be understood only: take no values from them."


class Endpoint(Protocol):
    """A chat model; `docmill.inference.endpoint.OpenAIEndpoint` is one."""

    model: str

    def reply(
        self,
        messages: Sequence[Any],
        *,
        schema: dict[str, Any] | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
    ) -> Reply:
        """The answer, cut or not."""
        ...

    def stream(
        self,
        messages: Sequence[Any],
        *,
        schema: dict[str, Any] | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
    ) -> Iterator[str]:
        """The answer's text piece by piece."""
        ...


@dataclass(frozen=True)
class ModelOptions:
    """`characters` of the document that the model is shown at once, `tokens` that it may answer with."""

    characters: int = 24_000
    tokens: int = 8_192
    images: bool = False


class ModelEngine:
    """Asks a model; a wrong answer is asked for again with what is wrong, and a wrong field costs itself only."""

    name = "openai"

    def __init__(self, endpoint: Endpoint, options: ModelOptions = ModelOptions()) -> None:
        self._endpoint = endpoint
        self._options = options
        self.model = endpoint.model

    @property
    def wants_pictures(self) -> bool:
        """Whether the model is to see the pages."""
        return self._options.images

    @property
    def fingerprint(self) -> str:
        """What the records depend on."""
        return f"openai-{VERSION}-{self.model}-{self._options.characters}-{self._options.images}"

    def extract(self, layout: Layout, task: Task) -> Iterator[Partial]:
        """The record as the model writes it; the last partial holds it whole."""
        style = style_of(layout.text, order=read_hints(task.instructions, ()).order)
        grounded = _Grounded(layout, Grounds(layout, style), task.node)
        schema = nullable(task.node)
        parts: list[JsonValue] = []
        warnings: list[Warned] = []
        for number, text in enumerate(parts_of(layout, self._options.characters, task.parts)):
            messages = self._messages(schema, text, task, first=number == 0)
            answer, problem = "", ""
            for ask in range(_ASKS):
                temperature = 0.0 if task.seed == 0 and ask == 0 else 0.5
                answer = ""
                for piece in self._endpoint.stream(
                    messages,
                    schema=cast(dict[str, Any], schema),
                    max_tokens=self._options.tokens,
                    temperature=temperature,
                ):
                    answer += piece
                    if ask == 0 and number == 0 and piece.strip()[-1:] in (",", "}", "]", '"'):
                        yield Partial(grounded.partial(_opened(answer)))
                problem = _problem(answer, schema)
                if not problem:
                    break
                messages = [*messages[:2], {"role": "assistant", "content": answer}, _again(problem)]
            if problem:
                warnings.append(Warned(code="answer_incomplete", text=problem))
            parts.append(_opened(answer))
        yield self._finished(grounded, task, parts, warnings)

    def _messages(self, schema: Json, text: str, task: Task, *, first: bool) -> list[dict[str, Any]]:
        system = _SYSTEM + json.dumps(schema, ensure_ascii=False) + (_CONTEXT if CONTEXT in text else "")
        content: list[dict[str, Any]] = [{"type": "text", "text": text}]
        if self._options.images and first:
            content += [{"type": "image_url", "image_url": {"url": url}} for url in task.pictures]
        shown: Any = content if len(content) > 1 else text
        given = [{"role": "user", "content": each} for each in task.instructions]
        return [{"role": "system", "content": system}, {"role": "user", "content": shown}, *given]

    def _finished(
        self, grounded: _Grounded, task: Task, parts: Sequence[JsonValue], warnings: Sequence[Warned]
    ) -> Partial:
        merged = parts[0] if parts else {}
        for part in parts[1:]:
            merged = _joined(merged, part)
        fields: dict[str, FieldResult] = {}
        value = grounded.whole(merged, fields)
        incomplete = any(each.code == "answer_incomplete" for each in warnings)
        arrays = {}
        for node in task.node.arrays():
            items = _at(value, node.path)
            count = len(items) if isinstance(items, list) else 0
            arrays[node.path] = ArrayReport(rows=count, items=count, complete=not incomplete)
        record = Record(value=value, fields=fields, engine=f"{self.name}:{self.model}")
        record = validated(record, task.schema, task.node, arrays, warnings)
        return Partial(record.value, record)


def _again(problem: str) -> dict[str, Any]:
    return {"role": "user", "content": f"That is not right: {problem}. Answer again, with the whole JSON object."}


def _opened(answer: str) -> JsonValue:
    """The JSON of an answer, as far as it has come: without fences and thoughts, without what is half written."""
    text = re.sub(r"<think>.*?(?:</think>|$)", "", answer, flags=re.DOTALL)
    start = text.find("{")
    if start < 0:
        return {}
    text = re.sub(r"([:\[,])\s*[-\w.+]*$", r"\1", text[start:])
    try:
        found: JsonValue = jiter.from_json(_whole_object(text).encode(), partial_mode=True)
    except ValueError:
        return {}
    return found


def _whole_object(text: str) -> str:
    """The text up to the end of its first object: models add fences and remarks."""
    try:
        end = json.JSONDecoder().raw_decode(text)[1]
    except ValueError:
        return text
    return text[:end]


def _problem(answer: str, schema: Json) -> str:
    """What is wrong with an answer, "" if nothing is."""
    import jsonschema

    text = re.sub(r"<think>.*?</think>", "", answer, flags=re.DOTALL)
    start = text.find("{")
    try:
        value = json.JSONDecoder().raw_decode(text[start:])[0] if start >= 0 else None
    except ValueError as error:
        return f"it is not whole JSON ({error})"
    if value is None:
        return "it holds no JSON object"
    wrong = jsonschema.Draft202012Validator(schema).iter_errors(value)
    return "; ".join(
        f"{'.'.join(map(str, each.absolute_path))}: {each.message[:120]}"
        for each, _ in zip(wrong, range(5), strict=False)
    )


def _joined(first: JsonValue, second: JsonValue) -> JsonValue:
    """What two parts of a document say together: the earlier scalar, the items of both in their order."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {key: _joined(first.get(key), second.get(key)) for key in {**first, **second}}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return second if first is None else first


def _at(value: JsonValue, path: str) -> JsonValue:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


class _Grounded:
    """Keeps of a model's answer what the document says."""

    def __init__(self, layout: Layout, grounds: Grounds, node: Node) -> None:
        self._layout = layout
        self._grounds = grounds
        self._node = node

    def partial(self, answer: JsonValue) -> Json:
        """The proven values so far; an item that is still being written is shown when one of its values is proven."""
        return self.whole(answer, {})

    def whole(self, answer: JsonValue, fields: dict[str, FieldResult]) -> Json:
        """The proven values; `fields` gets every leaf's result."""
        value, _ = self._value(answer, self._node, "", fields, None)
        assert isinstance(value, dict)
        return value

    def _value(
        self, answer: JsonValue, node: Node, path: str, fields: dict[str, FieldResult], near: Word | None
    ) -> tuple[JsonValue, Word | None]:
        """The value, and the first of the words that prove the last of its leaves."""
        if node.kind == "object":
            given = answer if isinstance(answer, dict) else {}
            made: dict[str, JsonValue] = {}
            for name, child in node.properties.items():
                made[name], near = self._value(given.get(name), child, join(path, name), fields, near)
            return made, near
        if node.kind == "array":
            return self._array(answer, node, path, fields), near
        leaf = self._leaf(answer, node, near)
        fields[path] = leaf
        found = leaf.citation
        return leaf.value, self._word(found.text) if found is not None and near is None else near

    def _word(self, text: str) -> Word | None:
        proof = self._grounds.prove(text, Node("string", ""))
        return proof.words[0] if proof is not None else None

    def _array(self, answer: JsonValue, node: Node, path: str, fields: dict[str, FieldResult]) -> list[JsonValue]:
        """The items of which at least one value is proven."""
        items: list[JsonValue] = []
        if node.items is None or not isinstance(answer, list):
            return items
        for each in answer:
            own: dict[str, FieldResult] = {}
            value, _ = self._value(each, node.items, join(path, len(items)), own, None)
            if any(leaf.value is not None for leaf in own.values()):
                items.append(value)
                fields.update(own)
        return items

    def _leaf(self, answer: JsonValue, node: Node, near: Word | None) -> FieldResult:
        if answer is None or isinstance(answer, dict | list) or answer == "":
            return FieldResult()
        value: Scalar = answer
        proof = self._grounds.prove(value, node, near)
        if proof is None:
            return FieldResult(error=f"the model said {str(value)[:80]!r}, which the document does not say")
        cited = citation(proof.words, self._layout)
        verbatim = isinstance(value, str) and plain(value) in plain(cited.text)
        return FieldResult(
            value=value,
            citation=cited,
            confidence=proof.trust,
            reasoning=Reasoning.VERBATIM if verbatim else Reasoning.DERIVED,
        )


__all__ = ["Endpoint", "ModelEngine", "ModelError", "ModelOptions", "empty"]
