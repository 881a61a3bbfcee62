"""What the newer SDK asks a parse for, as the options of a parse job. Its pages count from 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docmill.config import ExtractConfig
from docmill.extract.wanted import page_ranges
from docmill.service.llamacloud.options import ParseOptions, options_of
from docmill.service.problems import Problem

_LAST = 1_000_000
_SAVED = {"screenshot": "take_screenshot", "embedded": "save_images", "layout": "extract_layout"}
_SAME = {
    "output_options.extract_printed_page_number": "extract_printed_page_number",
    "output_options.markdown.annotate_links": "annotate_links",
    "output_options.markdown.inline_images": "inline_images_in_markdown",
    "output_options.markdown.tables.compact_markdown_tables": "compact_markdown_table",
    "output_options.markdown.tables.markdown_table_multiline_separator": "markdown_table_multiline_header_separator",
    "output_options.markdown.tables.merge_continued_tables": "merge_tables_across_pages_in_markdown",
    "output_options.spatial_text.do_not_unroll_columns": "do_not_unroll_columns",
    "output_options.spatial_text.preserve_layout_alignment_across_pages": "preserve_layout_alignment_across_pages",
    "output_options.spatial_text.preserve_very_small_text": "preserve_very_small_text",
    "processing_options.aggressive_table_extraction": "aggressive_table_extraction",
    "processing_options.ignore.ignore_diagonal_text": "skip_diagonal_text",
    "processing_options.ignore.ignore_hidden_text": "remove_hidden_text",
    "processing_options.ignore.ignore_text_in_image": "disable_ocr",
    "processing_control.job_failure_conditions.allowed_page_failure_ratio": "page_error_tolerance",
    "processing_control.job_failure_conditions.fail_on_buggy_font": "strict_mode_buggy_font",
    "processing_control.job_failure_conditions.fail_on_image_extraction_error": "strict_mode_image_extraction",
    "processing_control.job_failure_conditions.fail_on_image_ocr_error": "strict_mode_image_ocr",
    "processing_control.job_failure_conditions.fail_on_markdown_reconstruction_error": "strict_mode_reconstruction",
    "processing_control.timeouts.base_in_seconds": "job_timeout_in_seconds",
    "processing_control.timeouts.extra_time_per_page_in_seconds": "job_timeout_extra_time_per_page_in_seconds",
    "agentic_options.custom_prompt": "user_prompt",
    "page_ranges.max_pages": "max_pages",
    "tier": "tier",
    "crop_box.top": "bbox_top",
    "crop_box.left": "bbox_left",
}
"""Options that only have another name here; those that a parse job does not know have no effect."""


def parse_options(body: Mapping[str, Any], own: ExtractConfig) -> ParseOptions:
    """The options of a parse job; raises a Problem 400 or UsageError for one that cannot be."""
    form: dict[str, list[str]] = {"save_images": ["false"], "output_tables_as_HTML": ["true"]}
    for path, name in _SAME.items():
        if (value := _at(body, path)) is not None:
            form[name] = [_text(value)]
    if _at(body, "output_options.markdown.tables.output_tables_as_markdown"):
        form["output_tables_as_HTML"] = ["false"]
    for side in ("bottom", "right"):
        if (edge := _at(body, f"crop_box.{side}")) is not None:
            form[f"bbox_{side}"] = [str(round(1 - _number(edge, side), 6))]
    for saved in _at(body, "output_options.images_to_save") or ():
        if saved in _SAVED:
            form[_SAVED[saved]] = ["true"]
    if "line" in (_at(body, "output_options.granular_bboxes") or ()):
        form["line_level_bounding_box"] = ["true"]
    if languages := _at(body, "processing_options.ocr_parameters.languages"):
        form["language"] = [str(each) for each in languages]
    if pages := _at(body, "page_ranges.target_pages"):
        form["target_pages"] = [_from_zero(str(pages))]
        form.pop("max_pages", None)
    return options_of(form, own)


def saved_images(body: Mapping[str, Any]) -> set[str]:
    """The categories of pictures that are asked for."""
    return {str(each) for each in _at(body, "output_options.images_to_save") or ()}


def _at(body: Any, path: str) -> Any:  # noqa: ANN401  # JSON of a client
    for part in path.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Problem(400, "invalid_option", f"crop_box.{name} is no number.")
    return float(value)


def _from_zero(text: str) -> str:
    """The same pages, counted from 0."""
    return ",".join(f"{first - 1}-{(last or _LAST) - 1}" for first, last in page_ranges(text))
