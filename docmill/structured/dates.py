"""Dates in a text, and in which order it writes them. Every reader is strict: None rather than a guess."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from docmill.structured.values import Found, Style, plain

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


def date_order(text: str) -> str:
    """The order of day, month and year, DMY or MDY, from dates that can be read in one way only; "" if none tells."""
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
