"""Takes personal data out of elements and tells what was taken, never its value.

Numbers count only where their check digits are right and they stand alone: a part number is no credit card. Found are
the kinds that have a form; names have none and are taken out where the settings name them.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from docmill.config import RedactConfig
from docmill.errors import ConfigError
from docmill.extract.untyped import Foreign
from docmill.models import Element, Extraction, Scalar

_EMAIL = re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)")
_CARD = re.compile(r"(?<![\w.,-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w.:]\w)")
_NUMBER = re.compile(r"(?<![\w.,-])[A-Z]?\d[A-Z0-9]*(?:[ ./-]?[A-Z0-9]+){0,6}(?![\w-])")
_SSN = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")

_IDS: Mapping[str, tuple[str, ...]] = {
    "AT": ("at.vnr",),
    "BE": ("be.nn",),
    "BR": ("br.cpf",),
    "CH": ("ch.ssn",),
    "DE": ("de.idnr",),
    "ES": ("es.dni", "es.nie"),
    "FI": ("fi.hetu",),
    "FR": ("fr.nir", "fr.nif"),
    "GB": ("gb.nhs",),
    "IN": ("in_.aadhaar", "in_.pan"),
    "IT": ("it.codicefiscale",),
    "NL": ("nl.bsn",),
    "PL": ("pl.pesel",),
    "SE": ("se.personnummer",),
    "US": (),
}
"""Region to python-stdnum's modules of people's numbers; a US number has no check digit and must be written with
hyphens."""

_Place = tuple[int, int, str]


class Redactor:
    """Finds and replaces the kinds of data that the settings name. Raises ConfigError for settings that cannot work."""

    def __init__(self, config: RedactConfig) -> None:
        self._config = config
        self._patterns = {kind: _compiled(kind, pattern) for kind, pattern in config.patterns.items()}
        unknown = sorted(set(config.regions) - set(_IDS)) if "id" in config.kinds else []
        if unknown:
            raise ConfigError(
                f"No numbers of people are known for {', '.join(unknown)}.",
                hint=f"Set pipeline.enrich.redact.regions to some of {', '.join(_IDS)}, or leave out the kind id.",
            )
        if config.names:
            names = "|".join(re.escape(each) for each in sorted(config.names, key=len, reverse=True))
            self._patterns["name"] = re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)

    def redact(self, extraction: Extraction) -> tuple[Extraction, dict[str, int]]:
        """The extraction with `[email]` and the like instead of the data, and how often each kind was found.

        Each element's metadata says in `redacted` what was taken out of it, such as `email: 2`.
        """
        total: Counter[str] = Counter()
        elements = []
        for element in extraction.elements:
            changed, found = self._element(element)
            elements.append(changed)
            total += found
        metadata, in_metadata = self._metadata(extraction.metadata)
        total += in_metadata
        outline = tuple(
            entry.model_copy(update={"title": self.replace(entry.title)[0]}) for entry in extraction.outline
        )
        if total:
            metadata = {**metadata, "redacted": _sentence(total)}
        changes = {"elements": tuple(elements), "metadata": metadata, "outline": outline}
        return extraction.model_copy(update=changes), dict(sorted(total.items()))

    def replace(self, text: str) -> tuple[str, Counter[str]]:
        """The text with the kind in brackets instead of each piece of data, and how many of each kind there were."""
        parts: list[str] = []
        found: Counter[str] = Counter()
        done = 0
        for start, end, kind in self._places(text):
            parts += [text[done:start], f"[{kind}]"]
            found[kind] += 1
            done = end
        return "".join([*parts, text[done:]]), found

    def _element(self, element: Element) -> tuple[Element, Counter[str]]:
        """The element with all of its texts replaced; counted is what stood in its text and metadata."""
        text, found = self.replace(element.text)
        metadata, in_metadata = self._metadata(element.metadata)
        changes: dict[str, object] = {"text": text, "metadata": metadata}
        if element.table is not None:
            cells = tuple(
                cell.model_copy(update={"text": self.replace(cell.text)[0], "formula": self.replace(cell.formula)[0]})
                if cell.text
                else cell
                for cell in element.table.cells
            )
            title = self.replace(element.table.title)[0]
            changes["table"] = element.table.model_copy(update={"cells": cells, "title": title})
        changes["lines"] = tuple(line.model_copy(update={"text": self.replace(line.text)[0]}) for line in element.lines)
        changes["links"] = tuple(
            link.model_copy(update={"uri": self.replace(link.uri)[0], "text": self.replace(link.text)[0]})
            for link in element.links
        )
        found += in_metadata
        if found:
            changes["metadata"] = {**metadata, "redacted": _sentence(found)}
        return element.model_copy(update=changes), found

    def _metadata(self, metadata: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], Counter[str]]:
        found: Counter[str] = Counter()
        changed: dict[str, Scalar] = {}
        for name, value in metadata.items():
            if isinstance(value, str):
                value, more = self.replace(value)
                found += more
            changed[name] = value
        return changed, found

    def _places(self, text: str) -> list[_Place]:
        """Where data stands, in order and apart; where two kinds overlap the one that is looked for first wins."""
        taken: list[_Place] = []
        for place in self._candidates(text):
            if all(place[1] <= start or end <= place[0] for start, end, _ in taken):
                taken.append(place)
        return sorted(taken)

    def _candidates(self, text: str) -> Iterator[_Place]:
        for kind, pattern in self._patterns.items():
            yield from ((match.start(), match.end(), kind) for match in pattern.finditer(text) if match.group())
        for kind, find in _FINDERS.items():
            if kind in self._config.kinds:
                yield from ((start, end, kind) for start, end in find(text))
        if "id" in self._config.kinds:
            yield from self._ids(text)
        if "phone" in self._config.kinds:
            yield from self._phones(text)

    def _ids(self, text: str) -> Iterator[_Place]:
        if "US" in self._config.regions:
            yield from ((match.start(), match.end(), "id") for match in _SSN.finditer(text))
        for match in _NUMBER.finditer(text):
            if sum(each.isdigit() for each in match.group()) >= 7 and any(
                module.is_valid(match.group()) for module in self._modules
            ):
                yield match.start(), match.end(), "id"

    def _phones(self, text: str) -> Iterator[_Place]:
        if sum(each.isdigit() for each in text) < 5:
            return
        phonenumbers = _library("phonenumbers")
        for region in self._config.regions:
            for match in phonenumbers.PhoneNumberMatcher(text, region):
                yield match.start, match.end, "phone"

    @cached_property
    def _modules(self) -> list[Foreign]:
        return [_library(f"stdnum.{name}") for region in self._config.regions for name in _IDS[region]]


def _emails(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _EMAIL.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    valid = _library("stdnum.iban").is_valid
    for match in _IBAN.finditer(text):
        words = match.group().split(" ")
        for count in range(len(words), 0, -1):
            candidate = " ".join(words[:count])
            if valid(candidate):
                yield match.start(), match.start() + len(candidate)
                break


def _cards(text: str) -> Iterator[tuple[int, int]]:
    valid = _library("stdnum.luhn").is_valid
    for match in _CARD.finditer(text):
        if valid(re.sub(r"\D", "", match.group())):
            yield match.span()


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for match in _IP.finditer(text):
        try:
            ipaddress.ip_address(match.group())
        except ValueError:
            continue
        yield match.span()


_FINDERS: Mapping[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
}


def _library(name: str) -> Foreign:
    """A module of the extra's libraries. Raises ConfigError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"Redaction needs {name.partition('.')[0]}, which is not installed.", hint="Install docmill[redaction]."
        ) from error


def _compiled(kind: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"The pattern of {kind!r} is no regular expression: {error}.", hint="See pipeline.enrich.redact.patterns."
        ) from error


def _sentence(found: Counter[str]) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in sorted(found.items()))
