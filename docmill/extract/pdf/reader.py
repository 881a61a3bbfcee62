"""A PDF file made into an extraction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, EmptyDocumentError, ModelError
from docmill.extract.pdf.collector import collector_waits
from docmill.extract.pdf.drafts import BodyStyle, Draft, body_style
from docmill.extract.pdf.engine import (
    ENGINE_ERRORS,
    EngineObject,
    describe,
    engine_warnings,
    first_warnings,
    memory_errors,
    open_document,
    pymupdf,
)
from docmill.extract.pdf.forms import Field, fill, form_fields, has_form
from docmill.extract.pdf.furniture import mark_furniture
from docmill.extract.pdf.ink import Ink, read_ink
from docmill.extract.pdf.joining import join_tables
from docmill.extract.pdf.links import add_links, web_links
from docmill.extract.pdf.page import draft_page
from docmill.extract.pdf.pageread import Head, PageRead
from docmill.extract.pdf.places import Box
from docmill.extract.pdf.regions import MODEL, find_regions
from docmill.extract.pdf.routing import why_model
from docmill.extract.pdf.scans import PageOcr, is_garbage, read_scan
from docmill.extract.pdf.sections import described, parents, set_levels
from docmill.extract.pdf.tables import Placer
from docmill.extract.pdf.vertical import join_vertical
from docmill.extract.reading import Reading
from docmill.extract.wanted import ALL, Wanted
from docmill.models import (
    PICTURES,
    BBox,
    Crop,
    Element,
    Extraction,
    Line,
    OutlineEntry,
    Page,
    PageStatus,
    Scalar,
)

_SAMPLE = 16  # pages that show what the running text looks like
_CROP_DPI = 144
_REPAIRED = "the file's structure was damaged and has been repaired"
_DAMAGE = re.compile("premature end of data|treating as end of file|page may not be correct|ignoring rest of page")
_PAGE_ERRORS: tuple[type[Exception], ...] = (
    *ENGINE_ERRORS,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    CorruptDocumentError,
)
"""What costs a page: errors of the engine, and of our own code on a page of a kind that it did not foresee."""
_METADATA = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "creator": "creator",
    "producer": "producer",
    "creationDate": "created",
    "modDate": "modified",
}


def read_pdf(data: bytes, config: ExtractConfig, *, ocr: PageOcr | None = None, wanted: Wanted = ALL) -> Reading:
    """The elements of a PDF with the pictures of its figures, of the wanted pages alone.

    `ocr` is given a PNG of a page at `config.ocr_dpi` and answers lines with boxes in pixels of it; it is called only
    for pages whose text layer is missing or garbage, and never in mode `fast`. The same bytes give the same reading.
    A page that cannot be read is FAILED with its reason, the others are kept.
    Raises EmptyDocumentError, CorruptDocumentError, EncryptedDocumentError, LimitExceededError, or UsageError where it
    has none of the wanted pages.
    """
    with PdfFile(data, config, ocr, password=wanted.password) as pdf:
        head = pdf.head()
        read = []
        for number in (numbers := wanted.numbers(head.count)):
            wanted.watch(number, len(numbers))
            try:
                read.append(pdf.read_page(number - 1, head))
            except MemoryError:
                read.append(failed_page(number - 1, "needs more memory than there is"))
    return join_pages(head, read)


def failed_page(number: int, reason: str, engine: tuple[str, ...] = ()) -> PageRead:
    """A page (from 0) that could not be read."""
    page = Page(number=number + 1, width=0, height=0, status=PageStatus.FAILED, reason=reason)
    return PageRead(page, engine=engine)


def join_pages(head: Head, pages: Sequence[PageRead]) -> Reading:
    """The reading of a document from its pages, in order; it is the same however they were divided between processes.

    What only the document as a whole shows is found here: running headers and footers, levels, sections. Raises
    EmptyDocumentError where no page gave anything.
    """
    if not any(page.drafts for page in pages):
        raise _nothing_readable([page.page for page in pages])
    mark_furniture([page.drafts for page in pages], [page.height for page in pages], head.body)
    join_tables(pages)
    set_levels([page.drafts for page in pages], head.outline)
    warnings = [_REPAIRED] if any(page.repaired for page in pages) else []
    warnings += head.warnings
    bad = (PageStatus.FAILED, PageStatus.PARTIAL)
    warnings += [f"page {p.page.number}: {p.page.reason}" for p in pages if p.page.status in bad]
    warnings += [f"page {p.page.number}: {p.unknown} glyphs have no known meaning" for p in pages if p.unknown]
    warnings += first_warnings([*head.engine, *(line for page in pages for line in page.engine)])
    extraction = Extraction(
        media_type="application/pdf",
        elements=tuple(_elements(pages)),
        pages=tuple(page.page for page in pages),
        outline=head.outline,
        metadata=head.metadata,
        warnings=tuple(warnings),
    )
    return Reading(extraction, {sha256: png for page in pages for sha256, png in page.pictures.items()})


def _nothing_readable(pages: Sequence[Page]) -> EmptyDocumentError:
    """The error for a document of which no page gave anything."""
    reasons = dict.fromkeys(page.reason for page in pages if page.reason)
    return EmptyDocumentError(
        f"None of the {len(pages)} pages of the PDF gave text or a picture: {'; '.join(reasons) or 'all are blank'}.",
        hint="If it is a scan, use mode auto with OCR; else check the file in a viewer.",
        pages=tuple(page.number for page in pages),
    )


@dataclass(frozen=True)
class Marks:
    """What a page has beside its ink: targets and boxes of links, and fields of a form."""

    links: Sequence[tuple[str, Box]]
    fields: Sequence[Field]


_LARGE_BYTES, _LARGE_PAGES = 2_000_000, 50
"""From these on the engine's store is emptied behind a document; common fonts cost the next one 2.5 ms then."""


class PdfFile:
    """An open PDF whose pages are read one by one; use it as a context manager.

    `watch` is told the number (from 0) of each page before it is touched: whoever runs this in a process that may die
    knows by it which page it was.
    """

    def __init__(
        self,
        data: bytes,
        config: ExtractConfig,
        ocr: PageOcr | None,
        watch: Callable[[int], None] = lambda number: None,
        password: str = "",
    ) -> None:
        self._config = config
        self._ocr = ocr if config.force_ocr or config.mode is not Mode.FAST else None
        self._watch = watch
        self._ahead: dict[int, tuple[EngineObject, Ink, tuple[str, ...]]] = {}
        self._document = open_document(data, config.max_pages, password)
        self._is_form = has_form(self._document)
        self._large = len(data) >= _LARGE_BYTES or self._document.page_count >= _LARGE_PAGES

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._ahead.clear()
        self._document.close()
        if self._large:  # the engine would keep up to 256 MiB of its fonts and pictures
            pymupdf.TOOLS.store_shrink(100)

    def head(self, untouched: frozenset[int] = frozenset()) -> Head:
        """What the document says as a whole, its body style from pages spread over it that are not in `untouched`.

        Raises MemoryError.
        """
        count = int(self._document.page_count)  # asked once: it can shrink when the engine repairs the file later on
        warnings: list[str] = []
        outline = _outline(self._document, warnings)
        metadata = _metadata(self._document)
        engine = engine_warnings()
        for number in range(0, count, max(count // _SAMPLE, 1))[:_SAMPLE]:
            if number in untouched:
                continue
            try:
                self._ahead[number] = self._load(number)
            except _PAGE_ERRORS:
                engine_warnings()  # the page is reported when it is read
        body = body_style([run for _, ink, _ in self._ahead.values() for run in ink.runs])
        return Head(count, body, outline, metadata, tuple(warnings), engine)

    def _load(self, number: int) -> tuple[EngineObject, Ink, tuple[str, ...]]:
        """A page's display list, marks and the engine's complaints. Raises what the engine raises, or MemoryError."""
        self._watch(number)
        with memory_errors(), collector_waits():
            display_list = self._document.load_page(number).get_displaylist()
            ink = read_ink(display_list)
            join_vertical(ink)
            return display_list, ink, engine_warnings()

    def read_page(self, number: int, head: Head) -> PageRead:
        """One page (from 0); FAILED with the reason if its reader gives up on it. Raises MemoryError."""
        try:
            ahead = self._ahead.pop(number, None)
            self._watch(number)
            display_list, ink, engine = ahead or self._load(number)
            with memory_errors(), collector_waits():
                page = self._document.load_page(number)
                links, fields = web_links(page), form_fields(page) if self._is_form else []
                read = self._draft(number, display_list, ink, Marks(links, fields), head.body)
        except _PAGE_ERRORS as error:
            return failed_page(number, describe(error), engine_warnings())
        read.engine = (*engine, *engine_warnings())
        read.repaired = bool(self._document.is_repaired)
        return _with_damage(read)

    def _draft(self, number: int, display_list: EngineObject, ink: Ink, marks: Marks, body: BodyStyle) -> PageRead:
        """The page made into drafts."""
        config, ocr = self._config, self._ocr
        rect = display_list.rect
        scan = read_scan(display_list, ink, ocr, config)
        method, reason, status = scan.method, scan.reason, PageStatus.OK
        fields = fill(ink, marks.fields) if method == "native" else []
        drafts = draft_page(ink, body if method == "native" else body_style(ink.runs), fields=fields)
        if method == "native" and not reason and (reason := why_model(config.mode, ink, drafts)):
            try:
                drafts = draft_page(ink, body, find_regions(self._document.load_page(number)), fields)
                method = f"layout:{MODEL}"
            except ModelError as error:
                reason += f"; read without it: {error.message}"
        if scan.reason and ocr is None:
            off = "OCR is off in fast mode" if config.mode is Mode.FAST else "no OCR engine is set up"
            reason = f"{reason}; {off}"
            if ink.characters == 0 or is_garbage(ink):
                drafts = [each for each in drafts if each.type in PICTURES and config.mode is not Mode.FAST]
        if not drafts:
            status, reason = PageStatus.EMPTY, reason or "nothing on the page"
        info = Page(
            number=number + 1,
            width=round(rect.width, 2),
            height=round(rect.height, 2),
            status=status,
            method=method,
            reason="; ".join(filter(None, (reason, scan.note))),
        )
        read = PageRead(info, ink.height, drafts, unknown=ink.unknown, ocr=scan.engine)
        add_links(drafts, marks.links, ink)
        place = Placer(ink)
        read.boxes = [place(draft.box) for draft in drafts]
        if config.crops:
            _add_crops(read, display_list)
        for line in (line for draft in drafts for line in draft.lines):
            line.words = []
            if line.confidence is not None:
                shown = place(line.box)
                line.x0, line.y0, line.x1, line.y1 = shown.x0, shown.y0, shown.x1, shown.y1
            else:
                line.text = ""  # only lines of recognised text are kept, and long documents have many
        return read


def _with_damage(read: PageRead) -> PageRead:
    """The page, PARTIAL or FAILED if MuPDF says that it gave up on some of its content: it does so in warnings only."""
    damage = next((line for line in read.engine if _DAMAGE.search(line)), "")
    if damage:
        status = PageStatus.PARTIAL if read.drafts else PageStatus.FAILED
        reason = "; ".join(filter(None, [read.page.reason, f"damaged content, some may be missing: {damage}"]))
        read.page = read.page.model_copy(update={"status": status, "reason": reason})
    return read


def _add_crops(read: PageRead, display_list: EngineObject) -> None:
    """Pictures of the page's figures as PNG."""
    for index, draft in enumerate(read.drafts):
        if draft.type not in PICTURES:
            continue
        box = read.boxes[index]
        scale = _CROP_DPI / 72
        clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) & display_list.rect
        try:
            with memory_errors():
                picture = display_list.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=0, clip=clip)
                png = picture.tobytes("png")
        except ENGINE_ERRORS:
            continue  # the figure keeps its place without a picture; the engine's message is among the warnings
        digest = hashlib.sha256(png).hexdigest()
        read.crops[index] = Crop(sha256=digest, media_type="image/png", width=picture.width, height=picture.height)
        read.pictures[digest] = png


def _elements(pages: Sequence[PageRead]) -> list[Element]:
    """The elements of all pages, numbered, with sections and captions tied."""
    flat = [draft for page in pages for draft in page.drafts]
    sections = parents(flat)
    elements: list[Element] = []
    for page in pages:
        start = len(elements)
        captions = described(page.drafts, page.height)
        titles = {target: page.drafts[index].text for index, target in captions.items()}
        size = (page.page.width, page.page.height)
        for index, draft in enumerate(page.drafts):
            table = draft.table
            if table is not None and index in titles:
                table = table.model_copy(update={"title": titles[index]})
            target = captions.get(index)
            elements.append(
                Element(
                    ordinal=start + index,
                    type=draft.type,
                    text=draft.text,
                    page=page.page.number,
                    bbox=page.boxes[index],
                    page_size=size,
                    level=draft.level,
                    parent=sections[start + index],
                    describes=None if target is None else start + target,
                    method=page.ocr if page.ocr and _confidence(draft) is not None else _method(page.page, draft),
                    confidence=_confidence(draft) if draft.sure is None else draft.sure,
                    metadata={"chart": draft.kind} if draft.kind else draft.facts,
                    table=table,
                    crop=page.crops.get(index),
                    continued=draft.continued,
                    lines=_ocr_lines(draft),
                    links=draft.links,
                )
            )
    return elements


def _method(page: Page, draft: Draft) -> str:
    """How the draft's text was obtained; the layout model gives tables their cells, and no text."""
    return "native" if page.method.startswith("layout:") and draft.table is None else page.method


def _confidence(draft: Draft) -> float | None:
    """The least confidence of the draft's recognised lines."""
    known = [line.confidence for line in draft.lines if line.confidence is not None]
    return min(known) if known else None


def _ocr_lines(draft: Draft) -> tuple[Line, ...]:
    """The lines of recognised text; native text needs no proof line by line."""
    return tuple(
        Line(text=line.text, bbox=BBox(x0=line.x0, y0=line.y0, x1=line.x1, y1=line.y1), confidence=line.confidence)
        for line in draft.lines
        if line.confidence is not None
    )


def _outline(document: EngineObject, warnings: list[str]) -> tuple[OutlineEntry, ...]:
    """The document's table of contents; pages are None where an entry leads nowhere."""
    try:
        with memory_errors():
            entries = document.get_toc(simple=True)
    except ENGINE_ERRORS as error:
        warnings.append(f"the outline could not be read: {describe(error)}")
        return ()
    return tuple(
        OutlineEntry(title=" ".join(str(title).split()), level=int(level), page=page if page > 0 else None)
        for level, title, page in entries
    )


def _metadata(document: EngineObject) -> dict[str, Scalar]:
    """Title, author, dates and the like, as far as they are set."""
    found: dict[str, Scalar] = {}
    for key, name in _METADATA.items():
        value = str((document.metadata or {}).get(key) or "").strip("\x00 ")
        if value:
            found[name] = value
    return found
