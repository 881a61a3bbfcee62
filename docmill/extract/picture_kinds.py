"""Tells charts and infographics among pictures by the text in them and by where it stands.

A chart has a scale, or shares that make a whole. An infographic has text in several places among graphics: a poster, a
flow chart, a labelled drawing, a board of figures. Photographs have few words, scans of prose and tables no graphics.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from docmill.extract.chart_axes import Label, number_of, shows_chart
from docmill.extract.untyped import Picture, Pixels
from docmill.models import ElementType, Extraction, Line

GRAPHICS_SHARE = 0.12
"""Share of a picture's cells that are neither paper nor text from which there are graphics in it."""
_DRAWN = (ElementType.CHART, ElementType.INFOGRAPHIC)
UNREAD = "Its data could not be read: see its picture and text."
_BESIDE_TEXT = 0.06
"""The same for pictures in documents, which are not scans of pages."""
_GRID, _DEVIATION, _CONTRAST, _COLOUR = 64, 8, 40, 40
"""Cells a side; levels of 255 by which a cell is uneven, darker or lighter, or more coloured than the paper."""
_ROWS = 3
_PLACES, _WORDS, _LINE = 4, 10, 7
"""An infographic has words in this many places at least, and lines of this many words at most, by the median."""
_COVERED = 0.5
_MOST = 300
_SHARES, _WHOLE = 3, 2.0
_HEIGHT = 10.0
"""Text of any size is looked at as if it were this high: axes are aligned to within some points."""


def kind_of(labels: Sequence[Label], size: tuple[float, float], *, graphics: bool) -> ElementType:
    """CHART, INFOGRAPHIC or IMAGE, by the labels of a picture of that width and height in the same units.

    `graphics` says whether there is more in it than paper and text.
    """
    if not labels:
        return ElementType.IMAGE
    zoom = _HEIGHT / max(median(label.y1 - label.y0 for label in labels), 1e-6)
    scaled = [Label(each.text, *(zoom * value for value in each[1:])) for each in labels]
    if shows_chart(scaled) or (graphics and _is_pie(scaled)):
        return ElementType.CHART
    return ElementType.INFOGRAPHIC if graphics and _is_infographic(labels, size) else ElementType.IMAGE


def kind_of_picture(image: Picture, lines: Sequence[Line]) -> ElementType:
    """CHART, INFOGRAPHIC or IMAGE, by a decoded picture and the lines recognised in it, boxes in its pixels."""
    return kind_of(labels_of(lines), image.size, graphics=has_graphics(image, lines, least=_BESIDE_TEXT))


def labels_of(lines: Sequence[Line]) -> list[Label]:
    """The lines as labels."""
    return [Label(line.text, line.bbox.x0, line.bbox.y0, line.bbox.x1, line.bbox.y1) for line in lines]


def with_chart_notes(extraction: Extraction) -> Extraction:
    """The extraction whose charts and infographics without data say so in `metadata["note"]`, and in a warning."""
    unread = [each for each in extraction.elements if each.type in _DRAWN and each.table is None]
    if not unread:
        return extraction
    ordinals = {each.ordinal for each in unread}
    elements = tuple(
        each.model_copy(update={"metadata": {"note": UNREAD, **each.metadata}}) if each.ordinal in ordinals else each
        for each in extraction.elements
    )
    charts = sum(each.type is ElementType.CHART for each in unread)
    parts = [f"{count} {name}{'s' * (count > 1)}" for count, name in
             ((charts, "chart"), (len(unread) - charts, "infographic")) if count]  # fmt: skip
    warning = f"{' and '.join(parts)} without readable data: text and picture are kept, a caption server can read more."
    return extraction.model_copy(update={"elements": elements, "warnings": (*extraction.warnings, warning)})


def has_graphics(image: Picture, lines: Sequence[Line], least: float = GRAPHICS_SHARE) -> bool:
    """Whether so much of the picture is neither paper nor text: judged on a grid of cells outside of the lines."""
    import numpy

    small = image.convert("RGB").resize((_GRID * 4, _GRID * 4))
    grey, colour = (_cells(small.convert(mode).getchannel(channel)) for mode, channel in (("L", 0), ("HSV", 1)))
    busy = (grey.std(axis=2) > _DEVIATION) | (numpy.abs(grey.mean(axis=2) - numpy.median(grey)) > _CONTRAST)
    busy |= numpy.abs(colour.mean(axis=2) - numpy.median(colour)) > _COLOUR
    for line in lines:
        left, right = line.bbox.x0 / image.width * _GRID, line.bbox.x1 / image.width * _GRID
        top, bottom = line.bbox.y0 / image.height * _GRID, line.bbox.y1 / image.height * _GRID
        busy[max(int(top) - 1, 0) : int(bottom) + 2, max(int(left) - 1, 0) : int(right) + 2] = False
    return bool(busy.mean() > least)


def _cells(channel: Picture) -> Pixels:
    """A channel of a picture of four pixels a cell and side, as cells by row and column of 16 values."""
    import numpy

    values = numpy.asarray(channel, dtype=numpy.float32)
    return values.reshape(_GRID, 4, _GRID, 4).transpose(0, 2, 1, 3).reshape(_GRID, _GRID, 16)


def _is_pie(labels: Sequence[Label]) -> bool:
    """Whether percentages among the labels make a whole, each with a name or more beside it."""
    shares = [number_of(each.text) or 0.0 for each in labels if each.text.rstrip().endswith("%")]
    shares = [each for each in shares if each > 0]
    names = sum(number_of(each.text) is None for each in labels)
    return len(shares) >= _SHARES and names >= len(shares) and abs(sum(shares) - 100) <= _WHOLE


def _is_infographic(labels: Sequence[Label], size: tuple[float, float]) -> bool:
    """Whether words stand in several places apart, in short lines, and leave room for what they are about."""
    words = [len(each.text.split()) for each in labels]
    covered = sum((each.x1 - each.x0) * (each.y1 - each.y0) for each in labels)
    if sum(words) < _WORDS or median(words) > _LINE or covered > _COVERED * size[0] * size[1]:
        return False
    return not _is_grid(labels) and _places(labels[:_MOST]) >= _PLACES


def _is_grid(labels: Sequence[Label]) -> bool:
    """Whether the labels stand in rows and columns as those of a table: three rows or more of as many cells."""
    rows: list[list[Label]] = []
    for label in sorted(labels, key=lambda each: each.y):
        if rows and label.y - rows[-1][0].y < (label.y1 - label.y0) / 2:
            rows[-1].append(label)
        else:
            rows.append([label])
    widths = [len(row) for row in rows if len(row) > 2]
    return len(widths) >= _ROWS and 2 * sum(widths) > len(labels)


def _places(labels: Sequence[Label]) -> int:
    """How many groups the labels make: those belong together that are lines of one paragraph or parts of one line."""
    groups: list[list[Label]] = []
    for label in labels:
        near = [group for group in groups if any(_belong(label, other) for other in group)]
        groups = [group for group in groups if not any(group is each for each in near)]
        groups.append([label, *(each for group in near for each in group)])
    return len(groups)


def _belong(one: Label, other: Label) -> bool:
    height = min(one.y1 - one.y0, other.y1 - other.y0)
    beside = max(one.x0, other.x0) - min(one.x1, other.x1)
    below = max(one.y0, other.y0) - min(one.y1, other.y1)
    return (beside < 0 and below < height) or (below < 0 and beside < 1.5 * height)
