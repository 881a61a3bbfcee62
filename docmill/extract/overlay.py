"""A page as a picture with a numbered, coloured box around each element and a legend: what was read, at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from docmill.extract.page_pictures import PagePicture, page_pictures
from docmill.extract.untyped import Foreign, Picture
from docmill.extract.wanted import Wanted
from docmill.models import BBox, Element, ElementType, Extraction

Colour = tuple[int, int, int]

_COLOURS: dict[ElementType, Colour] = {
    ElementType.TITLE: (200, 30, 45),
    ElementType.TEXT: (35, 95, 200),
    ElementType.LIST_ITEM: (0, 140, 160),
    ElementType.TABLE: (20, 130, 50),
    ElementType.IMAGE: (140, 50, 175),
    ElementType.CHART: (185, 55, 140),
    ElementType.INFOGRAPHIC: (165, 90, 120),
    ElementType.FORMULA: (110, 100, 0),
    ElementType.CODE: (70, 70, 90),
    ElementType.HEADER: (120, 120, 120),
    ElementType.FOOTER: (120, 120, 120),
    ElementType.FOOTNOTE: (130, 95, 60),
    ElementType.CAPTION: (215, 120, 0),
    ElementType.FORM_FIELD: (0, 110, 110),
}
_PREVIEW_COLOURS = 64
"""Of overlays that are kept in a database: a third of the bytes."""
_BLACK: Colour = (0, 0, 0)
_MARK: Colour = (215, 120, 0)
_FILL = 28
"""How opaque (of 255) a box is."""


def page_overlay(data: bytes, extraction: Extraction, *, page: int, width: int, password: str = "") -> bytes:
    """A PNG, about `width` pixels wide, of a page (from 1) with its elements; see `draw_overlay`.

    Raises what `page_pictures` raises.
    """
    known = next((each.width for each in extraction.pages if each.number == page), 0.0)
    dpi = max(36, min(600, round(72 * width / known))) if known else 100
    wanted = Wanted(((page, page),), password)
    drawn = next(page_pictures(data, extraction.media_type, dpi=dpi, wanted=wanted))
    few = draw_overlay(drawn, extraction.on_page(page), width).quantize(_PREVIEW_COLOURS)
    return PagePicture(page, few, 1.0).png()


def draw_overlay(page: PagePicture, elements: Sequence[Element], width: int | None = None) -> Picture:
    """The page with a box for each element in the colour of its type, its ordinal in a tag, cells of tables outlined.

    A legend below names the types and how many there are. `width` is the picture's in pixels; None keeps the page's.
    """
    from PIL import Image, ImageDraw

    picture, scale = page.picture, page.scale
    if width is not None and width != picture.width:
        scale *= width / picture.width
        picture = picture.resize(
            (width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS
        )
    unit = max(0.7, picture.width / 900)
    canvas = picture.convert("RGBA")
    layer = Image.new("RGBA", canvas.size)
    brush = ImageDraw.Draw(layer)
    placed = [each for each in elements if each.bbox is not None]
    for each in placed:
        _box(brush, each, scale, unit)
    for each in placed:
        _tag(brush, each, scale, unit)
    drawn = Image.alpha_composite(canvas, layer).convert("RGB")
    return _with_legend(drawn, elements, unit)


def marked(page: PagePicture, boxes: Sequence[BBox]) -> PagePicture:
    """The page with each of the boxes (points, origin top left) outlined and tinted."""
    from PIL import Image, ImageDraw

    canvas, scale = page.picture.convert("RGBA"), page.scale
    unit = max(0.7, canvas.width / 900)
    layer = Image.new("RGBA", canvas.size)
    brush = ImageDraw.Draw(layer)
    for box in boxes:
        corners = [
            value * scale + pad
            for value, pad in zip((box.x0, box.y0, box.x1, box.y1), (-unit, -unit, unit, unit), strict=True)
        ]
        brush.rectangle(corners, fill=(*_MARK, _FILL), outline=(*_MARK, 255), width=round(2 * unit))
    return PagePicture(page.number, Image.alpha_composite(canvas, layer).convert("RGB"), scale)


def _box(brush: Foreign, element: Element, scale: float, unit: float) -> None:
    """The element's box, and thin ones for the cells of a table."""
    assert element.bbox is not None
    colour = _COLOURS.get(element.type, _BLACK)
    pad = unit
    box = element.bbox
    corners = (box.x0 * scale - pad, box.y0 * scale - pad, box.x1 * scale + pad, box.y1 * scale + pad)
    brush.rectangle(corners, fill=(*colour, _FILL), outline=(*colour, 255), width=round(2 * unit))
    for cell in element.table.cells if element.table else ():
        if cell.bbox is not None:
            inner = cell.bbox
            cell_corners = (inner.x0 * scale, inner.y0 * scale, inner.x1 * scale, inner.y1 * scale)
            brush.rectangle(cell_corners, outline=(*colour, 130), width=round(unit))


def _tag(brush: Foreign, element: Element, scale: float, unit: float) -> None:
    """The element's number, white on its colour, left of its box or, where there is no room, in its corner."""
    from PIL import ImageFont

    assert element.bbox is not None
    colour = _COLOURS.get(element.type, _BLACK)
    font = ImageFont.load_default(round(12 * unit))
    label = str(element.ordinal)
    wide, high = brush.textlength(label, font=font) + 6 * unit, 15 * unit
    left = element.bbox.x0 * scale - wide - unit
    left = left if left >= 0 else max(0.0, element.bbox.x0 * scale - unit)
    top = max(0.0, element.bbox.y0 * scale - unit)
    brush.rectangle((left, top, left + wide, top + high), fill=(*colour, 255))
    brush.text((left + wide / 2, top + high / 2), label, fill=(255, 255, 255, 255), font=font, anchor="mm")


def _with_legend(picture: Picture, elements: Sequence[Element], unit: float) -> Picture:
    """The picture with a strip below that names the colours."""
    from PIL import Image, ImageDraw, ImageFont

    counts = Counter(each.type for each in elements)
    font = ImageFont.load_default(round(13 * unit))
    probe = ImageDraw.Draw(picture)
    entries = [(kind, f"{kind.value.replace('_', ' ')} {count}") for kind, count in counts.items()] or [
        (ElementType.TEXT, "no elements")
    ]
    row, margin, square = 22 * unit, 10 * unit, 12 * unit
    places: list[tuple[float, float]] = []
    x, y = margin, margin / 2
    for _, text in entries:
        wide = square + 5 * unit + probe.textlength(text, font=font) + 16 * unit
        if x > margin and x + wide > picture.width:
            x, y = margin, y + row
        places.append((x, y))
        x += wide
    legend = Image.new("RGB", (picture.width, round(y + row + margin / 2)), "white")
    brush = ImageDraw.Draw(legend)
    for (kind, text), (x, y) in zip(entries, places, strict=True):
        top = y + (row - square) / 2
        brush.rectangle((x, top, x + square, top + square), fill=_COLOURS.get(kind, _BLACK))
        brush.text((x + square + 5 * unit, y + row / 2), text, fill=_BLACK, font=font, anchor="lm")
    brush.line((0, 0, picture.width, 0), fill=(200, 200, 200), width=max(1, round(unit)))
    whole = Image.new("RGB", (picture.width, picture.height + legend.height), "white")
    whole.paste(picture, (0, 0))
    whole.paste(legend, (0, picture.height))
    return whole
