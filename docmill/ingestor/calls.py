"""The calls that say what is to be done to which documents, with nv-ingest's names; each returns the ingestor."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, cast

from docmill.errors import UsageError
from docmill.ingestor.inputs import Named, named_buffer, named_files
from docmill.ingestor.uploading import Upload, VectorDatabase

_FOLDER_VARIABLE = "NV_INGEST_CLIENT_SAVE_TO_DISK_OUTPUT_DIRECTORY"

Buffer = tuple[str, io.BytesIO]


class Calls:
    """The documents, the tasks in the order of the calls, where results are saved, and what is uploaded."""

    def __init__(self) -> None:
        self._named: list[Named] = []
        self._tasks: list[dict[str, object]] = []
        self._saving: tuple[Path, bool, str | None] | None = None
        self._upload: Upload | None = None

    # Which documents

    def files(self, documents: str | Sequence[str]) -> Self:
        """Adds files: paths, globs, folders, http(s) and s3 URLs. Raises SourceError for a path that is not there."""
        self._named += named_files(documents)
        return self

    def buffers(self, buffers: Buffer | Sequence[Buffer]) -> Self:
        """Adds documents in memory under names, whose extensions say what they are."""
        given = [cast("Buffer", buffers)] if isinstance(buffers, tuple) else buffers
        self._named += [named_buffer(name, data) for name, data in given]
        return self

    def load(self) -> Self:
        """Nothing more to do: URLs are fetched when it is their documents' turn, so few lie in memory at once."""
        return self

    # What is done

    def extract(
        self,
        *,
        document_type: str = "",
        extract_text: bool = True,
        extract_tables: bool = True,
        extract_charts: bool = True,
        extract_infographics: bool = False,
        extract_images: bool = True,
        extract_page_as_image: bool = False,
        text_depth: str = "document",
        extract_method: str | None = None,
        table_output_format: str = "markdown",
        extract_tables_method: str = "",
        extract_images_method: str = "",
        extract_images_params: Mapping[str, object] | None = None,
        extract_audio_params: Mapping[str, object] | None = None,
        auto_dedup: bool = True,
    ) -> Self:
        """Says which elements are wanted; `text_depth` is `document` or `page`.

        Repeated pictures are dropped where pictures and structured elements are wanted, unless `auto_dedup` is off. The
        types of documents are told by their bytes, so `document_type` changes nothing; so do the methods of tables and
        pictures, for which docmill has one engine.
        """
        wanted = {
            "extract_text": extract_text,
            "extract_tables": extract_tables,
            "extract_charts": extract_charts,
            "extract_infographics": extract_infographics,
            "extract_images": extract_images,
            "extract_page_as_image": extract_page_as_image,
            "text_depth": text_depth,
            "table_output_format": table_output_format,
            "extract_audio_params": dict(extract_audio_params or {}),
        }
        self._add("extract", {"method": extract_method or "pdfium", "params": wanted})
        if auto_dedup and extract_images and (extract_tables or extract_charts or extract_infographics):
            self.dedup()
        return self

    def dedup(
        self,
        *,
        content_type: str = "image",
        filter: bool = False,
        enable_bbox_dedup: bool = True,
        iou_threshold: float = 0.45,
        bbox_dedup_prefer_structured: bool = True,
    ) -> Self:
        """Drops repeats of pictures, and pictures where a table or chart stands."""
        params = {
            "filter": filter,
            "enable_bbox_dedup": enable_bbox_dedup,
            "iou_threshold": iou_threshold,
            "bbox_dedup_prefer_structured": bbox_dedup_prefer_structured,
        }
        return self._add("dedup", {"content_type": content_type, "params": params})

    def filter(
        self,
        *,
        content_type: str = "image",
        min_size: int = 128,
        max_aspect_ratio: float = 5.0,
        min_aspect_ratio: float = 0.2,
        filter: bool = False,
    ) -> Self:
        """Drops pictures that are small (mean of width and height, in pixels) or long; without `filter` marks them."""
        params = {
            "min_size": min_size,
            "max_aspect_ratio": max_aspect_ratio,
            "min_aspect_ratio": min_aspect_ratio,
            "filter": filter,
        }
        return self._add("filter", {"content_type": content_type, "params": params})

    def split(
        self,
        *,
        tokenizer: str | None = None,
        chunk_size: int = 1024,
        chunk_overlap: int = 150,
        params: Mapping[str, object] | None = None,
    ) -> Self:
        """Cuts texts into chunks of tokens; by default those of text files, `params["split_source_types"]` says which.

        Raises UsageError where the overlap is not less than the size.
        """
        if chunk_overlap >= chunk_size:
            raise UsageError(f"chunk_overlap ({chunk_overlap}) must be less than chunk_size ({chunk_size}).")
        sizes = {"tokenizer": tokenizer, "chunk_size": chunk_size, "chunk_overlap": chunk_overlap}
        return self._add("split", {**sizes, "params": dict(params or {})})

    def caption(
        self,
        *,
        api_key: str | None = None,
        endpoint_url: str | None = None,
        prompt: str | None = None,
        system_prompt: str | None = None,
        model_name: str | None = None,
        context_text_max_chars: int | None = None,
        temperature: float | None = None,
    ) -> Self:
        """Describes pictures by docmill's vision model, or without one by what is known of them."""
        given = {"prompt": prompt, "system_prompt": system_prompt, "temperature": temperature}
        return self._add("caption", {**given, "context_text_max_chars": context_text_max_chars})

    def embed(
        self,
        *,
        endpoint_url: str | None = None,
        model_name: str | None = None,
        api_key: str | None = None,
        filter_errors: bool = False,
        dimensions: int | None = None,
        embed_text_elements: bool | None = None,
        embed_structured_elements: bool | None = None,
        embed_image_elements: bool | None = None,
        embed_audio_elements: bool | None = None,
        image_elements_modality: str | None = None,
        image_elements_aggregate_page_content: bool = False,
        custom_content_field: str | None = None,
        result_target_field: str | None = None,
    ) -> Self:
        """Gives elements vectors by docmill's model, of the length that the named model's have: 2048 by default."""
        given = {
            "model_name": model_name,
            "filter_errors": filter_errors,
            "dimensions": dimensions,
            "embed_text_elements": embed_text_elements,
            "embed_structured_elements": embed_structured_elements,
            "embed_image_elements": embed_image_elements,
            "embed_audio_elements": embed_audio_elements,
            "image_elements_modality": image_elements_modality,
            "image_elements_aggregate_page_content": image_elements_aggregate_page_content,
            "custom_content_field": custom_content_field,
            "result_target_field": result_target_field,
        }
        return self._add("embed", given)

    def store(
        self,
        *,
        structured: bool = True,
        images: bool = False,
        storage_uri: str | None = None,
        storage_options: Mapping[str, object] | None = None,
        public_base_url: str | None = None,
    ) -> Self:
        """Keeps pictures in docmill's object store; elements say where. `storage_uri` is not used."""
        given = {"structured": structured, "images": images, "public_base_url": public_base_url}
        return self._add("store", given)

    def store_embed(self) -> Self:
        """Nothing to do: vectors are in the results."""
        return self

    def pdf_split_config(self, pages_per_chunk: int = 32) -> Self:
        """Nothing to do: long PDFs are read in ranges of pages by themselves, which no result shows."""
        return self

    def all_tasks(self) -> Self:
        """Adds every task with its defaults."""
        return self.extract().dedup().filter().split().embed().store_embed()

    def udf(self, udf_function: str, udf_function_name: str | None = None) -> Self:
        """Raises UsageError: docmill runs no code given as text. Work on the results instead."""
        raise UsageError("udf tasks are not run.", hint="Call your function on the results of ingest().")

    def save_to_disk(
        self, output_directory: str | None = None, cleanup: bool = True, compression: str | None = "gzip"
    ) -> Self:
        """Results are written to a file a document, and read when they are looked at.

        The folder is the argument, else what NV_INGEST_CLIENT_SAVE_TO_DISK_OUTPUT_DIRECTORY says, else a new temporary
        one. With `cleanup` it is removed where the `with` block of this ingestor ends.
        """
        if compression not in ("gzip", None):
            raise UsageError(f"compression is 'gzip' or None, not {compression!r}.")
        given = output_directory or os.environ.get(_FOLDER_VARIABLE)
        folder = Path(given) if given else Path(tempfile.mkdtemp(prefix="docmill-results-"))
        folder.mkdir(parents=True, exist_ok=True)
        self._saving = (folder.absolute(), cleanup, compression)
        return self

    def vdb_upload(
        self,
        *,
        collection_name: str = "",
        milvus_uri: str = "",
        vdb_op: str | VectorDatabase = "milvus",
        purge_results_after_upload: bool = True,
        recreate: bool = False,
        gpu_index: bool = False,
        sparse: bool = True,
        stream: bool = True,
        dense_dim: int = 0,
    ) -> Self:
        """The documents become searchable in a collection: chunked, embedded and put there by docmill's own stages.

        `milvus_uri` is a server's URL or a path that ends with `.db`, by default the settings'. With an object as
        `vdb_op` its `run` is given the results instead. A second upload changes rows and never doubles them, so
        `recreate` is not needed and does nothing; nor do the arguments after it.
        """
        operator = None if isinstance(vdb_op, str) else vdb_op
        self._upload = Upload(collection_name, milvus_uri, operator, purge_results_after_upload)
        return self

    def _add(self, kind: str, properties: Mapping[str, object]) -> Self:
        self._tasks.append({"type": kind, "task_properties": dict(properties)})
        return self
