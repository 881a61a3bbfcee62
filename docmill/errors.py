"""Every error that docmill raises on purpose.

    DocmillError
    ├── UsageError               the caller asked for something that cannot be done as asked
    │   ├── ConfigError          a setting is missing, unknown or contradicts another
    │   │   └── WordsNotIndexedError     the collection cannot be searched by words
    │   └── SourceError          a path, bucket or prefix is missing, unreadable or refuses the credentials
    │       └── UrlRefusedError      a URL that may not be fetched: not HTTP, or not a public address
    ├── PermanentError           this document can never succeed as it is: mend the document
    │   ├── EmptyDocumentError       no bytes, no pages, or nothing readable on any page
    │   ├── CorruptDocumentError     the bytes cannot be read as what they are
    │   ├── EncryptedDocumentError   a password is needed
    │   ├── UnsupportedTypeError     no reader for this type
    │   ├── LimitExceededError       a limit in time, memory, pages or size was met, or the reader crashed
    │   ├── IncompleteDocumentError  some of it could not be read; the rest is used
    │   ├── MissingObjectError       the object was deleted after it was listed
    │   ├── ModelError               a model's server refused this input, or its answer is unusable
    │   ├── InfectedDocumentError    a scanner objects to it: it is quarantined, and nothing reads it
    │   ├── SideCarError             the file that says who may find the document is wrong
    │   └── ReaderError              the reader failed in a way that it should not: a fault of docmill's
    ├── TransientError           the same document may succeed later: a service failed or was slow
    └── SystemicError            no document can succeed now: a service is down, the disk is full

A document's error is permanent or transient by its class. A systemic error is never put on a document: it ends the
stage at once.
"""

from __future__ import annotations

import re

_NO_MEMORY = re.compile(
    r"alloc\b.*failed|bad_?alloc|bad allocation|(failed to|cannot) allocate|insufficient memory|out of memory",
    re.IGNORECASE,
)


def is_about_memory(error: BaseException) -> bool:
    """Whether the error of a native library says that it ran out of memory: few raise MemoryError."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None


class DocmillError(Exception):
    """Base of all errors raised on purpose.

    `message` says what happened and names the document, path or setting; `hint` says the way out.
    """

    def __init__(self, message: str, *, hint: str = "", pages: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.pages = pages

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint, self.pages))


def _rebuild(kind: type[DocmillError], message: str, hint: str, pages: tuple[int, ...]) -> DocmillError:
    """The same error on the other side of a process border."""
    return kind(message, hint=hint, pages=pages)


class UsageError(DocmillError):
    """The caller asked for something that cannot be done as asked."""


class ConfigError(UsageError):
    """A setting is missing, unknown or contradicts another."""


class WordsNotIndexedError(ConfigError):
    """The collection cannot be searched by words: its index holds vectors only."""


class SourceError(UsageError):
    """A path, bucket or prefix is missing, unreadable or refuses the credentials."""


class UrlRefusedError(SourceError):
    """A URL that may not be fetched: it is not one of HTTP, or names an address that is not public."""


class PermanentError(DocmillError):
    """This document can never succeed as it is."""


class EmptyDocumentError(PermanentError):
    """No bytes, no pages, or nothing readable on any page."""


class CorruptDocumentError(PermanentError):
    """The bytes cannot be read as what they are."""


class EncryptedDocumentError(PermanentError):
    """A password is needed to read the document."""


class UnsupportedTypeError(PermanentError):
    """There is no reader for this type."""


class LimitExceededError(PermanentError):
    """A limit in time, memory, pages or size was met, or the reader crashed on this document.

    `stopped` says what ended the worker process that read it: "time", "memory" or "crash"; "" where none was ended.
    """

    stopped: str = ""


class IncompleteDocumentError(PermanentError):
    """Some of the document could not be read; the rest is used."""


class MissingObjectError(PermanentError):
    """The object is not there, or no longer."""


class ModelError(PermanentError):
    """A model's server refused this input, or its answer is unusable."""


class InfectedDocumentError(PermanentError):
    """A virus scanner objects to the document."""


class SideCarError(PermanentError):
    """The side-car file that says who may find the document is wrong."""


class ReaderError(PermanentError):
    """The reader failed in a way that it should not: a fault of docmill's."""


class TransientError(DocmillError):
    """The same document may succeed later: a service failed or was slow."""


class SystemicError(DocmillError):
    """No document can succeed now: a service is down, the disk is full."""
