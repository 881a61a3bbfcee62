"""The one place where pymupdf is imported, and how a document is opened.

A plain `import pymupdf` also imports its layout models (onnxruntime, numpy) and pymupdf4llm when they are installed:
1.6 CPU seconds and 214 MB instead of 0.6 and 143. The fast path needs neither, and pymupdf treats both as optional, so
they are marked as absent during the import (a `None` in `sys.modules` makes an import raise `ModuleNotFoundError`) and
the marks are removed afterwards: `import pymupdf.layout` still works for whoever wants the models.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from docmill.errors import CorruptDocumentError, EmptyDocumentError, LimitExceededError, is_about_memory
from docmill.extract.wanted import password_needed, wrong_password

EngineObject: TypeAlias = Any  # a module, document, page or display list of pymupdf, which has no types

_MOST_WARNINGS = 10
_OPTIONAL = ("pymupdf.layout", "pymupdf4llm")


def _import_lean() -> EngineObject:
    """The pymupdf module, imported without its optional parts if nobody imported it before."""
    absent = [name for name in _OPTIONAL if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        return importlib.import_module("pymupdf")
    finally:
        for name in absent:
            sys.modules.pop(name, None)


pymupdf = _import_lean()
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

# What pymupdf raises for broken files: MuPDF's own classes, and RuntimeError (with FileDataError and EmptyFileError)
# and ValueError from its Python layer.
ENGINE_ERRORS: tuple[type[Exception], ...] = (pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError)


def open_document(data: bytes, max_pages: int, password: str = "") -> EngineObject:
    """The open document, decrypted if `password` or the empty one opens it.

    Raises EmptyDocumentError (no bytes), CorruptDocumentError (unreadable or no pages), EncryptedDocumentError and
    LimitExceededError (more than `max_pages` pages); MemoryError where the engine runs out of it.
    """
    if not data:
        raise EmptyDocumentError("The PDF has no bytes.", hint="Upload the file again.")
    pymupdf.TOOLS.reset_mupdf_warnings()
    try:
        with memory_errors():
            document = pymupdf.open(stream=data, filetype="pdf")
            locked = bool(document.needs_pass) and not (document.authenticate("") or document.authenticate(password))
            pages = 0 if locked else int(document.page_count)
    except ENGINE_ERRORS as error:
        raise CorruptDocumentError(
            f"The PDF cannot be opened: {_first_line(error)}.", hint="Repair it or export it again from its source."
        ) from error
    if locked:
        raise wrong_password("PDF") if password else password_needed("PDF")
    if pages == 0:
        raise CorruptDocumentError(
            "The PDF has no pages that can be found.", hint="Repair it or export it again from its source."
        )
    if pages > max_pages:
        raise LimitExceededError(
            f"The PDF has {pages} pages, more than the limit of {max_pages}.",
            hint="Raise extract.max_pages or split the document.",
        )
    return document


@contextmanager
def memory_errors() -> Iterator[None]:
    """Makes the engine's own errors about memory a MemoryError: the document is not broken, a limit was met."""
    try:
        yield
    except ENGINE_ERRORS as error:
        if is_about_memory(error):
            raise MemoryError(str(error)) from error
        raise


def engine_warnings() -> tuple[str, ...]:
    """What MuPDF repaired or complained about since it was last asked, each once."""
    lines = str(pymupdf.TOOLS.mupdf_warnings(reset=True)).splitlines()
    return tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))


def first_warnings(lines: Iterable[str]) -> tuple[str, ...]:
    """Each line once, the first 10 of them."""
    unique = list(dict.fromkeys(lines))
    kept = unique[:_MOST_WARNINGS]
    if len(unique) > len(kept):
        kept.append(f"... and {len(unique) - len(kept)} more warnings of the PDF engine")
    return tuple(kept)


def describe(error: BaseException) -> str:
    """The first line of an engine error, with its class."""
    return f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    """The first line of an error's message, without a final full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
