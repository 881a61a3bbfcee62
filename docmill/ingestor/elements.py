"""Builds a document's result elements from its extraction: which, in which order, with which text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from docmill.artifacts import Artifacts
from docmill.extract.drawings import read_drawing
from docmill.extract.media_type import MEDIA_TYPES
from docmill.extract.page_pictures import page_pictures
from docmill.extract.pictures import PdfPictures, Placed, scaled
from docmill.extract.render import to_markdown
from docmill.extract.svg_drawing import svg_pdf
from docmill.extract.table_picture import table_picture
from docmill.extract.wanted import Wanted
from docmill.ingestor.options import ExtractOptions
from docmill.ingestor.shape import (
    Json,
    Picture,
    Place,
    Recording,
    Source,
    TableText,
    audio_element,
    error_element,
    image_element,
    structured_element,
    text_element,
)
from docmill.models import Element, ElementType, Extraction, PageStatus, Table

_STRUCTURED = {
    ElementType.TABLE: "table",
    ElementType.CHART: "chart",
    ElementType.INFOGRAPHIC: "infographic",
}
_PAGE_PIXELS = 1024


@dataclass(frozen=True)
class Input:
    """What elements are built from. `pictures` is the open PDF, None for other documents; `data` the bytes."""

    source: Source
    data: bytes
    extraction: Extraction
    options: ExtractOptions
    artifacts: Artifacts
    sizes: dict[int, tuple[float, float]]
    pictures: PdfPictures | None = None


def build(given: Input) -> list[Json]:
    """The elements by page; within a page text first, then structured elements and pictures in reading order."""
    kind = given.source.document_type
    if any(each.type is ElementType.AUDIO_SEGMENT for each in given.extraction.elements) or kind in ("mp3", "wav"):
        return _recorded(given)
    by_page: dict[int, list[Element]] = defaultdict(list)
    for element in given.extraction.elements:
        by_page[element.page or 1].append(element)
    made: list[Json] = []
    paged = given.options.text_depth == "page" and kind != "html"
    if given.options.extract_text and not paged:
        text = _html_text(given) if kind == "html" else "\n".join(filter(None, map(_text, given.extraction.elements)))
        size = given.sizes.get(1, (0, 0)) if len(given.sizes) == 1 else (0, 0)
        made.append(text_element(given.source, Place(size=size), text))
    for number in range(1, given.source.pages + 1):
        size = given.sizes.get(number, (0, 0))
        text = "\n".join(filter(None, map(_text, by_page[number])))
        if given.options.extract_text and paged:
            made.append(text_element(given.source, Place(number, size=size), text))
        made += _page(given, number, by_page[number], text)
    made += [
        error_element(given.source, page.number, f"Page {page.number} could not be read: {page.reason}.")
        for page in given.extraction.pages
        if page.status is PageStatus.FAILED
    ]
    return made


def _text(element: Element) -> str:
    """The element as text of its page; a table's rows are lines."""
    return element.text.strip()


def _html_text(given: Input) -> str:
    return to_markdown(given.extraction, "markdown").strip()


def _page(given: Input, number: int, elements: Sequence[Element], text: str) -> Iterator[Json]:
    """The structured elements and pictures of a page."""
    options, size = given.options, given.sizes.get(number, (0, 0))
    wanted = {
        ElementType.TABLE: options.extract_tables,
        ElementType.CHART: options.extract_charts,
        ElementType.INFOGRAPHIC: options.extract_infographics,
    }
    is_file = given.extraction.media_type.startswith("image/")
    for element in elements:
        if wanted.get(element.type):
            yield _structured(given, element, elements, size)
        elif element.type is ElementType.IMAGE and options.extract_images and given.pictures is None and not is_file:
            picture = _crop(given, element)
            if picture is not None:
                yield image_element(given.source, _at(element, Place(number, element.bbox, size)), picture)
    if given.pictures is None:
        if options.extract_images and is_file:
            yield image_element(given.source, Place(number, None, size), _whole_picture(given, number, text))
        return
    if options.extract_images:
        for placed in given.pictures.placed(number):
            yield image_element(given.source, Place(number, placed.box, size), _picture(placed))
    if options.extract_page_as_image:
        page = given.pictures.page(number, _PAGE_PIXELS)
        yield image_element(given.source, Place(number, page.box, size), _picture(page, text), "page_image")


def _whole_picture(given: Input, number: int, text: str) -> Picture:
    """A picture file, or a frame of it, as one picture; a drawing is drawn. Raises CorruptDocumentError."""
    if given.extraction.media_type == MEDIA_TYPES["svg"]:
        raw = read_drawing(svg_pdf(given.data), margins=True).png
    elif given.source.pages > 1:
        raw = next(page_pictures(given.data, given.extraction.media_type, wanted=Wanted(((number, number),)))).png()
    else:
        raw = given.data
    data, kind, width, height = scaled(raw)
    return Picture(data, kind, width, height, text)


def _structured(given: Input, element: Element, others: Sequence[Element], size: tuple[float, float]) -> Json:
    caption = next((each.text for each in others if each.describes == element.ordinal), "")
    form = given.options.table_output_format
    if element.type is ElementType.TABLE and element.table is not None:
        text, form = table_text(element.table, form)
    else:
        text = "\n".join(filter(None, [_heading(element, others), element.text]))
        if element.table is not None and element.table.cells:
            text = f"{text}\n{element.table.markdown()}" if element.table.markdown() not in text else text
        form = "simple"
    picture = None
    if given.pictures is not None and element.page and element.bbox is not None:
        picture = _picture(given.pictures.region(element.page, element.bbox))
    elif element.crop is not None:
        picture = _crop(given, element)
    elif element.table is not None and element.table.cells:
        data, width, height = table_picture(element.table)
        picture = Picture(data, "png", width, height)
    place = Place(element.page or 1, element.bbox, element.page_size or size)
    return structured_element(given.source, place, _STRUCTURED[element.type], TableText(text, form, caption, picture))


def _heading(chart: Element, others: Sequence[Element]) -> str:
    """The title that stands right above a chart, "" if there is none or the chart holds its own."""
    before = [each for each in others if each.ordinal < chart.ordinal]
    if not before or before[-1].type is not ElementType.TITLE or before[-1].bbox is None or chart.bbox is None:
        return ""
    gap = chart.bbox.y0 - before[-1].bbox.y1
    return before[-1].text if 0 <= gap <= 3 * (before[-1].bbox.y1 - before[-1].bbox.y0) else ""


def table_text(table: Table, form: str) -> tuple[str, str]:
    """The table in the format, and the name of the format that was used."""
    grid = [[" ".join(text.split()) for text in row] for row in table.shown()]
    if form == "simple":
        return "\n".join(" ".join(filter(None, row)) for row in grid), form
    if form == "html":
        rows = ["<tr>" + "".join(f"<td>{escape(text, quote=False)}</td>" for text in row) + "</tr>" for row in grid]
        return "<table>" + "".join(rows) + "</table>", form
    if form == "latex":
        body = " \\\\\n".join(" & ".join(map(_latex, row)) for row in grid)
        return f"\\begin{{tabular}}{{{'l' * table.columns}}}\n{body} \\\\\n\\end{{tabular}}", form
    lines = table.markdown().split("\n")
    if form == "pseudo_markdown":
        return "\n".join(lines[:1] + lines[2:]), form
    return "\n".join(lines), "markdown"


def _latex(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "&%$#_{}" else letter for letter in text)


def _crop(given: Input, element: Element) -> Picture | None:
    """The picture that was cut out when the document was read."""
    if element.crop is None:
        return None
    data, kind, width, height = scaled(given.artifacts.crop(element.crop))
    return Picture(data, kind, width, height, element.text)


def _picture(placed: Placed, text: str = "") -> Picture:
    return Picture(placed.data, placed.kind, placed.width, placed.height, text)


def _recorded(given: Input) -> list[Json]:
    """One element with all that is said, or one a spoken segment; then the pictures of a video's scenes."""
    kind = given.source.document_type
    spoken = [each for each in given.extraction.elements if each.type is ElementType.AUDIO_SEGMENT]
    if given.options.segment_audio:
        made = [audio_element(given.source, _at(each, Place()), Recording(each.text, kind)) for each in spoken]
    else:
        made = [audio_element(given.source, Place(), Recording(" ".join(each.text for each in spoken), kind))]
    shown = [each for each in given.extraction.elements if each.type is ElementType.IMAGE]
    return [*made, *_page(given, 1, shown, "")]


def _at(element: Element, place: Place) -> Place:
    """The place with the time of an element of sound or video."""
    if element.start is None:
        return place
    start = round(element.start * 1000)
    return replace(place, start=start, end=max(start + 1, round((element.end or 0) * 1000)))
