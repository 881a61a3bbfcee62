"""What is to be done to a document, as nv-ingest's clients and `Ingestor` name it: one model a task.

Unknown keys are ignored, for clients send more than any server uses; a value of the wrong type is an error. Keys,
tokens and endpoints that callers send are no fields: they are dropped here, before anything is written anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from docmill.errors import UsageError

_T = TypeVar("_T", bound="Options")


class Options(BaseModel):
    """Base of all options: frozen, unknown keys passed over, null means the default."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ExtractOptions(Options):
    """Which elements are wanted. `text_depth` other than `page` means `document`."""

    extract_text: bool = True
    extract_tables: bool = True
    extract_charts: bool = True
    extract_infographics: bool = False
    extract_images: bool = True
    extract_page_as_image: bool = False
    text_depth: str = "document"
    table_output_format: str = "markdown"
    method: str = "pdfium"
    segment_audio: bool = False

    def is_by_ocr(self, document_type: str) -> bool:
        """Whether every page of a document of the type is to be read by OCR, whatever text it has."""
        return document_type == "pdf" and self.method.lower() == "ocr"


class DedupOptions(Options):
    """Repeated pictures go; pictures that a table or chart covers, too."""

    enable_bbox_dedup: bool = True
    iou_threshold: float = 0.45
    bbox_dedup_prefer_structured: bool = True


class FilterOptions(Options):
    """Pictures that are too small (pixels) or too long go, or are marked where `filter` is false."""

    min_size: float = 128
    max_aspect_ratio: float = 5.0
    min_aspect_ratio: float = 0.2
    filter: bool = False


class SplitOptions(Options):
    """Texts are cut into chunks of tokens; only those of the source types."""

    tokenizer: str = ""
    chunk_size: int = 1024
    chunk_overlap: int = 150
    split_source_types: tuple[str, ...] = ("text",)


class CaptionOptions(Options):
    """Pictures are described."""

    prompt: str = ""
    system_prompt: str = ""
    temperature: float | None = None
    context_text_max_chars: int = 0


Modality = Literal["text", "image", "text_image"]


class EmbedOptions(Options):
    """Elements get vectors; the switches say of which kinds, None where the caller did not say."""

    model_name: str = ""
    dimensions: int | None = None
    filter_errors: bool = False
    embed_text_elements: bool | None = None
    embed_structured_elements: bool | None = None
    embed_image_elements: bool | None = None
    embed_audio_elements: bool | None = None
    image_elements_modality: Modality = "text"
    image_elements_aggregate_page_content: bool = False
    custom_content_field: str = ""
    result_target_field: str = ""


class StoreOptions(Options):
    """Pictures are kept in the object store and the elements say where."""

    structured: bool = True
    images: bool = False
    public_base_url: str = ""


class Tasks(Options):
    """All that is done to a document, applied in the order of the fields."""

    extract: ExtractOptions = ExtractOptions()
    filters: tuple[FilterOptions, ...] = ()
    dedups: tuple[DedupOptions, ...] = ()
    split: SplitOptions | None = None
    caption: CaptionOptions | None = None
    embed: EmbedOptions | None = None
    store: StoreOptions | None = None

    def canonical(self) -> str:
        """The same text for the same tasks."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)


_NOTHING_TO_DO = {
    "table_data_extract",
    "chart_data_extract",
    "infographic_data_extract",
    "ocr_data_extract",
    "audio_data_extract",
    "store_embedding",
    "vdb_upload",
}


def tasks_of(given: Sequence[Mapping[str, object]]) -> Tasks:
    """The tasks of a job specification; raises UsageError for one that is unknown, refused or wrong."""
    found: dict[str, object] = {}
    filters: list[FilterOptions] = []
    dedups: list[DedupOptions] = []
    for task in given:
        kind = str(task.get("type", "")).lower()
        properties = _mapping(task.get("task_properties"))
        params = _mapping(properties.get("params"))
        flat = {name: value for name, value in {**properties, **params}.items() if value is not None}
        if kind == "udf":
            raise UsageError("udf tasks are disabled on this server: it runs no code of callers.")
        if kind == "filter":
            filters.append(_read(FilterOptions, kind, flat))
        elif kind == "dedup":
            dedups.append(_read(DedupOptions, kind, flat))
        elif kind in _MODELS:
            found[kind] = _read(_MODELS[kind], kind, flat | _audio(flat))
        elif kind not in _NOTHING_TO_DO:
            raise UsageError(f"The task type {kind!r} is not supported by this server.")
    return Tasks.model_validate({**found, "filters": tuple(filters), "dedups": tuple(dedups)})


_MODELS: dict[str, type[Options]] = {
    "extract": ExtractOptions,
    "split": SplitOptions,
    "caption": CaptionOptions,
    "embed": EmbedOptions,
    "store": StoreOptions,
}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _audio(flat: Mapping[str, object]) -> dict[str, object]:
    """The one switch of the audio parameters that matters here."""
    params = _mapping(flat.get("extract_audio_params"))
    return {"segment_audio": bool(params.get("segment_audio"))} if params else {}


def _read(model: type[_T], kind: str, given: Mapping[str, object]) -> _T:
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"The options of the task {kind!r} are wrong: {wrong}.") from None
