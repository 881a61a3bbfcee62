"""A language model's answers count only where the document says them; a real server holds them to the schema."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from pydantic import SecretStr

from docmill.inference.endpoint import OpenAIEndpoint
from docmill.structured.embedded import Task
from docmill.structured.model_engine import ModelEngine, ModelOptions
from docmill.structured.pdf_words import pdf_text
from docmill.structured.schema import load, nullable
from tests.openai_server import API_KEY
from tests.structured.documents import invoice, pdf

SCHEMA = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "total": {"type": "number"},
        "paid": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
}


class Scripted:
    """Answers what it is told to, in pieces, one answer a call."""

    model = "scripted"

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[list[dict]] = []

    def stream(self, messages, **_: object) -> Iterator[str]:
        self.asked.append(list(messages))
        answer = self._answers.pop(0)
        yield from (answer[start : start + 7] for start in range(0, len(answer), 7))

    def reply(self, messages, **options: object):
        raise NotImplementedError


PLAIN = ModelOptions()


def run(endpoint: Scripted, data: bytes | None = None, options: ModelOptions = PLAIN):
    task = Task(SCHEMA, load(SCHEMA))
    return list(ModelEngine(endpoint, options).extract(pdf_text(data or invoice()).layout(), task))


GOOD = {"number": "INV-77", "total": 1380.0, "paid": None, "lines": [{"sku": "A-100"}, {"sku": "A-205"}]}


def test_grounded_values_are_cited():
    record = run(Scripted(json.dumps(GOOD)))[-1].record
    assert record.value == GOOD
    assert record.fields["total"].citation.text == "1,380.00"
    assert record.fields["lines.1.sku"].citation.page == 1


def test_what_the_document_does_not_say_is_null_with_a_reason():
    record = run(Scripted(json.dumps(GOOD | {"number": "INV-99", "lines": [{"sku": "Z-1"}]})))[-1].record
    assert record.value["number"] is None
    assert "INV-99" in record.fields["number"].error
    assert record.value["lines"] == []


def test_a_wrong_answer_is_asked_for_again_with_what_is_wrong():
    endpoint = Scripted('{"number": 5}', "<think>hm</think>```json\n" + json.dumps(GOOD) + "\n```")
    record = run(endpoint)[-1].record
    assert record.value == GOOD
    assert "total" in endpoint.asked[1][-1]["content"]


def test_a_cut_answer_keeps_what_is_whole_and_says_so():
    record = run(Scripted(*[json.dumps(GOOD)[:40]] * 3))[-1].record
    assert record.value["number"] == "INV-77"
    assert record.validation.warnings[0].code == "answer_incomplete"
    assert not record.validation.arrays["lines"].complete


def test_partials_only_grow():
    values = [partial.value for partial in run(Scripted(json.dumps(GOOD)))]
    for before, after in pairwise(values):
        assert all(after[key] == each for key, each in before.items() if each is not None and key != "lines")
        assert after["lines"][: len(before["lines"])] == before["lines"]
    assert len(values) > 3


def test_long_documents_are_read_in_parts():
    pages = pdf([[(60, 60, f"Item SK-{page}"), (60, 80, "word " * 15)] for page in range(3)])
    answers = [
        json.dumps({"number": None, "total": None, "paid": None, "lines": [{"sku": f"SK-{n}"}]}) for n in range(3)
    ]
    record = run(Scripted(*answers), pages, ModelOptions(characters=120))[-1].record
    assert [line["sku"] for line in record.value["lines"]] == ["SK-0", "SK-1", "SK-2"]


def test_a_real_server_keeps_to_the_schema(chat_url: str):
    schema = {
        "type": "object",
        "properties": {"number": {"type": "string", "maxLength": 8}, "paid": {"type": "boolean"}},
    }
    endpoint = OpenAIEndpoint(chat_url, "tiny", SecretStr(API_KEY))
    task = Task(schema, load(schema))
    engine = ModelEngine(endpoint, ModelOptions(tokens=64))
    record = [part.record for part in engine.extract(pdf_text(pdf([[(60, 60, "No. 1")]])).layout(), task)][-1]
    assert set(record.value) == {"number", "paid"}
    assert all(leaf.value is None or leaf.citation is not None for leaf in record.fields.values())


@pytest.mark.parametrize("key", ["required", "additionalProperties"])
def test_the_server_is_sent_a_strict_schema(key: str):
    assert key in nullable(load(SCHEMA))
