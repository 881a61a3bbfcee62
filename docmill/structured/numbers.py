"""Numbers and currencies in a text, and how it writes them. Every reader is strict: None rather than a guess."""

from __future__ import annotations

import re

from docmill.structured.dates import DATE, date_order
from docmill.structured.values import Found, Style

CURRENCY_SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "zł": "PLN",
    "Kč": "CZK",
    "₽": "RUB",
    "₩": "KRW",
    "US$": "USD",
    "$": "USD",
    "Rs": "INR",
    "Rs.": "INR",
    "CHF": "CHF",
    "Fr.": "CHF",
}
CURRENCIES = frozenset(
    (
        "USD",
        "EUR",
        "GBP",
        "CHF",
        "JPY",
        "CNY",
        "INR",
        "AUD",
        "CAD",
        "NZD",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "TRY",
        "RUB",
        "BRL",
        "MXN",
        "ZAR",
        "SGD",
        "HKD",
        "KRW",
        "THB",
        "IDR",
        "MYR",
        "PHP",
        "AED",
        "SAR",
        "ILS",
        "ARS",
        "CLP",
        "COP",
        "TWD",
        "VND",
        "UAH",
        "ISK",
    )
)
_CODE = "|".join(sorted(CURRENCIES))
NUMBER = re.compile(
    rf"(?<![\w.,/-])(?P<sign>[-–−+(]?\s?)(?:(?P<before>US\$|[€£¥₹$]|Rs\.?|(?:{_CODE})(?=\s?[-\d]))\s?)?(?P<minus>[-–−]?)"
    r"(?P<digits>\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    rf"(?P<after>\s?(?:%|€|£|zł|Kč|-(?!\d)|(?:{_CODE})\b|\)))?(?P<tail>[\w/]?)"
)


def number(digits: str, style: Style) -> float | None:
    """The value of digits with separators; None where a separator could be either and nothing tells which."""
    text = re.sub(r"[\s'’\u00a0\u202f]", "", digits)
    marks = [mark for mark in ".," if mark in text]
    if len(marks) == 2:
        decimal = max(marks, key=text.rindex)
        text = text.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    elif marks:
        text = _one_mark(text, marks[0], style)
    try:
        return float(text)
    except ValueError:
        return None


def _one_mark(text: str, mark: str, style: Style) -> str:
    whole, _, rest = text.rpartition(mark)
    groups = text.count(mark) > 1
    thousands = len(rest) == 3 and whole.strip("0") != "" and (style.decimal != mark if style.decimal else mark == ",")
    if groups or thousands:
        return text.replace(mark, "")
    return text.replace(mark, ".")


def numbers(text: str, style: Style) -> list[Found]:
    """All numbers of a text, with their currency signs and signs of minus; parts of words and dates are none."""
    dates = [match.span() for match in DATE.finditer(text)]
    found = []
    for match in NUMBER.finditer(text):
        start, end = match.span()
        if match["tail"]:
            continue
        if any(a < end and start < b for a, b in dates):
            continue
        value = number(match["digits"], style)
        if value is None:
            continue
        after = (match["after"] or "").strip()
        bracketed = match["sign"].strip() == "(" and after == ")"
        if (match["sign"].strip() in "-–−" and match["sign"].strip()) or match["minus"] or after == "-" or bracketed:
            value = -value
        lead = len(match["sign"]) - len(match["sign"].lstrip())
        if match["sign"].strip() == "(" and not bracketed:
            lead += 1
        trail = 0 if after != ")" or bracketed else len(match["after"] or "")
        found.append(
            Found(value, start + lead, end - trail, 1.0 if match["before"] or "." in str(match["digits"]) else 0.95)
        )
    return found


def style_of(text: str, *, order: str = "", decimal: str = "") -> Style:
    """How the document writes dates and numbers, from those that can be read in one way only."""
    return Style(order or date_order(text), decimal or _decimal(text))


def _decimal(text: str) -> str:
    comma = len(re.findall(r"\d,\d{2}(?![\d,.])", text))
    point = len(re.findall(r"\d\.\d{2}(?![\d,.])", text))
    return "" if comma == point else "," if comma > point else "."


def currency(text: str) -> Found | None:
    """The ISO code of the first currency named in a text."""
    match = re.search(r"\b(" + "|".join(sorted(CURRENCIES)) + r")\b", text)
    if match:
        return Found(match[1], match.start(), match.end())
    for sign, code in CURRENCY_SIGNS.items():
        pattern = re.escape(sign) if not sign[0].isalpha() else rf"(?<!\w){re.escape(sign)}(?!\w)"
        if (match := re.search(pattern, text)) is not None:
            return Found(code, match.start(), match.end(), 0.9)
    return None
