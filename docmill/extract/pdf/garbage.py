"""Text layers that do not say what the page shows: wrongly mapped fonts, and poor OCR layers behind scans.

Only statistics that hold for any language in Latin letters are used, and they only make a page suspect: it is then read
by OCR, and what OCR says decides. So a page of part numbers, which looks as odd, keeps its own characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

_VOWELS = frozenset("aeiouy")
_WORD = re.compile(r"[^\W\d_]+")
_CASE = re.compile(r"[a-z][A-Z]")
_SHAPE = re.compile(
    r"[bcdfghjklmnpqrstvwxz]{5}|[aeiouy]{4}|"
    r"\w[^\w\s'’.,:/&@+\-–—()=%€$#*]+\w|[^\W\d_][0-9]+[^\W\d_]{2}|[a-z]{2}[0-9][a-z]"
)
"""What small words of no language have: many consonants or vowels in a row, signs or digits between letters."""
_FEW_LETTERS, _FEW_WORDS = 150, 25
_LEAST_VOWELS, _MOST_VOWELS = 0.22, 0.72
_ODD = 0.2
"""Share of words with an odd shape from which a text is suspect; real text in European languages stays below 0.05."""
_POOR_OCR = 0.08
"""The same for the text behind a scan: OCR that good engines would not deliver."""
_MEANINGLESS = 0.1
_SAME = 0.5


def suspicion(text: str, *, behind_scan: bool) -> str:
    """Why the text may not be what the page shows, "" for text that looks well or is too short to judge.

    `behind_scan`: the page is a picture with the text laid over it, so that the text comes from an OCR program.
    """
    shown = Counter("".join(text.split()))
    odd = [each for each in shown if unicodedata.category(each) in ("Co", "Cn", "Cc") or each == "\ufffd"]
    meaningless = sum(shown[each] for each in odd)
    if meaningless >= 10 and meaningless > _MEANINGLESS * shown.total():
        return "characters without meaning in the text layer"
    words = [each for each in _WORD.findall(text) if len(each) >= 3]
    latin = [each for each in words if each.isascii()]
    latin += [each for word in words if not word.isascii() and (each := _plain(word)).isascii() and each.isalpha()]
    letters = sum(map(len, latin))
    if letters < _FEW_LETTERS or len(latin) < _FEW_WORDS or len(latin) < 0.6 * len(words):
        return ""
    joined = "".join(latin).lower()
    vowels = sum(joined.count(each) for each in _VOWELS) / letters
    if not _LEAST_VOWELS <= vowels <= _MOST_VOWELS:
        return f"letters of the text layer are those of no language ({vowels:.0%} vowels)"
    share = odd_share(text)
    if share > (_POOR_OCR if behind_scan else _ODD):
        what = "the text behind the scan is poor" if behind_scan else "words of the text layer are those of no language"
        return f"{what} ({share:.0%} of them are odd)"
    return ""


def odd_share(text: str) -> float:
    """The share of words with a shape that words of no language have: `tHls`, `w1nch`, `xkcdq`, `h~ll`."""
    judged = [odd for word in text.split() if (odd := _is_odd(word)) is not None]
    return sum(judged) / len(judged) if judged else 0.0


@lru_cache(maxsize=20_000)
def _is_odd(word: str) -> bool | None:
    """Whether the word's shape is that of no language; None for what is no word: fewer than three letters, a path."""
    if "\\" in word or sum(map(str.isalpha, word)) < 3:
        return None
    if _SHAPE.search(_plain(word)):
        return True
    ascii_only = word if word.isascii() else "".join(c for c in unicodedata.normalize("NFD", word) if c.isascii())
    return _CASE.search(ascii_only) is not None


def _plain(word: str) -> str:
    """The word in small letters without accents."""
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFD", word.lower().replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    return "".join(each for each in parts if not unicodedata.combining(each))


def says_the_same(text: str, recognised: str) -> bool:
    """Whether half of the words that OCR reads stand in the text, too: then the text layer is right."""
    seen, there = _bag(recognised), _bag(text)
    return sum((seen & there).values()) >= _SAME * sum(seen.values())


def _bag(text: str) -> Counter[str]:
    return Counter(each for each in re.findall(r"\w+", text.lower()) if len(each) >= 2)


def is_better(recognised: str, text: str, confidences: Sequence[float]) -> bool:
    """Whether OCR read the page surely, and with fewer odd words than the text has."""
    if len(recognised.strip()) < 20 or not confidences:
        return False
    return sum(confidences) / len(confidences) >= 0.85 and odd_share(recognised) <= odd_share(text)
