"""What readers of text give and share: values with their places, how a document writes, plain words, yes and no."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

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


def boolean(text: str) -> bool | None:
    """Yes or no where the text says nothing else."""
    word = text.strip(" .:").casefold()
    return True if word in _TRUE else False if word in _FALSE else None
