"""Reads picture files: text by OCR as paragraphs and titles with their boxes, and the picture where it is one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.builder import MAX_PIXELS, Builder
from docmill.extract.lines import add_lines
from docmill.extract.ocr import ocr_page
from docmill.extract.picture_kinds import has_graphics, kind_of, labels_of
from docmill.extract.reading import Reading
from docmill.extract.untyped import Picture
from docmill.extract.upright import Upright
from docmill.extract.wanted import ALL, Wanted
from docmill.models import BBox, Element, Line, Page, PageStatus

_MOST_FRAMES = 1_000_000


def read_image(data: bytes, config: ExtractConfig, wanted: Wanted = ALL) -> Reading:
    """The elements of a picture file, of its wanted frames alone; a frame is a page, a pixel a point.

    Raises LimitExceededError for too many pixels or frames, CorruptDocumentError where it cannot be decoded,
    UsageError where it has none of the wanted frames.
    """
    with _opened(data) as image:
        builder = Builder(_media_type(image), config)
        found = int(getattr(image, "n_frames", 1))
        if found > 1 and _is_animation(image):
            builder.warn(f"The animation has {found} frames; only the first was read.")
        for number in _numbers(image, config.max_pages, wanted):
            _page(_frame(image, number), number, builder)
    return builder.reading()


def frames(data: bytes, wanted: Wanted = ALL) -> Iterator[tuple[int, Picture]]:
    """The wanted frames (from 1) as they are read: upright by their EXIF tag, what is transparent on white.

    Raises what `read_image` raises.
    """
    with _opened(data) as image:
        for number in _numbers(image, _MOST_FRAMES, wanted):
            yield number, on_its_feet(_frame(image, number))


@contextmanager
def _opened(data: bytes) -> Iterator[Picture]:
    """The picture file. Raises CorruptDocumentError where it, or a frame used in the block, cannot be decoded."""
    from PIL import Image, UnidentifiedImageError

    if data[4:8] == b"ftyp":
        _know_heif()
    previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(io.BytesIO(data)) as image:
            yield image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        raise CorruptDocumentError(f"The picture cannot be decoded: {error}.", hint="Save it again as PNG.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = previous


@cache
def _know_heif() -> None:
    """Pillow opens HEIC pictures from now on."""
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _media_type(image: Picture) -> str:
    from PIL import Image

    return str(Image.MIME.get(image.format or "", "image/png"))


def _is_animation(image: Picture) -> bool:
    return bool(getattr(image, "is_animated", False)) and image.format in ("GIF", "WEBP", "PNG")


def _numbers(image: Picture, most: int, wanted: Wanted) -> Iterator[int]:
    """The wanted frames (from 1), each announced; of an animation the first alone. Raises LimitExceededError."""
    count = 1 if _is_animation(image) else int(getattr(image, "n_frames", 1))
    if count > most:
        raise LimitExceededError(
            f"The picture has {count} frames, more than the {most} allowed.",
            hint="Raise extract.max_pages or split the file.",
        )
    for number in (numbers := wanted.numbers(count)):
        wanted.watch(number, len(numbers))
        yield number


def _frame(image: Picture, number: int) -> Picture:
    image.seek(number - 1)
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int) -> None:
    """Raises LimitExceededError for a picture too large to unpack."""
    if width * height > MAX_PIXELS:
        raise LimitExceededError(
            f"The picture has {width} x {height} pixels, more than the {MAX_PIXELS} that are safe to unpack.",
            hint="Scale it down.",
        )


def _page(image: Picture, number: int, builder: Builder) -> None:
    """Adds one frame: the picture if it is one, then its text, and the page with what became of it."""
    size = (float(image.width), float(image.height))
    if builder.config.mode is Mode.FAST:
        reason = "The page is a picture, and mode fast reads no pictures: use mode auto."
        builder.pages.append(Page(number=number, width=size[0], height=size[1], status=PageStatus.EMPTY, reason=reason))
        return
    picture = on_its_feet(image)
    size = (float(picture.width), float(picture.height))
    data = _png(picture)
    engine = f"ocr:{builder.config.ocr_engine}"
    found = ocr_page(data, builder.config.languages, builder.config.ocr_engine)
    lines = found.lines
    if has_graphics(picture, [_shown_line(line, found.upright) for line in lines]):
        whole = BBox(x0=0, y0=0, x1=size[0], y1=size[1])
        readable = found.upright.size if found.upright.is_turned else size
        kind = kind_of(labels_of(lines), readable, graphics=True)
        builder.picture(data, "", {"page": number, "page_size": size, "bbox": whole}, kind)
    start = len(builder.elements)
    add_lines(lines, builder, {"page": number, "page_size": size, "method": engine})
    builder.elements[start:] = [_shown(each, found.upright) for each in builder.elements[start:]]
    status, reason = (
        (PageStatus.OK, found.upright.note) if lines else (PageStatus.EMPTY, "OCR found no text on the page.")
    )
    page = Page(number=number, width=size[0], height=size[1], status=status, method=engine, reason=reason)
    builder.pages.append(page)


def _shown(element: Element, upright: Upright) -> Element:
    """An element of the readable page with its boxes in the page as it is shown."""
    if not upright.is_turned or element.bbox is None:
        return element
    table = element.table
    if table is not None:
        cells = [
            cell.model_copy(update={"bbox": upright.shown_box(cell.bbox)}) if cell.bbox else cell
            for cell in table.cells
        ]
        table = table.model_copy(update={"cells": tuple(cells)})
    lines = tuple(_shown_line(line, upright) for line in element.lines)
    return element.model_copy(update={"bbox": upright.shown_box(element.bbox), "table": table, "lines": lines})


def _shown_line(line: Line, upright: Upright) -> Line:
    return line.model_copy(update={"bbox": upright.shown_box(line.bbox)})


def on_its_feet(image: Picture) -> Picture:
    """The frame as it is shown: turned by its EXIF tag, on white."""
    from PIL import ImageOps

    return on_white(ImageOps.exif_transpose(image))


def on_white(image: Picture) -> Picture:
    """The picture in grey or RGB, what is transparent put on white; 16-bit grey brought down to 8."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    if image.mode.startswith("I") or image.mode == "F":
        low, high = image.getextrema()
        scale = 255.0 / (high - low) if high > low else 1.0
        return image.point(lambda value: value * scale - low * scale).convert("L")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _png(image: Picture) -> bytes:
    """PNG bytes, packed fast: they are read again at once and kept only for pictures."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
