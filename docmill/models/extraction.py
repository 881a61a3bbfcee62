"""What was read from one document's bytes: its pages, elements, outline and the documents inside of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from docmill.models.base import Model, Scalar
from docmill.models.elements import Element


class PageStatus(StrEnum):
    """What became of a page. Only a page in a document that has pages or slides is listed.

    `partial`: it was read, but some of its content is damaged and may be missing.
    """

    OK = "ok"
    PARTIAL = "partial"
    EMPTY = "empty"
    FAILED = "failed"


class Page(Model):
    """A page or slide: its size in points as displayed, how it was read and why so, and what became of it."""

    number: Annotated[int, Field(ge=1)]
    width: float
    height: float
    status: PageStatus = PageStatus.OK
    method: str = "native"
    reason: str = ""


class OutlineEntry(Model):
    """An entry of the document's own table of contents."""

    title: str
    level: int
    page: int | None = None


class Member(Model):
    """A document inside of another: in an archive or mailbox, attached to a mail, embedded in an office file.

    `path` leads to it from the outer document, its steps apart by `!/` (`inner.zip!/mail.eml!/report.pdf`). The store
    holds its bytes as `members/<sha256[:2]>/<sha256>`. `error` says why it could not be taken out, "" where it was.
    """

    path: str
    size: int = 0
    sha256: str = ""
    media_type: str = ""
    error: str = ""


class Extraction(Model):
    """All that was read from one document's bytes; the same bytes and configuration give the same extraction.

    `elements[i].ordinal == i`. `warnings` are for people: what was repaired, skipped or doubtful. `lacking` says what
    is missing besides pages: then the document is partial. `members` are the documents inside of it at any depth, which
    become documents of their own.
    """

    media_type: str
    elements: tuple[Element, ...]
    pages: tuple[Page, ...] = ()
    outline: tuple[OutlineEntry, ...] = ()
    metadata: dict[str, Scalar] = Field(default={})
    warnings: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    lacking: tuple[str, ...] = ()

    def on_page(self, page: int) -> list[Element]:
        """The elements that stand on the page, as far as they do."""
        parts = [element.on_page(page) for element in self.elements]
        return [part for part in parts if part is not None]

    @property
    def failed_pages(self) -> tuple[int, ...]:
        """Numbers of the pages that could not be read, or not wholly."""
        bad = (PageStatus.FAILED, PageStatus.PARTIAL)
        return tuple(page.number for page in self.pages if page.status in bad)
