"""Describes pictures from what is known of them: the caption beside them, the text in them, their size and colours."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence

from docmill.ingestor.options import CaptionOptions
from docmill.ingestor.shape import Json

_CAPTION = re.compile(r"^\s*(fig(?:ure|\.)?|photo|image|picture|plate|abb(?:ildung|\.)?)\s*\d+.*", re.I | re.M)
_COLOURS = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (200, 30, 30),
    "green": (40, 160, 60), "blue": (40, 80, 200), "yellow": (230, 210, 40), "orange": (240, 140, 30),
    "purple": (130, 50, 160), "brown": (120, 80, 40), "cyan": (40, 190, 200), "pink": (240, 150, 180),
}  # fmt: skip


def caption(elements: Sequence[Json], options: CaptionOptions) -> list[Json]:
    """The elements, every picture of them described."""
    texts = _page_texts(elements)
    made: list[Json] = []
    for element in elements:
        image = element["metadata"]["image_metadata"]
        if element["document_type"] != "image" or image is None:
            made.append(element)
            continue
        page = element["metadata"]["content_metadata"]["page_number"]
        described = {**image, "caption": plain_caption(element, texts.get(page, texts.get(-1, "")))}
        made.append({**element, "metadata": {**element["metadata"], "image_metadata": described}})
    return made


def _page_texts(elements: Sequence[Json]) -> dict[int, str]:
    return {
        each["metadata"]["content_metadata"]["page_number"]: each["metadata"]["content"]
        for each in elements
        if each["document_type"] == "text"
    }


def plain_caption(element: Json, page_text: str) -> str:
    """A sentence on the picture, never empty, without any model."""
    image = element["metadata"]["image_metadata"]
    found = _CAPTION.search(page_text)
    parts = [found.group(0).strip() if found else ""]
    size = f"{image['width']} by {image['height']} pixels"
    colours = _colours(element["metadata"]["content"])
    parts.append(f"A picture of {size}" + (f", mostly {colours}." if colours else "."))
    text = " ".join(image["text"].split())
    parts.append(f"It reads: {text[:500]}" if text else "")
    return " ".join(filter(None, parts))


def _colours(content: str) -> str:
    """The names of the two commonest colours."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
            small = picture.convert("RGB").resize((16, 16))
    except (UnidentifiedImageError, OSError, ValueError):
        return ""
    counts: dict[str, int] = {}
    raw = small.tobytes()
    for red, green, blue in zip(raw[0::3], raw[1::3], raw[2::3], strict=True):
        name = min(_COLOURS, key=lambda each: _distance(_COLOURS[each], (red, green, blue)))
        counts[name] = counts.get(name, 0) + 1
    return " and ".join(sorted(counts, key=lambda name: -counts[name])[:2])


def _distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
