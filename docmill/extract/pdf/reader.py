"""A PDF file made into an extraction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from docmill.config import ExtractConfig, Mode
from docmill.errors import EmptyDocumentError
from docmill.extract.pdf.drafts import Draft, body_style
from docmill.extract.pdf.engine import ENGINE_ERRORS, EngineObject, describe, engine_warnings, open_document, pymupdf
from docmill.extract.pdf.furniture import mark_furniture
from docmill.extract.pdf.ink import Ink, read_ink
from docmill.extract.pdf.links import add_links, web_links
from docmill.extract.pdf.page import draft_page
from docmill.extract.pdf.scans import PageOcr, engine_name, is_garbage, recognise, why_ocr
from docmill.extract.pdf.sections import described, parents, set_levels
from docmill.extract.pdf.tables import Placer
from docmill.extract.reading import Reading
from docmill.models import (
    BBox,
    Crop,
    Element,
    ElementType,
    Extraction,
    Line,
    OutlineEntry,
    Page,
    PageStatus,
    Scalar,
)

_SAMPLE = 16  # pages that show what the running text looks like
_CROP_DPI = 144
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


@dataclass(slots=True)
class _ReadPage:
    """A page with its drafts; `boxes` and `crops` stand beside the drafts."""

    page: Page
    height: float
    drafts: list[Draft] = field(default_factory=list)
    boxes: list[BBox] = field(default_factory=list)
    crops: dict[int, tuple[Crop, bytes]] = field(default_factory=dict)
    unknown: int = 0


def read_pdf(data: bytes, config: ExtractConfig, *, ocr: PageOcr | None = None) -> Reading:
    """The elements of a PDF with the pictures of its figures.

    `ocr` is given a PNG of a page at `config.ocr_dpi` and answers lines with boxes in pixels of it; it is called only
    for pages whose text layer is missing or garbage, and never in mode `fast`. The same bytes give the same reading.
    Raises EmptyDocumentError, CorruptDocumentError, EncryptedDocumentError or LimitExceededError.
    """
    document = open_document(data, config.max_pages)
    try:
        return _read(document, config, None if config.mode is Mode.FAST else ocr)
    finally:
        document.close()


def _read(document: EngineObject, config: ExtractConfig, ocr: PageOcr | None) -> Reading:
    """The reading of an open document."""
    warnings: list[str] = []
    count = int(document.page_count)  # asked once: it can shrink when a broken page makes the engine repair the file
    sample = _Sample(document)
    pages = [_read_page(document, number, config, ocr, sample) for number in range(count)]
    if document.is_repaired:
        warnings.append("the file's structure was damaged and has been repaired")
    if not any(page.drafts for page in pages):
        raise _nothing_readable([page.page for page in pages])
    outline = _outline(document, warnings)
    mark_furniture([page.drafts for page in pages], [page.height for page in pages], sample.body)
    set_levels([page.drafts for page in pages], outline)
    warnings += [f"page {p.page.number}: {p.page.reason}" for p in pages if p.page.status is PageStatus.FAILED]
    warnings += [f"page {p.page.number}: {p.unknown} glyphs have no known meaning" for p in pages if p.unknown]
    metadata = _metadata(document)
    warnings += engine_warnings()
    extraction = Extraction(
        media_type="application/pdf",
        elements=tuple(_elements(pages)),
        pages=tuple(page.page for page in pages),
        outline=outline,
        metadata=metadata,
        warnings=tuple(warnings),
    )
    return Reading(extraction, {crop.sha256: png for page in pages for crop, png in page.crops.values()})


def _nothing_readable(pages: Sequence[Page]) -> EmptyDocumentError:
    """The error for a document of which no page gave anything."""
    reasons = dict.fromkeys(page.reason for page in pages if page.reason)
    return EmptyDocumentError(
        f"None of the {len(pages)} pages of the PDF gave text or a picture: {'; '.join(reasons) or 'all are blank'}.",
        hint="If it is a scan, use mode auto with OCR; else check the file in a viewer.",
        pages=tuple(page.number for page in pages),
    )


class _Sample:
    """Pages spread over a document, read ahead to know the style of its running text."""

    def __init__(self, document: EngineObject) -> None:
        count = document.page_count
        self.inks: dict[int, tuple[EngineObject, Ink]] = {}
        for number in range(0, count, max(count // _SAMPLE, 1))[:_SAMPLE]:
            try:
                display_list = document.load_page(number).get_displaylist()
                self.inks[number] = (display_list, read_ink(display_list))
            except ENGINE_ERRORS:
                continue  # the page is reported when it is read
        self.body = body_style([run for _, ink in self.inks.values() for run in ink.runs])

    def take(self, document: EngineObject, number: int) -> tuple[EngineObject, Ink]:
        """The page's display list and marks; raises what the engine raises."""
        if number in self.inks:
            return self.inks.pop(number)
        display_list = document.load_page(number).get_displaylist()
        return display_list, read_ink(display_list)


def _read_page(
    document: EngineObject, number: int, config: ExtractConfig, ocr: PageOcr | None, sample: _Sample
) -> _ReadPage:
    """One page (from 0); FAILED with the reason if the engine gives up on it."""
    try:
        display_list, ink = sample.take(document, number)
        links = web_links(document.load_page(number))
    except ENGINE_ERRORS as error:
        failed = Page(number=number + 1, width=0, height=0, status=PageStatus.FAILED, reason=describe(error))
        return _ReadPage(failed, 0.0)
    rect = display_list.rect
    method, reason, status = "native", why_ocr(ink), PageStatus.OK
    if reason and ocr is not None:
        recognise(display_list, ink, ocr, config.ocr_dpi)
        method = f"ocr:{engine_name(ocr)}"
    drafts = draft_page(ink, sample.body if method == "native" else body_style(ink.runs))
    if reason and ocr is None:
        reason = f"{reason}; " + ("OCR is off in fast mode" if config.mode is Mode.FAST else "no OCR engine is set up")
        if ink.characters == 0 or is_garbage(ink):
            drafts = [draft for draft in drafts if draft.type is ElementType.IMAGE and config.mode is not Mode.FAST]
    if not drafts:
        status, reason = PageStatus.EMPTY, reason or "nothing on the page"
    info = Page(
        number=number + 1,
        width=round(rect.width, 2),
        height=round(rect.height, 2),
        status=status,
        method=method,
        reason=reason,
    )
    read = _ReadPage(info, ink.height, drafts, unknown=ink.unknown)
    add_links(drafts, links, ink)
    place = Placer(ink)
    read.boxes = [place(draft.box) for draft in drafts]
    if config.crops:
        _add_crops(read, display_list)
    for draft in drafts:
        for line in draft.lines:
            line.words = []
    return read


def _add_crops(read: _ReadPage, display_list: EngineObject) -> None:
    """Pictures of the page's figures as PNG."""
    for index, draft in enumerate(read.drafts):
        if draft.type is not ElementType.IMAGE:
            continue
        box = read.boxes[index]
        scale = _CROP_DPI / 72
        clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) & display_list.rect
        try:
            picture = display_list.get_pixmap(matrix=pymupdf.Matrix(scale, scale), alpha=0, clip=clip)
            png = picture.tobytes("png")
        except ENGINE_ERRORS:
            continue  # the figure keeps its place without a picture; the engine's message is among the warnings
        digest = hashlib.sha256(png).hexdigest()
        read.crops[index] = (
            Crop(sha256=digest, media_type="image/png", width=picture.width, height=picture.height),
            png,
        )


def _elements(pages: Sequence[_ReadPage]) -> list[Element]:
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
                    method=page.page.method,
                    confidence=_confidence(draft),
                    table=table,
                    crop=page.crops[index][0] if index in page.crops else None,
                    lines=_ocr_lines(draft),
                    links=draft.links,
                )
            )
    return elements


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
