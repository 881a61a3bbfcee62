"""Which pictures stay: filters by size and shape, and repeats removed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from docmill.ingestor.options import DedupOptions, FilterOptions
from docmill.ingestor.shape import Json, with_message


def _is_picture(element: Json) -> bool:
    metadata = element["metadata"]
    is_image = element["document_type"] == "image" and metadata["image_metadata"] is not None
    return is_image and metadata["content_metadata"]["subtype"] != "page_image"


def filtered(elements: Sequence[Json], options: FilterOptions) -> list[Json]:
    """The elements without pictures that are too small or of an odd shape; those are kept as notes if so asked."""
    kept: list[Json] = []
    for element in elements:
        if not _is_picture(element) or _fits(element, options):
            kept.append(element)
        elif not options.filter:
            message = "Filtered due to image size or aspect ratio."
            noted = with_message(element, "filter", "success", message, filtered=True)
            kept.append({**noted, "document_type": "info_message"})
    return kept


def _fits(element: Json, options: FilterOptions) -> bool:
    image = element["metadata"]["image_metadata"]
    width, height = image["width"], image["height"]
    shape = width / height if height else 0.0
    return (width + height) / 2 > options.min_size and options.min_aspect_ratio < shape < options.max_aspect_ratio


def without_repeats(elements: Sequence[Json], options: DedupOptions) -> list[Json]:
    """The elements without repeats of a picture, and of a picture and a structured element at one place but one."""
    seen: set[bytes] = set()
    kept: list[Json] = []
    for element in elements:
        if _is_picture(element):
            mark = hashlib.sha256(element["metadata"]["content"].encode()).digest()
            if mark in seen:
                continue
            seen.add(mark)
        kept.append(element)
    return _without_covered(kept, options) if options.enable_bbox_dedup else kept


def _without_covered(elements: list[Json], options: DedupOptions) -> list[Json]:
    structured = [each for each in elements if each["document_type"] == "structured"]
    dropped: set[int] = set()
    for picture in filter(_is_picture, elements):
        for other in structured:
            if _page(other) == _page(picture) and _iou(_unit_box(other), _unit_box(picture)) >= options.iou_threshold:
                dropped.add(id(picture if options.bbox_dedup_prefer_structured else other))
    return [each for each in elements if id(each) not in dropped]


def _page(element: Json) -> int:
    number: int = element["metadata"]["content_metadata"]["page_number"]
    return number


def _unit_box(element: Json) -> tuple[float, float, float, float]:
    """The box in shares of the page."""
    metadata = element["metadata"]
    name = "image" if metadata["image_metadata"] else "table"
    about = metadata[f"{name}_metadata"]
    x0, y0, x1, y1 = about[f"{name}_location"]
    width, height = about[f"{name}_location_max_dimensions"]
    return (x0 / width, y0 / height, x1 / width, y1 / height) if width and height else (0.0, 0.0, 0.0, 0.0)


def _iou(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Shared area by joint area, 0 where they do not meet."""
    shared = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    joint = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / joint if joint > 0 else 0.0
