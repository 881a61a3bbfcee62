"""Numbers, dates and codes are read strictly: nothing rather than a guess."""

import pytest

from docmill.structured.dates import dates
from docmill.structured.formats import FINDERS
from docmill.structured.numbers import numbers, style_of
from docmill.structured.values import Style


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$ 1,234.50", 1234.5),
        ("1.234,50 EUR", 1234.5),
        ("(7.00)", -7.0),
        ("€ -9,32", -9.32),
        ("10 000,50 zł", 10000.5),
        ("Rs 1939", 1939.0),
        ("1'250.00", 1250.0),
    ],
)
def test_numbers(text: str, value: float):
    assert [found.value for found in numbers(text, Style())] == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3. März 2024", "2024-03-03"),
        ("August 3 , 2014", "2014-08-03"),
        ("15 de enero de 2024", "2024-01-15"),
        ("1er janvier 2024", "2024-01-01"),
        ("20th day of May, 2014", "2014-05-20"),
        ("31/12/2017", "2017-12-31"),
        ("2024-01-05", "2024-01-05"),
        ("2024年3月5日", "2024-03-05"),
    ],
)
def test_dates(text: str, value: str):
    assert [found.value for found in dates(text, Style())] == [value]


def test_a_date_that_could_be_two_is_none_until_the_document_tells():
    assert dates("03/04/2026", Style()) == []
    style = style_of("Due 25/04/2026, paid 03/04/2026")
    assert dates("03/04/2026", style)[0].value == "2026-04-03"


def test_numbers_are_no_parts_of_dates_or_words():
    assert numbers("INV/2023/03/0008 of 03.04.2026", Style()) == []


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("iban", "IBAN DE89 3704 0044 0532 0130 00 Bank", "DE89 3704 0044 0532 0130 00"),
        ("vat", "BTW NL810433941B01", "NL810433941B01"),
        ("email", "to a.b@example.com.", "a.b@example.com"),
        ("phone", "(870)-931-0505 or", "(870)-931-0505"),
        ("url", "see www.example.com", "www.example.com"),
    ],
)
def test_forms(kind: str, text: str, value: str):
    assert [found.value for found in FINDERS[kind](text)] == [value]


def test_years_and_amounts_are_no_telephone_numbers():
    assert FINDERS["phone"]("1986 - 1991, 0.00 15.00") == []
