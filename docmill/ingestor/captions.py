"""Describes pictures from what is known of them: the caption beside them, the text in them, their size and colours."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence

from docmill.config import CaptionConfig
from docmill.errors import DocmillError
from docmill.inference.endpoint import OpenAIEndpoint
from docmill.ingestor.options import CaptionOptions
from docmill.ingestor.shape import Json, with_message

_CAPTION = re.compile(r"^\s*(fig(?:ure|\.)?|photo|image|picture|plate|abb(?:ildung|\.)?)\s*\d+.*", re.I | re.M)
_COLOURS = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (200, 30, 30),
    "green": (40, 160, 60), "blue": (40, 80, 200), "yellow": (230, 210, 40), "orange": (240, 140, 30),
    "purple": (130, 50, 160), "brown": (120, 80, 40), "cyan": (40, 190, 200), "pink": (240, 150, 180),
}  # fmt: skip


Vision = Callable[[str, str], str]
"""Given a picture as a data URL and what is asked about it, its description."""


def vision_of(config: CaptionConfig) -> Callable[[CaptionOptions], Vision] | None:
    """The vision model of the settings, None where there is none; callers' endpoints and keys are never used."""
    if not config.url:
        return None
    key = config.api_key if config.api_key.get_secret_value() else None
    endpoint = OpenAIEndpoint(config.url, config.model, key, timeout=config.timeout)

    def asking(options: CaptionOptions) -> Vision:
        def ask(picture: str, about: str) -> str:
            prompt = f"{options.prompt or config.prompt}{about}"
            content = [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": picture}}]
            messages: list[dict[str, object]] = [{"role": "user", "content": content}]
            if options.system_prompt:
                messages.insert(0, {"role": "system", "content": options.system_prompt})
            return endpoint.chat(messages, max_tokens=config.max_tokens, temperature=options.temperature or 0.0).strip()

        return ask

    return asking


def caption(
    elements: Sequence[Json], options: CaptionOptions, vision: Callable[[CaptionOptions], Vision] | None = None
) -> list[Json]:
    """The elements, every picture of them described: by the vision model, or by what is known where that fails."""
    texts, ask = _page_texts(elements), vision(options) if vision else None
    made: list[Json] = []
    for element in elements:
        image = element["metadata"]["image_metadata"]
        if element["document_type"] != "image" or image is None:
            made.append(element)
            continue
        page = element["metadata"]["content_metadata"]["page_number"]
        text = texts.get(page, texts.get(-1, ""))
        said, why = _described(element, text, options, ask)
        described = {**image, "caption": said or plain_caption(element, text)}
        changed = {**element, "metadata": {**element["metadata"], "image_metadata": described}}
        made.append(with_message(changed, "caption", "error", why, filtered=False) if why else changed)
    return made


def _described(element: Json, text: str, options: CaptionOptions, ask: Vision | None) -> tuple[str, str]:
    """What the model says of the picture, and why it says nothing."""
    if ask is None:
        return "", ""
    around = text[: max(options.context_text_max_chars, 0)]
    picture = (
        f"data:image/{element['metadata']['image_metadata']['image_type']};base64,{element['metadata']['content']}"
    )
    try:
        return ask(picture, f"\n\nThe text around it:\n{around}" if around else ""), ""
    except DocmillError as error:
        return "", error.message


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
