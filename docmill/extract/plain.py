"""Reads plain text: paragraphs are told by layout here, and what each one is by unstructured's classifier.

unstructured would download a spaCy model from the network on first use; its loader is replaced by spaCy's blank English
pipeline with a sentence splitter, which needs no file. Importing both costs 2.1 CPU-s a process, once, and only where
plain text is read. Its own paragraph grouping is not used: it runs numbered items and columns together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import cache

from docmill.config import ExtractConfig
from docmill.errors import ConfigError
from docmill.extract.builder import Builder, Fields
from docmill.extract.decoding import decode
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.reading import Reading
from docmill.extract.untyped import Foreign
from docmill.models import ElementType

_ITEM = re.compile(r"^\s*(?:[-*+•●◦▪‣–·]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\([ivx]+\))\s+\S")
_RULE = re.compile(r"^\s*([=\-~^\"'`#*+_])\1{2,}\s*$")
_COLUMNS = re.compile(r"\S(?:\t| {3,})\S")
_ORG = re.compile(r"^(\*{1,6}) +(\S.*)$")
_LEVELS = {"=": 1, "-": 2, "~": 3, "^": 4}
MAX_CLASSIFIED = 2_000
"""Characters; a longer paragraph is text without asking."""


def read_txt(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a plain text."""
    return _read(data, config, "txt")


def read_rst(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a reStructuredText: its underlined titles, paragraphs and lists."""
    return _read(data, config, "rst")


def read_org(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of an Org text: its starred titles, paragraphs and lists."""
    return _read(data, config, "org")


def _read(data: bytes, config: ExtractConfig, label: str) -> Reading:
    builder = Builder(MEDIA_TYPES[label], config)
    text, builder.metadata["charset"] = decode(data)
    add_plain(text, builder, org=label == "org")
    return builder.reading()


def add_plain(text: str, builder: Builder, *, org: bool = False, titles: bool = True) -> None:
    """Adds the paragraphs of a plain text; `org` reads lines of stars as titles.

    Without `titles` no short line becomes one: of mail, where names and greetings look like titles.
    """
    kind_of = classifier() if titles else _never_title
    for lines in paragraphs(text):
        starred = _ORG.match(lines[0]) if org and len(lines) == 1 else None
        if starred:
            builder.title(starred.group(2), len(starred.group(1)))
        elif len(lines) == 2 and _RULE.match(lines[1]) and not _RULE.match(lines[0]):
            builder.title(lines[0], _LEVELS.get(lines[1].strip()[0], 3))
        elif _ITEM.match(lines[0]):
            indent = len(lines[0].expandtabs(4)) - len(lines[0].expandtabs(4).lstrip())
            fields: Fields = {"level": min(indent // 2 + 1, 6)}
            builder.add(ElementType.LIST_ITEM, "\n".join(lines), fields)
        elif not all(_RULE.match(line) for line in lines):
            _paragraph(lines, builder, kind_of)


def _never_title(text: str) -> str:
    """A classifier for texts without titles."""
    del text
    return "Text"


def _paragraph(lines: list[str], builder: Builder, kind_of: Callable[[str], str]) -> None:
    """Adds a paragraph as title or text; a title is one short line that does not end as a sentence does."""
    text = "\n".join(lines)
    short = len(lines) == 1 and len(text) <= 120 and not text.rstrip().endswith((".", ",", ";", "!", "?", ":"))
    if short and not text.lstrip().startswith((">", "|")) and _cased(text) and kind_of(text.strip()) == "Title":
        builder.title(text, 1 if text.isupper() else 2)
    else:
        builder.add(ElementType.TEXT, text)


def _cased(text: str) -> bool:
    """Whether the text begins like a title (a capital, a digit, a script without capitals) and has letters enough."""
    stripped = text.strip()
    letters = sum(each.isalpha() for each in stripped)
    return not stripped[0].islower() and letters * 2 > len(stripped) and "@" not in stripped and "://" not in stripped


def paragraphs(text: str) -> Iterator[list[str]]:
    """The lines of each paragraph: they end at empty lines, before list items and after titles' underlines."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n"):
        if not line.strip():
            if lines:
                yield lines
            lines = []
            continue
        new_item = bool(_ITEM.match(line)) and not _RULE.match(line)
        if lines and (new_item or (len(lines) == 2 and _RULE.match(lines[1]) and not _RULE.match(lines[0]))):
            yield lines
            lines = []
        lines.append(line.rstrip())
    if lines:
        yield lines


@cache
def classifier() -> Callable[[str], str]:
    """unstructured's judgement of a text (`Title`, `NarrativeText`, `ListItem` ...), never going to the network.

    Raises ConfigError where the installed unstructured does not have the loader that must be replaced.
    """
    os.environ.setdefault("UNSTRUCTURED_DISABLE_NOTICE", "1")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("SCARF_NO_ANALYTICS", "true")
    import unstructured.nlp.tokenize as tokenize

    if not hasattr(tokenize, "_load_spacy_model"):
        raise ConfigError(
            "The installed unstructured has no unstructured.nlp.tokenize._load_spacy_model, which docmill replaces so "
            "that nothing is downloaded.",
            hint="Install the version that docmill's requirements.lock names.",
        )
    tokenize._load_spacy_model = _blank_english
    from unstructured.partition.text import element_from_text

    def kind_of(text: str) -> str:
        return str(element_from_text(text).category) if len(text) <= MAX_CLASSIFIED else "NarrativeText"

    return kind_of


def _blank_english() -> Foreign:
    """spaCy's English tokenizer with a rule-based sentence splitter: no model file."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline
