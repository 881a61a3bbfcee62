"""What an upload asks for: form fields that have an effect here, others are ignored as the protocol demands.

Fields that name a vendor's model or key never fail a job; keys are not even read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, ValidationError, field_validator

from docmill.config import ExtractConfig, Mode
from docmill.errors import ConfigError
from docmill.extract.ocr import check_languages
from docmill.models import Model
from docmill.service.problems import Problem
from docmill.structured.schema import SchemaError, load

_PAGES = re.compile(r"(\d+)(?:-(\d+))?")
_PLACE = re.compile(r"\{page_?[nN]umber\}")
_FAST = ("parse_page_without_llm",)
_DEEP = ("parse_page_with_lvm", "parse_page_with_layout_agent", "parse_document_with_lvm", "parse_document_with_agent")
_HIGH_DPI = 300
_SEPARATOR = "\n---\n"
_MODES = {
    "fast": "parse_page_without_llm",
    "cost_effective": "parse_page_with_llm",
    "agentic": "parse_page_with_agent",
    "agentic_plus": "parse_page_with_layout_agent",
}
"""What the names of tiers and presets stand for."""

Share = Annotated[float, Field(ge=0, le=1)]


class ParseOptions(Model):
    """The options of a parse job that decide its result; names are the protocol's but for `tables_as_html`."""

    parse_mode: str = ""
    preset: str = ""
    tier: str = ""
    fast_mode: bool = False
    premium_mode: bool = False
    disable_ocr: bool = False
    high_res_ocr: bool = False
    language: tuple[str, ...] = ()
    target_pages: str = ""
    max_pages: Annotated[int, Field(ge=0)] = 0
    bbox_top: Share = 0.0
    bbox_bottom: Share = 0.0
    bbox_left: Share = 0.0
    bbox_right: Share = 0.0
    bounding_box: str = ""
    tables_as_html: bool = False
    annotate_links: bool = False
    inline_images_in_markdown: bool = False
    line_level_bounding_box: bool = False
    extract_layout: bool = False
    save_images: bool = False
    take_screenshot: bool = False
    disable_image_extraction: bool = False
    hide_headers: bool = False
    hide_footers: bool = False
    page_header_prefix: str = ""
    page_header_suffix: str = ""
    page_footer_prefix: str = ""
    page_footer_suffix: str = ""
    page_prefix: str = ""
    page_suffix: str = ""
    page_separator: str = _SEPARATOR
    page_error_tolerance: Share = 0.05
    replace_failed_page_mode: Literal["raw_text", "blank_page", "error_message"] = "raw_text"
    replace_failed_page_with_error_message_prefix: str = ""
    replace_failed_page_with_error_message_suffix: str = ""
    structured_output: bool = False
    structured_output_json_schema: str = ""
    extract_printed_page_number: bool = False
    compact_markdown_table: bool = False
    merge_tables_across_pages_in_markdown: bool = False
    strict_mode_buggy_font: bool = False
    strict_mode_image_extraction: bool = False
    strict_mode_image_ocr: bool = False
    strict_mode_reconstruction: bool = False

    @field_validator("target_pages")
    @classmethod
    def _pages(cls, text: str) -> str:
        _ranges(text)
        return text

    @field_validator("bounding_box")
    @classmethod
    def _margins(cls, text: str) -> str:
        if text:
            _four(text)
        return text

    @property
    def mode(self) -> str:
        """The parse mode that the job runs in, whatever it was called."""
        if self.fast_mode:
            return "parse_page_without_llm"
        if self.premium_mode:
            return "parse_page_with_layout_agent"
        named = self.parse_mode or _MODES.get(self.tier or self.preset, "")
        return named or "parse_page_with_agent"

    @property
    def pages(self) -> tuple[tuple[int, int], ...]:
        """The wanted pages as ranges of page numbers from 1, in order; () is all."""
        ranges = _ranges(self.target_pages)
        if not self.max_pages:
            return ranges
        kept: list[tuple[int, int]] = []
        left = self.max_pages
        for first, last in ranges or ((1, self.max_pages),):
            if left > 0:
                kept.append((first, min(last, first + left - 1)))
                left -= kept[-1][1] - first + 1
        return tuple(kept)

    @property
    def margins(self) -> tuple[float, float, float, float]:
        """Shares of the page cut off at the top, right, bottom and left."""
        if self.bounding_box:
            return _four(self.bounding_box)
        return (self.bbox_top, self.bbox_right, self.bbox_bottom, self.bbox_left)

    @property
    def schema_of_pages(self) -> dict[str, JsonValue] | None:
        """The schema that each page is read against, None without one."""
        if not self.structured_output:
            return None
        found: dict[str, JsonValue] = json.loads(self.structured_output_json_schema)
        return found

    @property
    def is_strict(self) -> bool:
        """Whether a job fails that lacks any page, or a part of one."""
        names = ("buggy_font", "image_extraction", "image_ocr", "reconstruction")
        return any(getattr(self, f"strict_mode_{name}") for name in names)

    @property
    def has_screenshots(self) -> bool:
        """Whether pages are drawn."""
        return self.save_images or self.take_screenshot

    @property
    def has_objects(self) -> bool:
        """Whether embedded pictures are kept."""
        return self.save_images and not self.disable_image_extraction

    def config(self, own: ExtractConfig) -> ExtractConfig:
        """How the document is read: as the workspace says, changed where the job asks for something else."""
        changes: dict[str, object] = {}
        if self.mode in _FAST or self.disable_ocr:
            changes["mode"] = Mode.FAST
        elif self.mode in _DEEP:
            changes["mode"] = Mode.ACCURATE
        if self.high_res_ocr:
            changes["ocr_dpi"] = max(own.ocr_dpi, _HIGH_DPI)
        if self.language:
            changes["languages"] = self.language
        return own.model_copy(update=changes)


def options_of(form: Mapping[str, Sequence[str]], own: ExtractConfig) -> ParseOptions:
    """The options of a form; raises a Problem 400 for one with an impossible value."""
    given: dict[str, Any] = {"save_images": "true"}
    for field, values in form.items():
        name = "tables_as_html" if field == "output_tables_as_HTML" else field
        if name == "language":
            given[name] = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
        elif name in ParseOptions.model_fields and values[-1] != "":
            given[name] = values[-1]
    try:
        options = ParseOptions.model_validate(given)
        _check_schema(options)
        if options.language:
            check_languages(options.language, own.ocr_engine)
    except ValidationError as error:
        shown = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Problem(400, "invalid_option", f"An option cannot be: {shown}.") from error
    except ConfigError as error:
        raise Problem(400, "invalid_option", f"language: {error.message}") from error
    return options


def with_page(text: str, page: int) -> str:
    """The text with the page's number where its placeholder stands."""
    return _PLACE.sub(str(page), text)


def _check_schema(options: ParseOptions) -> None:
    if not options.structured_output:
        return
    try:
        schema = json.loads(options.structured_output_json_schema or "null")
    except ValueError as error:
        raise Problem(400, "invalid_option", "structured_output_json_schema is no JSON.") from error
    if not isinstance(schema, dict):
        message = "structured_output needs structured_output_json_schema, a JSON Schema of an object."
        raise Problem(400, "invalid_option", message)
    try:
        load(schema)
    except SchemaError as error:
        raise Problem(400, "invalid_option", f"structured_output_json_schema: {error.message}") from error


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    """Ranges of page numbers from 1, in order and apart, of a text that counts from 0; raises ValueError."""
    found: list[tuple[int, int]] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = _PAGES.fullmatch(part)
        first = int(match.group(1)) if match else 0
        last = int(match.group(2) or first) if match else -1
        if last < first:
            raise ValueError(f"{part!r} names no pages; write them as 0,2,5-7")
        found.append((first + 1, last + 1))
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _four(text: str) -> tuple[float, float, float, float]:
    """The four shares of a text such as `0.1,0,0.1,0`; raises ValueError."""
    shares = [float(part) for part in text.split(",")]
    if len(shares) != 4 or not all(0 <= each <= 1 for each in shares):
        raise ValueError("four shares of the page, from 0 to 1: top, right, bottom, left")
    return (shares[0], shares[1], shares[2], shares[3])
