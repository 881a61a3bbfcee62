"""Personal data is taken out of every part of an element, and what has only its look stays."""

import pytest

from docmill.config import RedactConfig
from docmill.enrich import Redactor
from docmill.errors import ConfigError
from docmill.models import BBox, Cell, Element, ElementType, Extraction, Line, Link, Table

ALL = ("email", "phone", "iban", "card", "ip", "id")


def replaced(text: str, **settings) -> str:
    return Redactor(RedactConfig(**{"kinds": ALL} | settings)).replace(text)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to anna.berg+x@example.co.uk, please.", "Write to [email], please."),
        ("Call +49 30 123456 or (212) 555-0123.", "Call [phone] or [phone]."),
        ("IBAN GB33 BUKB 2020 1555 5555 55 at our bank", "IBAN [iban] at our bank"),
        ("Card 4111 1111 1111 1111, 12/27", "Card [card], 12/27"),
        ("From 192.168.10.4 to 2001:db8::1 today", "From [ip] to [ip] today"),
        ("SSN 536-22-1234.", "SSN [id]."),
        ("Steuer-ID 36 574 261 809", "Steuer-ID [id]"),
    ],
)
def test_kind_stands_instead_of_the_value(text: str, expected: str):
    assert replaced(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The pump P-7 delivers 12.5 litres a minute at 40 bar.",
        "Order 4111 1111 1111 1112 of 2026-05-17, 10:30:00",
        "Version 1.2.3 and GB33 BUKB 2020 1555 5555 56",
        "Table 3.1 | 1,250.00 | 987654321",
    ],
)
def test_what_has_only_the_look_stays(text: str):
    assert replaced(text) == text


def test_only_the_kinds_asked_for():
    text = "anna@example.com, 192.168.10.4"
    assert replaced(text, kinds=("ip",)) == "anna@example.com, [ip]"


def test_names_and_patterns_of_the_settings():
    settings = {"names": ("Anna Berg",), "patterns": {"customer": r"C-\d{4}"}}
    assert replaced("Anna Berg (C-1234), not Bergen", **settings) == "[name] ([customer]), not Bergen"


def test_every_part_of_an_element_and_what_is_recorded():
    mail = "anna@example.com"
    table = Table(rows=1, columns=1, cells=(Cell(row=0, column=0, text=mail),), title=mail)
    line = Line(text=mail, bbox=BBox(x0=0, y0=0, x1=1, y1=1))
    element = Element(
        ordinal=0, type=ElementType.TABLE, text=f"{mail} {mail}", page=3, table=table, lines=(line,),
        links=(Link(uri=f"mailto:{mail}", text=mail),), metadata={"alt_text": mail, "rows": 1},
    )  # fmt: skip
    extraction = Extraction(media_type="text/plain", elements=(element,), metadata={"author": mail})
    redacted, found = Redactor(RedactConfig(kinds=("email",))).redact(extraction)
    assert mail not in redacted.model_dump_json()
    assert redacted.elements[0].metadata["redacted"] == "email: 3"
    assert found == {"email": 4}


def test_nothing_found_changes_nothing():
    extraction = Extraction(media_type="text/plain", elements=(Element(ordinal=0, type=ElementType.TEXT, text="Pump"),))
    assert Redactor(RedactConfig(kinds=ALL)).redact(extraction) == (extraction, {})


@pytest.mark.parametrize("settings", [{"patterns": {"x": "("}}, {"kinds": ("id",), "regions": ("ZZ",)}])
def test_settings_that_cannot_work_are_named(settings: dict):
    with pytest.raises(ConfigError, match=r"pipeline\.enrich\.redact"):
        Redactor(RedactConfig(**settings))
