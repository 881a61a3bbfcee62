"""Tells the language of a document by its letters and words (py3langid: 97 languages, 0.3 CPU-s once a process)."""

from __future__ import annotations

from functools import cache

from docmill.extract.untyped import Foreign
from docmill.models import Element, ElementType, Extraction

_SAMPLE = 2_000
_LEAST = 20
"""Letters below which a guess is worth nothing: part lists, numbers."""
_SURE = 0.5
_TELLING = frozenset(
    {ElementType.TEXT, ElementType.LIST_ITEM, ElementType.TITLE, ElementType.AUDIO_SEGMENT, ElementType.FOOTNOTE}
)


def with_language(extraction: Extraction) -> Extraction:
    """The extraction with the ISO 639-1 code of its text in `metadata["language"]`, unless it says so or has none."""
    if extraction.metadata.get("language"):
        return extraction
    language = language_of(_sample(extraction.elements))
    if not language:
        return extraction
    return extraction.model_copy(update={"metadata": {**extraction.metadata, "language": language}})


def language_of(text: str) -> str:
    """The ISO 639-1 code of the text's language, "" where it cannot be told."""
    if sum(each.isalpha() for each in text) < _LEAST:
        return ""
    language, sure = _identifier().classify(text)
    return str(language) if sure >= _SURE else ""


def _sample(elements: tuple[Element, ...]) -> str:
    """Prose from all over the document, of each element as much as its share; tables only where there is no prose."""
    prose = [each.text for each in elements if each.type in _TELLING] or [each.text for each in elements]
    total = sum(map(len, prose))
    share = min(1.0, _SAMPLE / total) if total else 0.0
    return "\n".join(text[: max(40, round(len(text) * share))] for text in prose)[: 2 * _SAMPLE]


@cache
def _identifier() -> Foreign:
    """The model, loaded once a process; its scores are probabilities."""
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
