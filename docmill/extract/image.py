"""Reads picture files: text by OCR as paragraphs and titles with their boxes, and the picture where it is one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from docmill.config import ExtractConfig, Mode
from docmill.errors import CorruptDocumentError, LimitExceededError
from docmill.extract.builder import MAX_PIXELS, Builder, Fields
from docmill.extract.ocr import ENGINE, ocr_lines
from docmill.extract.reading import Reading
from docmill.extract.untyped import Picture
from docmill.models import BBox, ElementType, Line, Page, PageStatus

TITLE_HEIGHT = 1.45
"""A paragraph whose lines are this many times higher than the page's usual line is a title."""
PICTURE_SHARE = 0.12
"""Share of the page's cells that are neither paper nor text from which the page is a picture."""
_GRID = 64


def read_image(data: bytes, config: ExtractConfig) -> Reading:
    """The elements of a picture file; a frame is a page, a pixel a point.

    Raises LimitExceededError for too many pixels or frames, CorruptDocumentError where it cannot be decoded.
    """
    from PIL import Image, ImageFile, UnidentifiedImageError

    previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(io.BytesIO(data)) as image:
            assert isinstance(image, ImageFile.ImageFile)
            builder = Builder(Image.MIME.get(image.format or "", "image/png"), config)
            frames = int(getattr(image, "n_frames", 1))
            if getattr(image, "is_animated", False) and image.format in ("GIF", "WEBP", "PNG"):
                builder.warn(f"The animation has {frames} frames; only the first was read.")
                frames = 1
            if frames > config.max_pages:
                raise LimitExceededError(
                    f"The picture has {frames} frames, more than the {config.max_pages} allowed.",
                    hint="Raise extract.max_pages or split the file.",
                )
            for number in range(frames):
                image.seek(number)
                _check_size(*image.size)
                _page(image, number + 1, builder)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        raise CorruptDocumentError(f"The picture cannot be decoded: {error}.", hint="Save it again as PNG.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = previous
    return builder.reading()


def _check_size(width: int, height: int) -> None:
    """Raises LimitExceededError for a picture too large to unpack."""
    if width * height > MAX_PIXELS:
        raise LimitExceededError(
            f"The picture has {width} x {height} pixels, more than the {MAX_PIXELS} that are safe to unpack.",
            hint="Scale it down.",
        )


def _page(image: Picture, number: int, builder: Builder) -> None:
    """Adds one frame: the picture if it is one, then its text, and the page with what became of it."""
    from PIL import ImageOps

    size = (float(image.width), float(image.height))
    if builder.config.mode is Mode.FAST:
        reason = "The page is a picture, and mode fast reads no pictures: use mode auto."
        builder.pages.append(Page(number=number, width=size[0], height=size[1], status=PageStatus.EMPTY, reason=reason))
        return
    upright = _on_white(ImageOps.exif_transpose(image))
    size = (float(upright.width), float(upright.height))
    data = _png(upright)
    lines = ocr_lines(data, builder.config.languages)
    if _is_picture(upright, lines):
        whole = BBox(x0=0, y0=0, x1=size[0], y1=size[1])
        builder.picture(data, "", {"page": number, "page_size": size, "bbox": whole})
    add_lines(lines, builder, {"page": number, "page_size": size})
    status, reason = (PageStatus.OK, "") if lines else (PageStatus.EMPTY, "OCR found no text on the page.")
    page = Page(number=number, width=size[0], height=size[1], status=status, method=ENGINE, reason=reason)
    builder.pages.append(page)


def _on_white(image: Picture) -> Picture:
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


def add_lines(lines: Sequence[Line], builder: Builder, fields: Fields) -> None:
    """Adds recognised lines (in reading order) as titles and paragraphs with box, confidence and their lines."""
    if not lines:
        return
    usual = median(_height(line) for line in lines)
    for group in paragraphs(lines):
        box = group[0].bbox
        for line in group[1:]:
            box = box.union(line.bbox)
        scores = [line.confidence for line in group if line.confidence is not None]
        confidence = round(fmean(scores), 4) if scores else None
        given: Fields = {**fields, "bbox": box, "method": ENGINE, "confidence": confidence, "lines": tuple(group)}
        text = joined(group)
        height = median(_height(line) for line in group)
        if height >= TITLE_HEIGHT * usual and len(group) <= 3 and any(each.isalpha() for each in text):
            builder.title(text, 1 if height >= 2 * usual else 2, given)
        else:
            builder.add(ElementType.TEXT, text, given)


def paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines in reading order, grouped: a paragraph ends at a wider gap, another size, another column or a new row."""
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _continues(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _continues(group: list[Line], line: Line) -> bool:
    """Whether a line goes on with the paragraph above it."""
    last = group[-1]
    height, other = _height(last), _height(line)
    same_row = abs(_middle(line) - _middle(last)) < 0.5 * min(height, other)
    if same_row:
        return 0 <= line.bbox.x0 - last.bbox.x1 + height / 2 < 2.5 * height and _similar(height, other)
    gap = line.bbox.y0 - last.bbox.y1
    overlaps = line.bbox.x0 < last.bbox.x1 and last.bbox.x0 < line.bbox.x1
    pitch = _middle(line) - _middle(last)
    steady = len(group) < 2 or pitch < 1.35 * max(_pitch(group), height)
    return overlaps and -0.8 * height < gap < 0.9 * max(height, other) and steady and _similar(height, other)


def _pitch(group: list[Line]) -> float:
    """The distance between a paragraph's lines, 0 for a single row."""
    steps = [_middle(low) - _middle(high) for high, low in pairwise(group)]
    steps = [step for step in steps if step > _height(group[0]) / 2]
    return median(steps) if steps else 0.0


def _similar(one: float, other: float) -> bool:
    return max(one, other) <= 1.4 * min(one, other)


def _height(line: Line) -> float:
    return max(line.bbox.y1 - line.bbox.y0, 1.0)


def _middle(line: Line) -> float:
    return (line.bbox.y0 + line.bbox.y1) / 2


def joined(group: Sequence[Line]) -> str:
    """The lines as text: a word cut at a line's end by a hyphen before a small letter is joined again."""
    text = ""
    for line in group:
        if text.endswith("-") and len(text) > 1 and text[-2].isalpha() and line.text[:1].islower():
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text


def _is_picture(image: Picture, lines: Sequence[Line]) -> bool:
    """Whether enough of the page is neither paper nor text: judged on a grid of cells, outside of the lines' boxes."""
    import numpy

    small = numpy.asarray(image.convert("L").resize((_GRID * 4, _GRID * 4)), dtype=numpy.float32)
    cells = small.reshape(_GRID, 4, _GRID, 4).transpose(0, 2, 1, 3).reshape(_GRID, _GRID, 16)
    paper = numpy.median(small)
    busy = (cells.std(axis=2) > 8) | (numpy.abs(cells.mean(axis=2) - paper) > 40)
    for line in lines:
        left, right = line.bbox.x0 / image.width * _GRID, line.bbox.x1 / image.width * _GRID
        top, bottom = line.bbox.y0 / image.height * _GRID, line.bbox.y1 / image.height * _GRID
        busy[max(int(top) - 1, 0) : int(bottom) + 2, max(int(left) - 1, 0) : int(right) + 2] = False
    return bool(busy.mean() > PICTURE_SHARE)
