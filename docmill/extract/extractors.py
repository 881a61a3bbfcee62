"""The plug-in point for readers: installed packages that read types which docmill does not know, or read known ones.

A package names its extractor by an entry point of the group `docmill.extractors`; see docs/extractors.md. Its name and
version are part of the fingerprint of the elements, so another version of it makes them anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from docmill.config import ExtractConfig
from docmill.errors import ConfigError, ReaderError
from docmill.extract.builder import Builder, Fields
from docmill.extract.reading import Reading

__all__ = ["GROUP", "Builder", "Extractor", "Fields", "Installed", "Reading", "claimed", "extractor_of", "installed"]

GROUP = "docmill.extractors"

_BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError)


class Extractor(Protocol):
    """Reads documents of the `media_types`, instead of docmill's own reader where there is one."""

    media_types: Collection[str]

    def claims(self, data: bytes, name: str) -> str:
        """The one of its media types that the bytes are of, "" if none; `name` is `document` and the extension."""
        ...

    def read(self, data: bytes, name: str, config: ExtractConfig) -> Reading:
        """The document's elements; runs in a worker process under the limits. Raises errors of docmill's tree."""
        ...


@dataclass(frozen=True)
class Installed:
    """An extractor with the name of its entry point and the package and version that it comes with."""

    name: str
    package: str
    version: str
    extractor: Extractor

    @property
    def identity(self) -> str:
        """What names it in fingerprints and in documents' metadata."""
        return f"{self.name} ({self.package} {self.version})"


@cache
def installed() -> tuple[Installed, ...]:
    """The installed extractors by name. Raises ConfigError for one that cannot be loaded, or for two of one type."""
    found = tuple(_loaded(entry) for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name))
    owners: dict[str, Installed] = {}
    for each in found:
        for media_type in each.extractor.media_types:
            other = owners.setdefault(media_type, each)
            if other is not each:
                raise ConfigError(
                    f"Two extractors read {media_type}: {other.identity} and {each.identity}.",
                    hint="Uninstall one of them.",
                )
    return found


def _loaded(entry: EntryPoint) -> Installed:
    package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
    try:
        made = entry.load()
        extractor: Extractor = made() if isinstance(made, type) else made
        complete = bool(extractor.media_types) and callable(extractor.claims) and callable(extractor.read)
    except (ImportError, *_BROKEN) as error:
        raise ConfigError(
            f"The extractor {entry.name!r} of {package} {version} cannot be loaded: {type(error).__name__}: {error}.",
            hint="Mend or uninstall it.",
        ) from error
    if not complete:
        raise ConfigError(f"The extractor {entry.name!r} of {package} names no media types.", hint="Mend it.")
    return Installed(entry.name, package, version, extractor)


def extractor_of(media_type: str) -> Installed | None:
    """The installed extractor that reads the media type, None where docmill does itself."""
    return next((each for each in installed() if media_type in each.extractor.media_types), None)


def claimed(data: bytes, name: str) -> str:
    """The media type that an extractor sees in the bytes, "" if none does. Raises ReaderError where one fails."""
    for each in installed():
        try:
            media_type = each.extractor.claims(data, name)
        except _BROKEN as error:
            raise ReaderError(
                f"The extractor {each.identity} failed to look at it: {type(error).__name__}: {error}.",
                hint="Mend or uninstall the extractor.",
            ) from error
        if media_type:
            return media_type
    return ""
