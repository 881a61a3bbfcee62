"""The words beside a label as a value of the wanted kind: which of the words it is, and the value that they write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docmill.models import Scalar
from docmill.structured.dates import PARTIAL_DATE, dates
from docmill.structured.formats import FINDERS
from docmill.structured.numbers import CURRENCY_SIGNS, currency, numbers
from docmill.structured.targets import Target, iso_wanted
from docmill.structured.values import Found, Style, boolean, plain
from docmill.structured.words import Word

_ID = re.compile(r"#?[A-Za-z0-9][\w\-/.&]*(?<![.\-/])")
_LONGEST_TEXT = 160
_DURATION = re.compile(r"\b(?:\d{1,3}|one|two|three|four|five|ten)\s+(?:years?|months?|days?|weeks?)\b", re.IGNORECASE)
_STOP = frozenset(
    (
        "and",
        "or",
        "the",
        "for",
        "of",
        "to",
        "in",
        "on",
        "page",
        "von",
        "und",
        "der",
        "die",
        "das",
        "de",
        "la",
        "le",
        "et",
    )
)


@dataclass(frozen=True)
class Value:
    """A value with the words that write it; `fit` (0 to 1) is how well they suit the kind."""

    value: Scalar
    words: tuple[Word, ...]
    fit: float


def text_of(words: Sequence[Word]) -> str:
    """The words apart by spaces."""
    return " ".join(word.text for word in words)


def read(target: Target, words: Sequence[Word], style: Style) -> list[Value]:
    """The values of the target's kind among the words, in their order."""
    node, kind = target.node, target.kind
    if kind in ("money", "number", "integer", "percent"):
        return _amounts(kind, node.kind, words, style)
    if kind in ("date", "effective"):
        found = _found(dates(text_of(words), style), words)
        if not found and node.kind == "string" and node.format == "":
            return _partial_date(words)
        return found if iso_wanted(node) else [Value(text_of(each.words), each.words, each.fit) for each in found]
    if kind == "enum":
        return members(target, words)
    if kind == "boolean":
        answer = boolean(text_of(words))
        return [] if answer is None else [Value(answer, tuple(words), 1.0)]
    if kind in FINDERS:
        return _by_form(kind, words)
    if kind in ("currency", "sign"):
        return _currency(target, words)
    if kind == "code" and re.fullmatch(r"[A-Z]{2,5}[,;]?", words[0].text):
        return [Value(words[0].text.strip(",;"), tuple(words[:1]), 1.0)]
    if kind in ("id", "code"):
        return _identifier(words)
    if kind == "law" and len(words) > 6:
        return []  # a sentence about the law: what it says is found by its wording
    if kind == "term":
        match = _DURATION.search(text_of(words)[:60])
        return [Value(match[0], spanned(words, match.start(), match.end()), 1.0)] if match else []
    if kind == "any":
        return _amounts("number", "number", words, style) or _text(words)
    return _text(words)


def _partial_date(words: Sequence[Word]) -> list[Value]:
    """A month of a year, or a year, where nothing else is written."""
    text = text_of(words).strip(" ,.;")
    return [Value(text, tuple(words), 0.95)] if PARTIAL_DATE.fullmatch(text) else []


def in_prose(words: Sequence[Word]) -> bool:
    """Whether the words are a piece of running text rather than a value: mostly small words, or a sentence's end."""
    spelled = [word.text for word in words if word.text[:1].isalpha()]
    small = sum(text[:1].islower() for text in spelled)
    if len(words) >= 5 and re.search(r"[a-z)]\.$", words[-1].text) and small >= 2:
        return True
    return len(spelled) >= 6 and small > 0.5 * len(spelled)


def _found(found: Sequence[Found], words: Sequence[Word]) -> list[Value]:
    return [Value(each.value, spanned(words, each.start, each.end), each.quality) for each in found]


def spanned(words: Sequence[Word], start: int, end: int) -> tuple[Word, ...]:
    """The words that hold some characters of their joined text."""
    chosen, position = [], 0
    for word in words:
        after = position + len(word.text)
        if position < end and start < after:
            chosen.append(word)
        position = after + 1
    return tuple(chosen)


def _amounts(kind: str, node_kind: str, words: Sequence[Word], style: Style) -> list[Value]:
    text = text_of(words)
    values = []
    for each in numbers(text, style):
        shown = text[each.start : each.end]
        share = "%" in shown
        if share and kind == "money":
            continue
        number = float(each.value)
        if node_kind == "integer":
            if number != int(number):
                continue
            number = int(number)
        before = text[: each.start]
        fit = 1.0 if not re.search(r"\w", _without_signs(before)) else 0.72
        if kind == "percent" and not share:
            fit *= 0.85
        if kind == "money" and not re.search(r"[.,]\d{2}(?!\d)|[^\d\s.,]", shown):
            fit *= 0.93
        value = str(shown) if node_kind in ("string",) else number
        values.append(Value(value, spanned(words, each.start, each.end), fit))
    return values


def _without_signs(text: str) -> str:
    text = re.sub(r"\(?\d+(?:[.,]\d+)?\s*%\)?", "", text)
    return re.sub(r"\b(?:[A-Z]{3}|Rs)\b", "", text)


def members(target: Target, words: Sequence[Word]) -> list[Value]:
    """The members of the enumeration that the words name, the longest first."""
    said = f" {plain(text_of(words))} "
    found = []
    for member in sorted(target.node.enum, key=lambda each: -len(str(each))):
        form = plain(str(member))
        if form and f" {form} " in said:
            start = said.index(f" {form} ")
            count = len(said[:start].split())
            named = list(words)[count : count + len(form.split())] or list(words)
            found.append(Value(member if not isinstance(member, dict | list) else str(member), tuple(named), 0.95))
    return found[:1]


def _by_form(kind: str, words: Sequence[Word]) -> list[Value]:
    text = text_of(words)
    found = _found(FINDERS[kind](text), words)
    if found or kind not in ("iban", "vat", "phone", "bic"):
        return found
    match = _ID.search(text)
    if kind in ("iban", "vat") and match is not None and sum(char.isdigit() for char in match[0]) >= 5:
        return [Value(match[0], spanned(words, match.start(), match.end()), 0.85)]
    return []


def _currency(target: Target, words: Sequence[Word]) -> list[Value]:
    text = text_of(words)
    named = currency(text)
    if named is None:
        return []
    span = spanned(words, named.start, named.end)
    if target.kind == "sign":
        shown = text[named.start : named.end]
        return [Value(shown, span, named.quality)] if shown in CURRENCY_SIGNS else []
    code = str(named.value)
    enum = target.node.enum
    if enum and code not in enum:
        return []
    return [Value(code, span, named.quality)]


def _identifier(words: Sequence[Word]) -> list[Value]:
    """The first words with a digit; further ones belong to it while they are short and hold digits, too."""
    chosen: list[Word] = []
    for word in list(words)[:6]:
        shown = word.text.strip(",;:()")
        if _ID.fullmatch(shown) and any(char.isdigit() for char in shown):
            chosen.append(word)
        elif chosen:
            break
    if chosen:
        first = words.index(chosen[0])
        whole = first + len(chosen) == len(words)
        used = chosen if whole and len(chosen) <= 4 else chosen[:1]
        text = text_of(used).strip(",;:()").lstrip("#").strip()
        marked = first == 1 and plain(words[0].text) in ("#", "nr", "no", "n")
        fit = 1.0 if first == 0 or marked else 0.9 if first == 1 else 0.7
        fit *= 0.5 if re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|[\d.,]+[.,]\d{2}|\d+%|\d", text) else 1.0
        return [Value(text, tuple(used), fit)]
    shown = text_of(words).strip(" ,;:")
    if len(words) == 1 and len(shown) >= 2 and shown.casefold() not in _STOP and shown.upper() == shown:
        return [Value(shown, tuple(words), 0.85)]
    return []


def _text(words: Sequence[Word]) -> list[Value]:
    kept = list(words)
    while kept and not re.search(r"[^\W_]", kept[0].text):
        kept.pop(0)
    text = text_of(kept).strip(" ,;:")
    if not text or len(text) > _LONGEST_TEXT or text_of(words).rstrip().endswith(":"):
        return []
    prose = text[:1].islower() and len(text.split()) > 3
    return [Value(text, tuple(kept), 0.75 if prose else 0.95)]
