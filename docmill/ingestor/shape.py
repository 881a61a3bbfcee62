"""The result element: the exact keys that nv-ingest's clients expect, all of them always present.

An element is `{"document_type": …, "metadata": …}`. Boxes are `[x0, y0, x1, y1]` with the origin at the top left of the
page as displayed, in points for documents with pages and in pixels for pictures; pages count from 1, and -1 means the
document as a whole.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from docmill.models import BBox

Json = dict[str, Any]
"""A JSON object on its way to the caller."""

NOWHERE = [-1, -1, -1, -1]
_SUBOBJECTS = (
    "text_metadata",
    "audio_metadata",
    "image_metadata",
    "table_metadata",
    "chart_metadata",
    "error_metadata",
    "info_message_metadata",
)
_OFFICE = {"docx": "DOCX document", "pptx": "PPTX presentation", "pdf": "PDF document"}
_DESCRIPTIONS = {
    "text": "Unstructured text from {}.",
    "table": "Structured table extracted from {}.",
    "chart": "Structured chart extracted from {}.",
    "infographic": "Structured infographic extracted from {}.",
    "image": "Image extracted from {}.",
    "page_image": "Full-page image rendered from a {}.",
}


@dataclass(frozen=True)
class Source:
    """The document that elements come from, under the names that its caller gave; dates are ISO 8601."""

    name: str
    source_id: str
    document_type: str
    pages: int = 1
    created: str = ""
    modified: str = ""
    language: str = "en"


@dataclass(frozen=True)
class Place:
    """Where an element stands: a page (-1: the whole document), a box and the size of the page.

    In sound and video from when to when (`start`, `end`): milliseconds, -1 for the whole.
    """

    page: int = -1
    box: BBox | None = None
    size: tuple[float, float] = (0, 0)
    start: int = -1
    end: int = -1

    @property
    def location(self) -> list[float]:
        """The box as a list, -1s where there is none."""
        box = self.box
        return [box.x0, box.y0, box.x1, box.y1] if box else list(NOWHERE)


@dataclass(frozen=True)
class Picture:
    """An encoded picture with its size in pixels; `kind` is png, jpeg, …"""

    data: bytes
    kind: str
    width: int
    height: int
    text: str = ""

    @property
    def base64(self) -> str:
        """The bytes as the wire carries them."""
        return base64.b64encode(self.data).decode("ascii")


@dataclass(frozen=True)
class Recording:
    """Speech that was recognised."""

    transcript: str
    kind: str


@dataclass(frozen=True)
class TableText:
    """A table's text in the format that was asked for."""

    text: str
    format: str
    caption: str = ""
    picture: Picture | None = field(default=None)


def text_element(source: Source, place: Place, text: str) -> Json:
    """The text of a page, or of the whole document."""
    made = _element(source, "text", "text", "", place)
    depth = "document" if place.page < 0 else "page"
    made["metadata"]["content"] = text
    made["metadata"]["text_metadata"] = {
        "text_type": depth,
        "summary": "",
        "keywords": "",
        "language": source.language,
        "text_location": list(NOWHERE),
        "text_location_max_dimensions": list(place.size),
        "custom_content": None,
    }
    return made


def structured_element(source: Source, place: Place, subtype: str, table: TableText) -> Json:
    """A table, chart or infographic: its text, and a picture of it where one could be made."""
    made = _element(source, "structured", "structured", subtype, place)
    made["metadata"]["content"] = table.picture.base64 if table.picture else ""
    made["metadata"]["table_metadata"] = {
        "caption": table.caption,
        "table_format": "image" if table.picture else table.format if table.format != "image" else "markdown",
        "table_content": table.text,
        "table_content_format": table.format,
        "table_location": place.location,
        "table_location_max_dimensions": list(place.size),
        "uploaded_image_uri": "",
        "custom_content": None,
    }
    return made


def image_element(source: Source, place: Place, picture: Picture, subtype: str = "") -> Json:
    """A picture of the document, or of a whole page (`page_image`)."""
    made = _element(source, "image", "image", subtype, place)
    made["metadata"]["content"] = picture.base64
    made["metadata"]["image_metadata"] = {
        "image_type": picture.kind,
        "structured_image_type": "page_image" if subtype == "page_image" else "none",
        "caption": "",
        "text": picture.text,
        "image_location": place.location,
        "image_location_max_dimensions": list(place.size),
        "uploaded_image_url": "",
        "width": picture.width,
        "height": picture.height,
        "custom_content": None,
    }
    return made


def audio_element(source: Source, place: Place, recording: Recording) -> Json:
    """What was said, in all or in a segment."""
    made = _element(source, "audio", "audio", "", place)
    made["metadata"]["audio_metadata"] = {
        "audio_transcript": recording.transcript,
        "audio_type": recording.kind,
        "custom_content": None,
    }
    return made


def error_element(source: Source, page: int, message: str) -> Json:
    """Says which page failed, and why."""
    made = _element(source, "info_message", "info_message", "", Place(page))
    made["metadata"]["error_metadata"] = {
        "task": "extract",
        "status": "error",
        "source_id": source.source_id,
        "error_msg": message,
        "custom_content": None,
    }
    return made


def with_message(element: Json, task: str, status: str, message: str, *, filtered: bool) -> Json:
    """The element with a note on what a task did to it."""
    note = {"task": task, "status": status, "message": message, "filter": filtered, "custom_content": None}
    return {**element, "metadata": {**element["metadata"], "info_message_metadata": note}}


def _element(source: Source, document_type: str, kind: str, subtype: str, place: Place) -> Json:
    named = _DESCRIPTIONS.get(subtype or kind, "")
    what = _OFFICE.get(source.document_type)
    return {
        "document_type": document_type,
        "metadata": {
            "content": "",
            "content_url": "",
            "embedding": None,
            "source_metadata": _source_metadata(source),
            "content_metadata": {
                "type": kind,
                "description": named.format(what) if named and what else "",
                "page_number": place.page,
                "hierarchy": _hierarchy(source.pages, place.page),
                "subtype": subtype,
                "start_time": place.start,
                "end_time": place.end,
                "custom_content": None,
            },
            **dict.fromkeys(_SUBOBJECTS),
            "debug_metadata": None,
            "raise_on_failure": False,
            "total_pages": source.pages,
            "original_source_id": source.source_id,
            "original_source_name": source.name,
            "custom_content": None,
        },
    }


def _source_metadata(source: Source) -> Json:
    kind = source.document_type
    return {
        "source_name": source.name,
        "source_id": source.source_id,
        "source_location": "",
        "source_type": "PDF" if kind == "pdf" else kind,
        "collection_id": "",
        "date_created": source.created,
        "last_modified": source.modified,
        "summary": "",
        "partition_id": -1,
        "access_level": -1,
        "custom_content": None,
    }


def _hierarchy(pages: int, page: int) -> Json:
    nearby: Json = {name: {"content": [], "bbox": [], "type": []} for name in ("text", "images", "structured")}
    return {"page_count": pages, "page": page, "block": -1, "line": -1, "span": -1, "nearby_objects": nearby}


def text_of(element: Json) -> str:
    """The element's own text: what is embedded."""
    metadata = element["metadata"]
    kind = metadata["content_metadata"]["type"]
    if kind == "structured":
        return str(metadata["table_metadata"]["table_content"])
    if kind == "image":
        image = metadata["image_metadata"]
        is_page = metadata["content_metadata"]["subtype"] == "page_image"
        return str(image["text"] if is_page else image["caption"])
    if kind == "audio":
        return str(metadata["audio_metadata"]["audio_transcript"])
    return str(metadata["content"]) if kind == "text" else ""
