"""Values that can be told by their form alone: e-mail, links, telephone numbers, account and tax numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from docmill.structured.values import Found

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"(?:https?://|www\.)[^\s,;()<>]+|(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|eu|nl|de|fr|co\.uk|be|at|ch|it|es)(?:/[^\s,;()]*)?(?![\w@])",
                  re.IGNORECASE)  # fmt: skip
_PHONE = re.compile(r"(?<![\w.,/])\+?\(?\d[\d\s().\-/]{6,18}\d(?![\w,/])")
_CALLED = re.compile(
    r"(?:\b(?:tel\w*|t[eé]l[eé]\w*|phone|mobile|mob|cell|fax|call|handy|gsm)|\b[tmpf][.:]|☎|✆)\W*\w{0,8}\W*$",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{2,4}){3,8}\b|\b[A-Z]{2}\d{10,30}\b")
_BIC = re.compile(r"\b[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b")
_VAT = re.compile(r"\b(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|CHE|XI)[\s.-]?[A-Z0-9](?:[\s.-]?[A-Z0-9]){6,13}\b")  # fmt: skip
_GSTIN = re.compile(r"\b\d{2}[A-Z]{5}\d{4}[A-Z][A-Z\d]Z[A-Z\d]\b")


def emails(text: str) -> list[Found]:
    """E-mail addresses."""
    return [Found(match[0].rstrip("."), match.start(), match.end()) for match in _EMAIL.finditer(text)]


def links(text: str) -> list[Found]:
    """Web addresses, with or without their scheme."""
    found = []
    for match in _URL.finditer(text):
        value = match[0].rstrip(".")
        if not (match.start() and text[match.start() - 1] == "@"):
            found.append(Found(value, match.start(), match.start() + len(value)))
    return found


def phones(text: str) -> list[Found]:
    """Telephone numbers: with a country's prefix they must be possible there, without one they must be grouped."""
    import phonenumbers

    found = []
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if match[0].startswith("+"):
            try:
                possible = phonenumbers.is_possible_number(phonenumbers.parse(match[0]))
            except phonenumbers.NumberParseException:
                possible = False
        else:
            possible = 7 <= len(digits) <= 13 and bool(re.search(r"[\s().\-/]", match[0]))
            possible = possible and not re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", match[0])
            possible = possible and not re.fullmatch(r"(?:(?:19|20)\d\d[\s/–-]*)+", match[0])
            possible = possible and not ("." in match[0] and " " in match[0])  # two amounts side by side
            possible = possible and (_dialled(match[0]) or bool(_CALLED.search(text[: match.start()])))
        if possible:
            found.append(Found(match[0].strip(), match.start(), match.end(), 0.9))
    return found


def _dialled(number: str) -> bool:
    """Whether a number without a label is written as telephone numbers are, and not as ranges of pages or years."""
    balanced = number.count("(") == number.count(")")
    return balanced and (number.startswith(("0", "(")) or len(re.findall(r"\d+", number)) >= 3)


def ibans(text: str) -> list[Found]:
    """Account numbers; one whose check digits are right has quality 1."""
    from stdnum import iban

    found = []
    for match in _IBAN.finditer(text):
        value = match[0]
        parts = value.split(" ")
        while len(parts) > 1 and not iban.is_valid(" ".join(parts)):
            parts.pop()
        good = iban.is_valid(" ".join(parts))
        shown = " ".join(parts) if good else value
        found.append(Found(shown, match.start(), match.start() + len(shown), 1.0 if good else 0.75))
    return found


def bics(text: str) -> list[Found]:
    """Bank codes."""
    from stdnum import bic

    return [Found(m[0], m.start(), m.end(), 0.7) for m in _BIC.finditer(text) if bic.is_valid(m[0])]


def vats(text: str) -> list[Found]:
    """Tax numbers of the EU and of India; quality 1 where the check digits are right."""
    from stdnum.eu import vat

    found = [Found(m[0], m.start(), m.end()) for m in _GSTIN.finditer(text)]
    for match in _VAT.finditer(text):
        good = vat.is_valid(match[0])
        if good or any(char.isdigit() for char in match[0][2:4]):
            found.append(Found(match[0], match.start(), match.end(), 1.0 if good else 0.6))
    return found


FINDERS: dict[str, Callable[[str], list[Found]]] = {
    "email": emails,
    "url": links,
    "phone": phones,
    "iban": ibans,
    "bic": bics,
    "vat": vats,
}
"""What finds the values of a kind."""
