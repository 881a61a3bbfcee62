"""Records without a model: what is printed is found, cited and typed; what is not printed is null."""

import pytest

from docmill.config import ExtractConfig
from docmill.structured.documents import ReadTask, read_document
from docmill.structured.embedded import EmbeddedEngine, Task
from docmill.structured.engine import read
from docmill.structured.pdf_words import pdf_text
from docmill.structured.record import Record
from docmill.structured.schema import load
from tests.structured.documents import INVOICE_SCHEMA, LINES, STOCK_SCHEMA, invoice, pdf, stock


def extracted(data: bytes, schema: dict, *instructions: str, votes: int = 1) -> Record:
    task = Task(schema, load(schema), instructions)
    return read(EmbeddedEngine(), pdf_text(data).layout(), task, votes)


@pytest.fixture(scope="module")
def record() -> Record:
    return extracted(invoice(), INVOICE_SCHEMA)


def test_labels_dates_and_amounts(record: Record):
    value = {key: each for key, each in record.value.items() if key != "lines"}
    assert value == {
        "invoice_number": "INV-77",
        "invoice_date": "2026-03-14",
        "supplier": "Blue Harbour Ltd",
        "currency": "EUR",
        "subtotal": 1150.0,
        "tax": 230.0,
        "total": 1380.0,
        "purchase_order": None,
    }


def test_lines(record: Record):
    assert [tuple(line.values()) for line in record.value["lines"]] == LINES


def test_every_value_is_cited_by_words_of_its_page(record: Record):
    words = pdf_text(invoice()).layout().text
    for leaf in record.fields.values():
        if leaf.value is not None:
            assert leaf.citation is not None
            assert leaf.citation.text in words
            assert leaf.citation.bbox is not None


def test_what_is_missing_is_null_and_named(record: Record):
    assert record.validation.missing_required == ("purchase_order",)
    assert not record.validation.valid
    assert record.fields["purchase_order"].citation is None


def test_an_unrelated_document_gives_nothing():
    notes = pdf([[(60, 60, "The quay was repainted in spring."), (60, 80, "Weather:"), (140, 80, "fair, light wind")]])
    value = extracted(notes, INVOICE_SCHEMA).value
    assert [each for each in value.values() if each not in (None, [])] == []


def test_long_tables_are_complete_and_in_order():
    record = extracted(stock(500), STOCK_SCHEMA)
    assert [row["sku"] for row in record.value["rows"]] == [f"SK-{1000 + row}" for row in range(500)]
    assert record.validation.arrays["rows"].complete
    assert record.validation.arrays["rows"].keys_found == 500


def test_an_amount_that_does_not_add_up_is_told_with_its_page():
    wrong = pdf(
        [
            [
                (60, 60, "Subtotal:"),
                (200, 60, "10.00"),
                (60, 80, "VAT:"),
                (200, 80, "2.00"),
                (60, 100, "Total:"),
                (200, 100, "15.00"),
            ]
        ]
    )
    (sentence,) = extracted(wrong, INVOICE_SCHEMA).validation.arithmetic
    assert sentence == "total = subtotal + tax = 10.0 + 2.0: expected 12.0, found 15.0 on page 1"


@pytest.mark.parametrize(("said", "day"), [("Dates are day first.", "2026-04-03"), ("Month first.", "2026-03-04")])
def test_instructions_set_the_order_of_dates(said: str, day: str):
    data = pdf([[(60, 60, "Report date:"), (200, 60, "03/04/2026")]])
    schema = {"type": "object", "properties": {"report_date": {"type": "string", "format": "date"}}}
    assert extracted(data, schema, said).value == {"report_date": day}
    assert extracted(data, schema).value == {"report_date": None}


def test_instructions_give_labels_and_the_rest_is_named():
    data = pdf([[(60, 60, "Docket:"), (200, 60, "QX-5521")]])
    schema = {"type": "object", "properties": {"reference_code": {"type": "string"}}}
    record = extracted(data, schema, 'The reference_code is printed after "Docket". Be nice.')
    assert record.value == {"reference_code": "QX-5521"}
    assert [warning.text for warning in record.validation.warnings] == ["Be nice."]


def test_strategies_vote():
    record = extracted(invoice(), INVOICE_SCHEMA, votes=3)
    assert record.value["invoice_number"] == "INV-77"
    assert record.fields["invoice_number"].confidence >= 0.99
    assert len(record.choices) == 3


def test_the_same_document_gives_the_same_record(record: Record):
    assert extracted(invoice(), INVOICE_SCHEMA) == record


def test_nested_tables_belong_to_what_stands_above_them():
    items = [(60, 40, "Age Group: 80-84")]
    items += [(x, 60, t) for x, t in ((60, "Rank"), (140, "Name"), (300, "Time"))]
    items += [(x, 76, t) for x, t in ((60, "1"), (140, "Ann Lee"), (300, "45.52"))]
    items += [(60, 160, "Age Group: 85-89")]
    items += [(x, 180, t) for x, t in ((60, "Rank"), (140, "Name"), (300, "Time"))]
    items += [(x, 196, t) for x, t in ((60, "1"), (140, "Bo Yu"), (300, "47.10"))]
    result = {
        "type": "object",
        "properties": {"rank": {"type": "integer"}, "name": {"type": "string"}, "time": {"type": "string"}},
    }
    group = {
        "type": "object",
        "properties": {"age_group": {"type": "string"}, "results": {"type": "array", "items": result}},
    }
    schema = {"type": "object", "properties": {"groups": {"type": "array", "items": group}}}
    groups = extracted(pdf([items]), schema).value["groups"]
    assert [(each["age_group"], [row["name"] for row in each["results"]]) for each in groups] == [
        ("80-84", ["Ann Lee"]),
        ("85-89", ["Bo Yu"]),
    ]


def test_an_agreement_is_read_by_its_wording():
    lines = [
        "THIS AGREEMENT is entered into as of May 20, 2014 by and between Northgate Shipyard, Inc., a Delaware",
        "corporation, and Tern Marine LLC, a Colorado limited liability company.",
        "The obligations under this Agreement shall expire after a period of three (3) years.",
        "This Agreement shall be governed by the laws of the State of New York.",
    ]
    schema = {
        "type": "object",
        "properties": {
            "effective_date": {"type": "string", "format": "date"},
            "parties": {"type": "array", "items": {"type": "string"}},
            "term": {"type": "string"},
            "jurisdiction": {"type": "string"},
        },
    }
    data = pdf([[(40, 60 + 16 * number, line) for number, line in enumerate(lines)]])
    assert extracted(data, schema).value == {
        "effective_date": "2014-05-20",
        "parties": ["Northgate Shipyard, Inc.", "Tern Marine LLC"],
        "term": "3 years",
        "jurisdiction": "New York",
    }


def test_a_list_stands_in_a_column_of_a_table_whose_head_names_it():
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "skills": {"type": "array"}}}
    schema["properties"]["skills"]["items"] = {"type": "string"}
    table = b'name,email,skills\nInes Duarte,ines@example.net,"Go, Helm"\n'
    layout = read_document(ReadTask(table, "a.csv", ExtractConfig())).layout
    found = read(EmbeddedEngine(), layout, Task(schema, load(schema))).value
    assert found == {"name": "Ines Duarte", "skills": ["Go", "Helm"]}
