"""Texts as the terms that BM25 counts, the same on every engine: Milvus Lite has no stemmer, old servers no analyzers.

Letters and digits are parted and also joined (`FY2018` is `fy`, `2018` and `fy2018`; `P-7` is `p`, `7` and `p7`), so
that either spelling finds the other. Numbers lose their thousands separators. Words are stemmed (Snowball); scripts
without spaces between words become pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import Stemmer

_THOUSANDS = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")
_TOKEN = re.compile(r"\w+(?:[-/.&+]\w+)*")
_PART = re.compile(r"[^\W\d_]+|\d+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
_LONGEST_JOINED = 24
_LARGEST = 60_000
"""Bytes of terms that are indexed of one text: Milvus takes 65,535."""
_ENGLISH = """
a about an and any are as at be been but by can could did do does for from had has have he her his how i if in into is
it its me my no not of on or our she should so such than that the their them then there these they this those to us was
we were what when where which who whom why will with would you your
"""
_STOP_WORDS = frozenset(_ENGLISH.split())


@lru_cache(maxsize=8)
def _stemmer(language: str) -> Stemmer.Stemmer:
    import Stemmer

    return Stemmer.Stemmer(language)


def terms(text: str, language: str = "english") -> list[str]:
    """The terms of a text in order. `language` is a Snowball algorithm's; with "" nothing is stemmed or left out."""
    plain = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).lower())
    words = [word for token in _TOKEN.findall(plain) for word in _words(token)]
    if not language:
        return words
    kept = [word for word in words if word not in _STOP_WORDS] if language == "english" else words
    stemmed: Sequence[str] = _stemmer(language).stemWords(kept)
    return list(stemmed)


def _words(token: str) -> Iterator[str]:
    if _UNSPACED.search(token):
        for run in _UNSPACED.findall(token):
            yield from (run[start : start + 2] for start in range(max(1, len(run) - 1)))
        token = _UNSPACED.sub(" ", token)
    parts = _PART.findall(token)
    yield from parts
    joined = "".join(parts)
    mixed = any(part.isdigit() for part in parts) and not joined.isdigit()
    if len(parts) > 1 and mixed and len(joined) <= _LONGEST_JOINED:
        yield joined


def analyzed(text: str, language: str = "english") -> str:
    """The terms with spaces between them, as the index takes them; cut behind a term where they are too many."""
    joined = " ".join(terms(text, language))
    data = joined.encode()
    if len(data) <= _LARGEST:
        return joined
    return data[:_LARGEST].decode(errors="ignore").rpartition(" ")[0]
