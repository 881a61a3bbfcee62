"""Reads one document in a worker process and keeps what was read. Imports no more than readers need.

A PDF can be read in parts, each a task: `document` (all of it, unless it is long), `pages` (a range), `join`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from docmill.artifacts import Artifacts, extension
from docmill.config import ExtractConfig
from docmill.errors import TransientError
from docmill.extract.overlay import page_overlay
from docmill.extract.page_pictures import PDF
from docmill.extract.reading import Reading
from docmill.extract.registry import accepted, finished, malformed, members_of, pdf_options, read, with_members
from docmill.extract.spool import NOWHERE, PREVIEW, Spool
from docmill.extract.wanted import Wanted
from docmill.ids import content_version
from docmill.inference import places
from docmill.inference.places import Places
from docmill.models import ElementType, Extraction, Member, PageStatus
from docmill.routes import route_counts
from docmill.store import ObjectStore, open_store

if TYPE_CHECKING:
    from docmill.extract.pdf import Head, PageRead, PdfFile

_PREVIEW_WIDTH = 640


class Step(StrEnum):
    """What a task does to its document."""

    DOCUMENT = "document"
    PAGES = "pages"
    JOIN = "join"


@dataclass(frozen=True)
class Part:
    """The part of a PDF that a task reads: pages `start` to `stop` (from 0, exclusive).

    `bad` are pages that are not to be touched again, with the reason; `untouched` those
    not to be read ahead.
    """

    step: Step = Step.DOCUMENT
    start: int = 0
    stop: int = 0
    bad: tuple[tuple[int, str], ...] = ()
    untouched: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The part's name among those of its document."""
        return f"{self.step}-{self.start:09d}"


@dataclass(frozen=True)
class Task:
    """All that a worker process needs to read one document, or a part of it.

    `artifact` and `preview` are keys in `store`; an empty `preview` asks for no picture of the first page.
    `is_recording`: sound and video have a time limit of their own. `spool` is a
    folder for what the parts of a PDF leave for each other, "" for other documents. The bytes of a `member` lie in
    `store`, too.
    folder for what the parts of a PDF leave for each other, "" for other documents. `places` are where models run that
    do not in the worker.
    """

    source: str
    key: str
    version: str
    artifact: str
    reuse: bool
    store: str
    s3_endpoint_url: str | None
    config: ExtractConfig
    preview: str
    is_recording: bool = False
    spool: str = ""
    part: Part = Part()
    member: bool = False
    password: str = field(default="", repr=False)
    places: Places = ()

    def to(self, part: Part) -> Task:
        """The task of another part of the same document."""
        return replace(self, part=part)


@dataclass(frozen=True)
class Answer:
    """What a worker tells of a document that it read; `lacking` says what is missing besides pages."""

    counts: dict[str, int]
    failed_pages: tuple[int, ...]
    note: str
    members: tuple[Member, ...] = ()
    lacking: str = ""


@dataclass(frozen=True)
class Unfinished:
    """The part is done, the document is not; it has `pages` pages."""

    pages: int


_stores: dict[tuple[str, str | None], ObjectStore] = {}


def _store(url: str, s3_endpoint_url: str | None) -> ObjectStore:
    """The store at an address, opened once a process."""
    if (url, s3_endpoint_url) not in _stores:
        _stores[url, s3_endpoint_url] = open_store(url, s3_endpoint_url)
    return _stores[url, s3_endpoint_url]


def read_document(task: Task) -> Answer | Unfinished:
    """The document's elements and pictures are in the store afterwards, or its part is in the spool."""
    artifacts = Artifacts(_store(task.store, task.s3_endpoint_url))
    places.know(task.places)
    if task.spool:
        with Spool(task.spool) as spool:
            return _read_part(task, artifacts, spool)
    known = _reused(task, artifacts)
    if known is not None:
        return known
    reading = read(_bytes(task), _name(task), task.config, Wanted(password=task.password), artifacts.put_member)
    _keep_pictures(artifacts, reading.crops)
    artifacts.put_extraction(task.artifact, reading.extraction)
    return _describe(reading.extraction)


def _reused(task: Task, artifacts: Artifacts) -> Answer | None:
    """The answer by the artifact that is there, with all members in the store; None without."""
    if not task.reuse or artifacts.store.head(task.artifact) is None:
        return None
    extraction = artifacts.extraction_at(task.artifact)
    if all(each.error or artifacts.has_member(each.sha256) for each in extraction.members):
        return _describe(extraction)
    return None


def _name(task: Task) -> str:
    return f"document{extension(task.key)}"


def _bytes(task: Task) -> bytes:
    if task.member:
        return Artifacts(_store(task.store, task.s3_endpoint_url)).member(task.version)
    data = _store(task.source, task.s3_endpoint_url).get(task.key)
    if content_version(data) != task.version:
        raise TransientError(f"{task.source}{task.key} changed while it was read.", hint="The next run reads it anew.")
    return data


def _read_part(task: Task, artifacts: Artifacts, spool: Spool) -> Answer | Unfinished:
    """The part is read; the answer is that of the whole document if that is done with it."""
    part = task.part
    spool.note(part.name, NOWHERE)
    if part.step is Step.DOCUMENT:
        return _reused(task, artifacts) or _read_whole(task, artifacts, spool)
    head: Head | None = spool.get("head")
    if head is None:
        return Unfinished(0)  # the document was given up on while this task waited for its turn
    data = spool.get("bytes") or _bytes(task)
    if part.step is Step.JOIN:
        return _join(task, artifacts, spool, head, spool.records(), _members(task, artifacts, data))
    with _opened(task, spool, data) as pdf:
        for _ in _read_pages(task, artifacts, spool, pdf, head, range(part.start, part.stop)):
            pass
    return Unfinished(head.count)


def _opened(task: Task, spool: Spool, data: bytes) -> PdfFile:
    from docmill.extract.pdf import PdfFile

    config, ocr = pdf_options(task.config)
    return PdfFile(data, config, ocr, functools.partial(spool.note, task.part.name), task.password)


def _read_whole(task: Task, artifacts: Artifacts, spool: Spool) -> Answer | Unfinished:
    """All of the document, unless it has too many pages for one task."""
    data = _bytes(task)
    detected = accepted(data, _name(task), task.config)
    bad = frozenset(number for number, _ in task.part.bad)
    with malformed(detected), _opened(task, spool, data) as pdf:
        head = pdf.head(bad.union(task.part.untouched))
        if detected.disagreement:
            spool.put("disagreement", detected.disagreement)
        spool.put("head", head)
        if head.count > task.config.pages_per_task:
            spool.put("bytes", data)
            return Unfinished(head.count)
        numbers = (number for number in range(head.count) if number not in bad)
        pages = list(_read_pages(task, artifacts, spool, pdf, head, numbers))
        spool.note(task.part.name, NOWHERE)
    return _join(task, artifacts, spool, head, pages, _members(task, artifacts, data))


def _read_pages(
    task: Task, artifacts: Artifacts, spool: Spool, pdf: PdfFile, head: Head, numbers: Iterable[int]
) -> Iterator[PageRead]:
    """The pages, each kept as soon as it is read, its pictures in the store."""
    for number in numbers:
        page = pdf.read_page(number, head)
        _keep_pictures(artifacts, page.pictures)
        page.pictures.clear()
        spool.append(task.part.name, page)
        yield page


def _members(task: Task, artifacts: Artifacts, data: bytes) -> tuple[Member, ...]:
    """The files that are attached to a PDF, their bytes in the store."""
    return members_of(data, "pdf", task.config, artifacts.put_member, task.password)


def _join(
    task: Task, artifacts: Artifacts, spool: Spool, head: Head, read_pages: list[PageRead], members: tuple[Member, ...]
) -> Answer:
    """The artifact of all the document's pages is in the store."""
    from docmill.extract.pdf import failed_page, join_pages

    found = {page.page.number: page for page in read_pages}
    found |= {number + 1: failed_page(number, reason) for number, reason in task.part.bad}
    pages = [found.get(number + 1) or failed_page(number, "was not read") for number in range(head.count)]
    reading = finished(with_members(join_pages(head, pages), members), spool.get("disagreement") or "")
    artifacts.put_extraction(task.artifact, reading.extraction)
    _draw_preview(task, artifacts, spool, reading)
    return _describe(reading.extraction)


def _draw_preview(task: Task, artifacts: Artifacts, spool: Spool, reading: Reading) -> None:
    """The picture of the first page is in the store if it is asked for and the engine can draw it."""
    from docmill.extract.pdf.engine import ENGINE_ERRORS

    first = reading.extraction.pages[0]
    if not task.preview or first.status is PageStatus.FAILED or artifacts.store.head(task.preview) is not None:
        return
    spool.note(task.part.name, PREVIEW)
    try:
        picture = page_overlay(_bytes(task), reading.extraction, page=1, width=_PREVIEW_WIDTH, password=task.password)
    except ENGINE_ERRORS:
        return  # what the document holds was read; a batch may do without a picture
    artifacts.store.put(task.preview, picture)


def _keep_pictures(artifacts: Artifacts, pictures: dict[str, bytes]) -> None:
    for picture in pictures.values():
        artifacts.put_crop(picture)


def _describe(extraction: Extraction) -> Answer:
    types = [element.type for element in extraction.elements]
    counts = {
        "pages": max(1, len(extraction.pages)),
        "elements": len(types),
        "tables": types.count(ElementType.TABLE),
        "pictures": types.count(ElementType.IMAGE),
        "charts": types.count(ElementType.CHART),
        "infographics": types.count(ElementType.INFOGRAPHIC),
        "layout_pages": sum(page.method.startswith("layout") for page in extraction.pages),
        "ocr_pages": sum(page.method.startswith("ocr") for page in extraction.pages),
        "characters": (characters := sum(len(element.text) for element in extraction.elements)),
        "without_text": int(characters == 0),
        **(route_counts(extraction.pages if extraction.media_type == PDF else ())),
    }
    note, lacking = "; ".join(extraction.warnings)[:1_000], "; ".join(extraction.lacking)[:1_000]
    return Answer(counts, extraction.failed_pages, note, extraction.members, lacking)
