"""Pictures of a document under the protocol's names: pages, embedded objects, charts and crops of the layout.

The SDK tells a screenshot from an object by its name alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from docmill.errors import PermanentError
from docmill.extract.page_pictures import PagePicture, has_page_pictures, page_pictures
from docmill.extract.untyped import Picture
from docmill.extract.wanted import Wanted
from docmill.models import PICTURES, Element, ElementType, PageStatus
from docmill.service.llamacloud.options import ParseOptions
from docmill.service.llamacloud.pages import Side
from docmill.structured.record import Json

_DPI = 144
_CROPPED = ("table", "figure")


def object_names(sides: Sequence[Side], crops: Mapping[str, bytes]) -> dict[tuple[int, int], str]:
    """The file name of each embedded picture by its page and its place among the page's pictures, both from 1."""
    names = {}
    for side in sides:
        for number, element in enumerate(_pictured(side, crops), 1):
            assert element.crop is not None
            suffix = "jpg" if element.crop.media_type == "image/jpeg" else "png"
            names[side.page.number, number] = f"img_p{side.page.number - 1}_{number}.{suffix}"
    return names


def addresses(sides: Sequence[Side], crops: Mapping[str, bytes]) -> dict[str, str]:
    """The file name of each embedded picture by its sha256."""
    names = object_names(sides, crops)
    return {
        element.crop.sha256: names[side.page.number, number]
        for side in sides
        for number, element in enumerate(_pictured(side, crops), 1)
        if element.crop is not None
    }


def _pictured(side: Side, crops: Mapping[str, bytes]) -> list[Element]:
    return [
        each for each in side.elements if each.type in PICTURES and each.crop is not None and each.crop.sha256 in crops
    ]


def add_objects(pages: Sequence[Json], sides: Sequence[Side], crops: Mapping[str, bytes]) -> dict[str, bytes]:
    """The embedded pictures by name; the pages list them, charts among them as charts, too."""
    found: dict[str, bytes] = {}
    names = object_names(sides, crops)
    for page, side in zip(pages, sides, strict=True):
        charts = 0
        for number, element in enumerate(_pictured(side, crops), 1):
            assert element.crop is not None
            name = names[side.page.number, number]
            data = crops[element.crop.sha256]
            found[name] = data if element.crop.media_type in ("image/png", "image/jpeg") else _as(data, "PNG")
            size = {"original_width": element.crop.width, "original_height": element.crop.height}
            _list(page, "images", {"name": name, **_place(element), **size})
            if element.type is ElementType.CHART:
                charts += 1
                chart = f"page_{side.page.number}_chart_{charts}.jpg"
                found[chart] = _as(data, "JPEG")
                _list(page, "charts", {"name": chart, **_place(element)})
    return found


def add_screenshots(
    pages: Sequence[Json], sides: Sequence[Side], data: bytes, media_type: str, options: ParseOptions
) -> dict[str, bytes]:
    """The drawn pages by name, and with `extract_layout` the tables and figures cut out of them; the pages list them.

    A document whose type has no pages to draw has none, nor has a page that cannot be drawn.
    """
    if not has_page_pictures(media_type) or not (options.has_screenshots or options.extract_layout):
        return {}
    found: dict[str, bytes] = {}
    by_number = {side.page.number: page for page, side in zip(pages, sides, strict=True)}
    readable = [side.page.number for side in sides if side.page.status is not PageStatus.FAILED]
    for drawn in _drawn(data, media_type, readable):
        page = by_number[drawn.number]
        if options.has_screenshots:
            name = f"page_{drawn.number}.jpg"
            found[name] = _jpeg(drawn.picture)
            size = {"original_width": drawn.picture.width, "original_height": drawn.picture.height}
            place = {"x": 0, "y": 0, "width": page["width"], "height": page["height"]}
            images = cast(list[Json], page["images"])
            images.insert(0, {"name": name, **place, **size, "type": "full_page_screenshot"})
        if options.extract_layout:
            found |= _cut(drawn, page)
    return found


def _drawn(data: bytes, media_type: str, numbers: list[int]) -> Iterator[PagePicture]:
    """The pages that can be drawn, one by one."""
    left = list(numbers)
    while left:
        wanted = Wanted(tuple((number, number) for number in left))
        try:
            for drawn in page_pictures(data, media_type, dpi=_DPI, wanted=wanted):
                left.remove(drawn.number)
                yield drawn
        except PermanentError as error:
            failed = error.pages or (left[0],)
            left = [number for number in left if number > max(failed)]
        else:
            return


def _cut(drawn: PagePicture, page: Json) -> dict[str, bytes]:
    """The tables and figures of a page, cut out of its picture; the layout names them."""
    found: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    width, height = drawn.picture.width, drawn.picture.height
    for entry in cast(list[Json], page["layout"]):
        label, box = str(entry["label"]), cast(dict[str, float], entry["bbox"])
        left, top = int(box["x"] * width), int(box["y"] * height)
        right, bottom = round((box["x"] + box["w"]) * width), round((box["y"] + box["h"]) * height)
        if label not in _CROPPED or right <= left or bottom <= top:
            continue
        counts[label] = counts.get(label, 0) + 1
        name = f"page_{drawn.number}_{label}_{counts[label]}.jpg"
        found[name] = _jpeg(drawn.picture.crop((left, top, right, bottom)))
        entry["image"] = name
    return found


def _list(page: Json, name: str, entry: Json) -> None:
    cast(list[Json], page[name]).append(entry)


def _place(element: Element) -> Json:
    box = element.bbox
    if box is None:
        assert element.crop is not None
        return {"x": 0, "y": 0, "width": element.crop.width, "height": element.crop.height}
    return {"x": box.x0, "y": box.y0, "width": box.x1 - box.x0, "height": box.y1 - box.y0}


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def _as(data: bytes, form: str) -> bytes:
    """The encoded picture in another format."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        out = io.BytesIO()
        picture.convert("RGB" if form == "JPEG" else "RGBA").save(out, form)
        return out.getvalue()
