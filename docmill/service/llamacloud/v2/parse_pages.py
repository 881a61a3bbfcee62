"""The pages of a parse job as the newer SDK wants them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from docmill.service.llamacloud.v2.answers import JSON
from docmill.structured.record import Json


def text_pages(pages: Sequence[Json]) -> JSON:
    """The text of each page."""
    return {"pages": [{"page_number": page["page"], "text": page["text"]} for page in pages]}


def markdown_pages(pages: Sequence[Json]) -> JSON:
    """The Markdown of each page; a page that failed says why."""
    return {"pages": [_failed(page) or _markdown(page) for page in pages]}


def _markdown(page: Json) -> JSON:
    edges = {"header": page.get("pageHeaderMarkdown"), "footer": page.get("pageFooterMarkdown")}
    return {"page_number": page["page"], "success": True, "markdown": page["md"], **edges}


def _failed(page: Json) -> JSON | None:
    if page["status"] != "FAILED":
        return None
    return {"page_number": page["page"], "success": False, "error": page["error"]}


def item_pages(pages: Sequence[Json]) -> JSON:
    """The items of each page; a page that failed says why."""
    return {"pages": [_failed(page) or _items(page) for page in pages]}


def _items(page: Json) -> JSON:
    size = {"page_width": page["width"], "page_height": page["height"]}
    items = [_item(cast(JSON, item)) for item in cast(list[Json], page["items"])]
    return {"page_number": page["page"], "success": True, **size, "items": items}


def _item(item: JSON) -> JSON:
    box = [{**item["bBox"], "confidence": item.get("confidence")}] if "bBox" in item else []
    made: JSON = {"type": item["type"], "md": item["md"], "bbox": box}
    if item["type"] == "table":
        return made | {name: item[name] for name in ("rows", "html", "csv")}
    if item["type"] == "heading":
        made["level"] = item["lvl"]
    return made | {"value": item["value"]}


def page_metadata(pages: Sequence[Json]) -> JSON:
    """What is known of each page."""
    told = [
        {
            "page_number": page["page"],
            "confidence": page["confidence"],
            "printed_page_number": page.get("printedPageNumber"),
            "triggered_auto_mode": page["triggeredAutoMode"],
        }
        for page in pages
    ]
    return {"pages": told, "document": None}


def images(pages: Sequence[Json], wanted: set[str]) -> list[JSON]:
    """The pictures of the wanted categories with the boxes that they have on their pages, in points."""
    found: list[JSON] = []
    for page in pages:
        for image in cast(list[JSON], page["images"]):
            kind = "screenshot" if image.get("type") == "full_page_screenshot" else "embedded"
            found.append(_image(image["name"], kind, [image[name] for name in ("x", "y", "width", "height")]))
        size = (cast(float, page["width"]), cast(float, page["height"]))
        for part in cast(list[JSON], page["layout"]):
            if part["image"]:
                found.append(_image(part["image"], "layout", _scaled(part["bbox"], size)))
    chosen = [each for each in found if each["category"] in wanted]
    return [each | {"index": index} for index, each in enumerate(chosen)]


def _scaled(box: dict[str, float], size: tuple[float, float]) -> list[float]:
    return [box["x"] * size[0], box["y"] * size[1], box["w"] * size[0], box["h"] * size[1]]


def _image(name: str, category: str, box: Sequence[Any]) -> JSON:
    x, y, w, h = (round(float(each)) for each in box)
    kind = "image/jpeg" if name.endswith(".jpg") else "image/png"
    return {"filename": name, "category": category, "content_type": kind, "bbox": {"x": x, "y": y, "w": w, "h": h}}
