"""Figures: placed pictures and clusters of drawings, and frames whose text is read together."""

from __future__ import annotations

from collections.abc import Sequence

from docmill.extract.pdf.ink import Ink, Rule, Run
from docmill.extract.pdf.places import Box

_MIN_SIDE = 36.0  # points: smaller pictures are icons, bullets and rules
_MIN_AREA = 0.012  # of the page
_WHOLE_PAGE = 0.85  # of the page: a picture this large behind text is a background
_NEAR = 8.0  # points between drawings of one figure
_MANY = 2_000  # drawings beyond this are not clustered: maps and plots of many strokes become one figure


def area(box: Box) -> float:
    """The box's area in square points."""
    return max(box.x1 - box.x0, 0.0) * max(box.y1 - box.y0, 0.0)


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share."""
    return max(min(a.x1, b.x1) - max(a.x0, b.x0), 0.0) * max(min(a.y1, b.y1) - max(a.y0, b.y0), 0.0)


def inside(run: Run, box: Box) -> bool:
    """True if the run's middle lies in the box."""
    return box.x0 <= (run.x0 + run.x1) / 2 <= box.x1 and box.y0 <= (run.y0 + run.y1) / 2 <= box.y1


def find_figures(ink: Ink, tables: Sequence[Box]) -> list[Box]:
    """The boxes of the page's figures outside its tables, from top to bottom."""
    page = ink.width * ink.height
    drawn = [box for box in ink.drawings if max(box.x1 - box.x0, box.y1 - box.y0) > 6]
    clusters = _clusters(drawn) if len(drawn) >= 3 else []
    kept: list[Box] = []
    for box in sorted([*ink.images, *clusters], key=area, reverse=True):
        if min(box.x1 - box.x0, box.y1 - box.y0) < _MIN_SIDE or area(box) < _MIN_AREA * page:
            continue
        if ink.runs and area(box) > _WHOLE_PAGE * page:
            continue
        if any(overlap(box, other) > 0.5 * area(box) for other in [*kept, *tables]):
            continue
        if not _is_text_backdrop(box, ink.runs):
            kept.append(box)
    return sorted(kept, key=lambda box: (box.y0, box.x0))


def _is_text_backdrop(box: Box, runs: Sequence[Run]) -> bool:
    """True if lines of prose cover a third of the box: the picture is behind the text."""
    lines = [run for run in runs if len(run.words) >= 6 and inside(run, box)]
    covered = sum(area(run.box) for run in lines)
    return len(lines) >= 4 and covered > 0.3 * area(box)


def _clusters(boxes: Sequence[Box]) -> list[Box]:
    """Boxes that lie near each other, joined until none are near."""
    if len(boxes) > _MANY:
        return [_union(boxes)]
    clusters: list[Box] = []
    for box in sorted(boxes, key=lambda box: (box.y0, box.x0)):
        merged = box
        rest = []
        for cluster in clusters:
            if _near(cluster, merged):
                merged = _union([cluster, merged])
            else:
                rest.append(cluster)
        clusters = [*rest, merged]
    return clusters


def _near(a: Box, b: Box) -> bool:
    """True if the boxes overlap or are at most `_NEAR` points apart."""
    return a.x0 - _NEAR <= b.x1 and b.x0 - _NEAR <= a.x1 and a.y0 - _NEAR <= b.y1 and b.y0 - _NEAR <= a.y1


def _union(boxes: Sequence[Box]) -> Box:
    """The smallest box around all."""
    return Box(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )


def find_frames(ink: Ink, taken: Sequence[Box]) -> list[Box]:
    """Drawn or shaded boxes, neither small nor the whole page, outside `taken`: their text is read together."""
    page = ink.width * ink.height
    boxes = [*ink.fills, *_rectangles(ink.h_rules, ink.v_rules)]
    kept: list[Box] = []
    for box in sorted(set(boxes), key=area, reverse=True):
        if not 0.02 * page < area(box) < 0.6 * page or box.y1 - box.y0 < 24:
            continue
        if not any(overlap(box, other) > 0.1 * area(box) for other in [*kept, *taken]):
            kept.append(box)
    return kept


def is_diagram(box: Box, runs: Sequence[Run]) -> bool:
    """True if a frame of some height holds labels only, no line of running text."""
    return box.y1 - box.y0 > 60 and all(len(run.words) < 7 for run in runs)


def _rectangles(h_rules: Sequence[Rule], v_rules: Sequence[Rule]) -> list[Box]:
    """Boxes that two horizontal and two vertical rules enclose."""
    found: list[Box] = []
    if len(h_rules) > 200 or len(v_rules) > 200:
        return found
    for index, top in enumerate(h_rules):
        for bottom in h_rules[index + 1 :]:
            if abs(top.start - bottom.start) > 2 or abs(top.end - bottom.end) > 2 or bottom.at - top.at < 24:
                continue
            sides = [
                any(abs(v.at - x) < 2.5 and v.start < top.at + 3 and v.end > bottom.at - 3 for v in v_rules)
                for x in (top.start, top.end)
            ]
            if all(sides):
                found.append(Box(top.start, top.at, top.end, bottom.at))
                break
    return found
