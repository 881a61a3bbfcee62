"""Text to typed values: numbers, dates, booleans, codes. Every reader is strict: None rather than a guess."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

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
_MONTHS = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "januar",
    "februar",
    "märz",
    "mai",
    "juni",
    "juli",
    "okt",
    "dez",
    "janvier",
    "février",
    "fevrier",
    "mars",
    "avril",
    "juin",
    "juillet",
    "août",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
    "decembre",
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
    "gennaio",
    "febbraio",
    "aprile",
    "maggio",
    "giugno",
    "luglio",
    "settembre",
    "ottobre",
    "dicembre",
    "januari",
    "februari",
    "maart",
    "mei",
    "augustus",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "sept",
    "oktober",
    "dezember",
    "janeiro",
    "fevereiro",
    "março",
    "maio",
    "junho",
    "julho",
    "setembro",
    "outubro",
    "dezembro",
    "stycznia",
    "lutego",
    "marca",
    "kwietnia",
    "maja",
    "czerwca",
    "lipca",
    "sierpnia",
    "września",
    "października",
    "listopada",
    "grudnia",
    "mrt",
    "jän",
    "gen",
    "set",
    "ott",
    "dic",
    "ene",
    "abr",
    "ago",
    "out",
    "juil",
    "déc",
    "fév",
    "avr",
]
_MONTH = "|".join(sorted(map(re.escape, _MONTHS), key=len, reverse=True))
_NUMERIC = r"(?P<a>\d{1,4})(?P<sep>[./-])\s?(?P<b>\d{1,2})(?P=sep)\s?(?P<c>\d{4}|\d{2})(?!\d)"
_SPELLED = (
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?\s*(?:day\s+of|of|de|di)?[\s.-]*(?P<month>{_MONTH})\b\.?,?[\s.-]*"
    rf"(?:de[l]?\s+)?(?P<year>\d{{4}}|['’]?\d{{2}}(?!\d))"
    rf"|(?P<month2>{_MONTH})\b\.?\s*(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s?,?\s*(?P<year2>\d{{4}})"
    rf"|(?P<year3>\d{{4}})\s+(?P<month3>{_MONTH})\b\.?\s+(?P<day3>\d{{1,2}}))"
)
_CJK = r"(?P<y>\d{4})\s?[年]\s?(?P<m>\d{1,2})\s?[月]\s?(?P<d>\d{1,2})\s?[日]"
DATE = re.compile(rf"(?<![\w./-])(?:{_NUMERIC}|{_SPELLED}|{_CJK})", re.IGNORECASE)
PARTIAL_DATE = re.compile(
    rf"(?:(?:early|mid|late|spring|summer|fall|autumn|winter)[\s-]+)?(?:(?:{_MONTH})\b\.?,?\s+)?(?:19|20)\d\d"
    r"|(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[/.](?:19|20)\d\d",
    re.IGNORECASE,
)
"""A month of a year, a season of a year, or a year."""
_TRUE = {"yes", "true", "ja", "oui", "sí", "si", "x", "☑", "☒", "✓", "✔", "paid", "wahr"}
_FALSE = {"no", "false", "nein", "nee", "non", "unpaid", "☐", "falsch"}


@dataclass(frozen=True)
class Style:
    """How the document writes numbers and dates.

    `order` is DMY, MDY or YMD, `decimal` a comma or a point; "" where nothing tells.
    """

    order: str = ""
    decimal: str = ""


@dataclass(frozen=True)
class Found:
    """A value with the characters (`start`, `end` exclusive) of the text that it stands in."""

    value: str | int | float | bool
    start: int
    end: int
    quality: float = 1.0


def plain(text: str) -> str:
    """The text in lower case without accents, punctuation and doubled spaces: the form in which labels are compared."""
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^\w%#]+", " ", text.replace("_", " ")).split())


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


def dates(text: str, style: Style) -> list[Found]:
    """All dates of a text as ISO strings; one whose day and month could be swapped only if the style tells."""
    found = []
    for match in DATE.finditer(text):
        day = _numeric_day(match, style) if match["a"] else _spelled_day(match)
        if day is not None:
            found.append(Found(day.isoformat(), match.start(), match.end()))
    return found


def _numeric_day(match: re.Match[str], style: Style) -> date | None:
    a, b, c = int(match["a"]), int(match["b"]), int(match["c"])
    if len(match["a"]) == 4:
        return _day(a, b, c)
    if len(match["a"]) > 2:
        return None
    year = c if len(match["c"]) == 4 else _century(c)
    if style.order == "YMD" and len(match["c"]) == 2:
        return _day(_century(a), b, c)
    if a > 12 or b > 12 or a == b:
        return _day(year, b, a) if b <= 12 else _day(year, a, b)
    if match["sep"] == "." or style.order == "DMY":
        return _day(year, b, a)
    return _day(year, a, b) if style.order == "MDY" else None


def _spelled_day(match: re.Match[str]) -> date | None:
    if match["y"]:
        return _day(int(match["y"]), int(match["m"]), int(match["d"]))
    for suffix in ("", "2", "3"):
        if match[f"month{suffix}"]:
            month = _month(match[f"month{suffix}"].casefold())
            year = match[f"year{suffix}"].strip("'’")
            return _day(int(year) if len(year) == 4 else _century(int(year)), month, int(match[f"day{suffix}"]))
    return None


@lru_cache(maxsize=256)
def _month(name: str) -> int:
    """The month of a name in one of the languages that dateparser knows, 0 if none."""
    import dateparser

    languages = ["en", "de", "fr", "nl", "es", "it", "pt", "pl"]
    parsed = dateparser.parse(f"1 {name} 2001", languages=languages, settings={"DATE_ORDER": "DMY"})
    return parsed.month if parsed else 0


def _century(year: int) -> int:
    return 2000 + year if year < 70 else 1900 + year


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1000 <= year <= 2200 else None
    except ValueError:
        return None


def style_of(text: str, *, order: str = "", decimal: str = "") -> Style:
    """How the document writes dates and numbers, from those that can be read in one way only."""
    return Style(order or _order(text), decimal or _decimal(text))


def _order(text: str) -> str:
    votes = {"DMY": 0, "MDY": 0}
    for match in re.finditer(rf"(?<![\w./-]){_NUMERIC}", text):
        a, b = int(match["a"]), int(match["b"])
        if len(match["a"]) <= 2 and 12 < a <= 31 and b <= 12:
            votes["DMY"] += 1
        elif len(match["a"]) <= 2 and 12 < b <= 31 and a <= 12:
            votes["MDY"] += 1
    if votes["DMY"] != votes["MDY"] and not all(votes.values()):
        return max(votes, key=lambda key: votes[key])
    if any(votes.values()):
        return ""
    return _order_by_place(text)


def _order_by_place(text: str) -> str:
    """The order of the country that the document is from, as far as its money, language and addresses show it."""
    american = bool(re.search(r"\b[A-Z]{2} \d{5}(?:-\d{4})?\b", text)) or "$" in text
    words = set(plain(text).split())
    strangers = words & {
        "und",
        "der",
        "die",
        "het",
        "een",
        "van",
        "le",
        "les",
        "et",
        "el",
        "los",
        "del",
        "per",
        "il",
        "rechnung",
        "factuur",
        "facture",
        "factura",
        "datum",
    }
    elsewhere = bool(re.search(r"[€£₹]|\bEUR\b|\bGBP\b|\bVAT\b|\bGST\b", text)) or len(strangers) >= 3
    return "" if american == elsewhere else "MDY" if american else "DMY"


def _decimal(text: str) -> str:
    comma = len(re.findall(r"\d,\d{2}(?![\d,.])", text))
    point = len(re.findall(r"\d\.\d{2}(?![\d,.])", text))
    return "" if comma == point else "," if comma > point else "."


def boolean(text: str) -> bool | None:
    """Yes or no where the text says nothing else."""
    word = text.strip(" .:").casefold()
    return True if word in _TRUE else False if word in _FALSE else None


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
