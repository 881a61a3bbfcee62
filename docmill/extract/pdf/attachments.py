"""The files that are attached to a PDF: those of the document, and those pinned to its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from docmill.errors import CorruptDocumentError, EncryptedDocumentError
from docmill.extract.parts import Budget, Part
from docmill.extract.pdf.engine import ENGINE_ERRORS, EngineObject, memory_errors, open_document, pymupdf

_ANY_NUMBER = 10**9
"""Whether a PDF has too many pages is told by who reads them."""


def pdf_parts(data: bytes, budget: Budget, password: str = "") -> Iterator[Part]:
    """The attached files in order; none of a PDF that the password does not open, of which its reader tells.

    Raises CorruptDocumentError, LimitExceededError.
    """
    try:
        document = open_document(data, _ANY_NUMBER, password)
    except EncryptedDocumentError:
        return
    try:
        yield from _of_document(document, budget)
        yield from _of_pages(document, budget)
    finally:
        document.close()


def _of_document(document: EngineObject, budget: Budget) -> Iterator[Part]:
    """What the document itself names, such as the XML of an electronic invoice."""
    try:
        count = int(document.embfile_count())
        infos = [document.embfile_info(number) for number in range(count)]
    except ENGINE_ERRORS as error:
        yield _damaged("list of attachments", error)
        return
    for number, info in enumerate(infos):
        name = str(info.get("ufilename") or info.get("filename") or info.get("name") or f"attachment {number + 1}")
        budget.spend(max(int(info.get("size") or 0), 0))
        yield _part(name, lambda number=number: document.embfile_get(number))  # type: ignore[misc]


def _of_pages(document: EngineObject, budget: Budget) -> Iterator[Part]:
    """What stands on the pages as a pin or paper clip."""
    for number in range(document.page_count):
        try:
            pinned = any(each[1] == pymupdf.PDF_ANNOT_FILE_ATTACHMENT for each in document.page_annot_xrefs(number))
            page = document.load_page(number) if pinned else None
            found = list(page.annots(types=(pymupdf.PDF_ANNOT_FILE_ATTACHMENT,))) if page is not None else []
        except ENGINE_ERRORS:
            continue  # a page that cannot be loaded is reported by who reads it
        for annotation in found:
            yield _pinned(annotation, number + 1, budget)


def _pinned(annotation: EngineObject, page: int, budget: Budget) -> Part:
    try:
        info = annotation.file_info
    except ENGINE_ERRORS as error:
        return _damaged(f"attachment of page {page}", error)
    budget.spend(max(int(info.get("size") or 0), 0))
    return _part(str(info.get("filename") or f"attachment of page {page}"), annotation.get_file)


def _part(name: str, take: Callable[[], bytes]) -> Part:
    try:
        with memory_errors():
            return Part(name, bytes(take()))
    except ENGINE_ERRORS as error:
        return _damaged(name, error)


def _damaged(name: str, error: Exception) -> Part:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Part(name, b"", CorruptDocumentError(f"The attachment {name} cannot be taken out: {text}."))
