"""`Ingestor`: documents into lists of elements, in this process, by the calls that nv-ingest's client has.

    from docmill import Ingestor

    results = Ingestor().files("reports/*.pdf").extract(text_depth="page").embed().ingest()

No server is called: what the calls say of endpoints, keys and vendors' models is accepted and mapped to docmill's own
models. The documents are in the ledger afterwards, as those of `docmill ingest` are.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

from docmill.errors import UsageError
from docmill.ingestor.inputs import Named, named_buffer, named_files
from docmill.ingestor.options import tasks_of
from docmill.ingestor.results import LazyLoadedList, ResultFolder
from docmill.ingestor.run import index_documents, run
from docmill.ingestor.shape import Json
from docmill.ingestor.work import Done
from docmill.settings import Settings, load_settings
from docmill.workspace import Workspace

_FOLDER_VARIABLE = "NV_INGEST_CLIENT_SAVE_TO_DISK_OUTPUT_DIRECTORY"

Elements = list[Json] | LazyLoadedList
Buffer = tuple[str, io.BytesIO]
Failure = tuple[str, str]
Answer = list[Elements] | tuple[object, ...]


@contextmanager
def _progress(total: int, shown: bool) -> Iterator[Callable[[], None]]:
    """What is called for each document that is done: it moves a bar on standard error if one is shown."""
    if not shown:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Processing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Processing", total=total)
        yield lambda: bar.advance(task)


def _kept(name: str, done: Done, folder: ResultFolder | None) -> Elements:
    """The document's elements, on disk where there is a folder for them."""
    return done.elements if folder is None else folder.save(name, done.lines())


class VectorDatabase(Protocol):
    """A vector database of the caller's own."""

    def run(self, records: list[Elements]) -> object:
        """Takes the results of all documents."""
        ...


class Ingestor:
    """What is to be done to which documents; every call returns the ingestor, `ingest` does it.

    `settings` are those of this process by default, `collection` the settings' one. `client` and the three
    `message_client` arguments are accepted for the sake of nv-ingest's callers: no server is called.
    """

    def __init__(
        self,
        documents: str | Sequence[str] | None = None,
        client: object = None,
        *,
        settings: Settings | None = None,
        collection: str = "",
        message_client_hostname: str = "localhost",
        message_client_port: int = 7670,
        message_client_kwargs: Mapping[str, object] | None = None,
    ) -> None:
        self._settings = settings
        self._collection = collection
        self._named: list[Named] = []
        self._tasks: list[dict[str, object]] = []
        self._saving: tuple[Path, bool, str | None] | None = None
        self._upload: dict[str, object] | None = None
        self._states: dict[int, str] = {}
        if documents is not None:
            self.files(documents)

    def __enter__(self) -> Ingestor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._saving is not None and self._saving[1]:
            shutil.rmtree(self._saving[0], ignore_errors=True)

    # Which documents

    def files(self, documents: str | Sequence[str]) -> Ingestor:
        """Adds files: paths, globs, folders, http(s) and s3 URLs. Raises SourceError for a path that is not there."""
        self._named += named_files(documents)
        return self

    def buffers(self, buffers: Buffer | Sequence[Buffer]) -> Ingestor:
        """Adds documents in memory under names, whose extensions say what they are."""
        given = [cast("Buffer", buffers)] if isinstance(buffers, tuple) else buffers
        self._named += [named_buffer(name, data) for name, data in given]
        return self

    def load(self) -> Ingestor:
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
    ) -> Ingestor:
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
    ) -> Ingestor:
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
    ) -> Ingestor:
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
    ) -> Ingestor:
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
    ) -> Ingestor:
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
    ) -> Ingestor:
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
    ) -> Ingestor:
        """Keeps pictures in docmill's object store; elements say where. `storage_uri` is not used."""
        given = {"structured": structured, "images": images, "public_base_url": public_base_url}
        return self._add("store", given)

    def store_embed(self) -> Ingestor:
        """Nothing to do: vectors are in the results."""
        return self

    def pdf_split_config(self, pages_per_chunk: int = 32) -> Ingestor:
        """Nothing to do: long PDFs are read in ranges of pages by themselves, which no result shows."""
        return self

    def all_tasks(self) -> Ingestor:
        """Adds every task with its defaults."""
        return self.extract().dedup().filter().split().embed().store_embed()

    def udf(self, udf_function: str, udf_function_name: str | None = None) -> Ingestor:
        """Raises UsageError: docmill runs no code given as text. Work on the results instead."""
        raise UsageError("udf tasks are not run.", hint="Call your function on the results of ingest().")

    def save_to_disk(
        self, output_directory: str | None = None, cleanup: bool = True, compression: str | None = "gzip"
    ) -> Ingestor:
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
    ) -> Ingestor:
        """The documents become searchable in a collection: chunked, embedded and put there by docmill's own stages.

        `milvus_uri` is a server's URL or a path that ends with `.db`, by default the settings'. With an object as
        `vdb_op` its `run` is given the results instead. A second upload changes rows and never doubles them, so
        `recreate` is not needed and does nothing; nor do the arguments after it.
        """
        self._upload = {
            "collection": collection_name,
            "uri": milvus_uri,
            "operator": None if isinstance(vdb_op, str) else vdb_op,
            "purge": purge_results_after_upload,
        }
        return self

    def _add(self, kind: str, properties: Mapping[str, object]) -> Ingestor:
        self._tasks.append({"type": kind, "task_properties": dict(properties)})
        return self

    # Doing it

    def ingest(
        self,
        show_progress: bool = False,
        return_failures: bool = False,
        save_to_disk: bool = False,
        return_traces: bool = False,
        *,
        timeout: float = 100,
        include_parent_trace_ids: bool = False,
    ) -> Answer:
        """The results of the documents that could be read, in the order given: a list of elements each.

        With `return_failures` a tuple: results, then failures as (`index:name`, reason); with `return_traces` the
        stages' times of each result after them. With `vdb_upload` and without `return_failures` a failure raises
        RuntimeError before anything is uploaded. `timeout` is not used: each document has its own limit.
        """
        if save_to_disk and self._saving is None:
            self.save_to_disk()
        workspace = Workspace(self._own_settings())
        try:
            return self._ingest(workspace, show_progress, return_failures, return_traces)
        finally:
            workspace.close()

    def ingest_async(self, *, return_failures: bool = False, return_traces: bool = False) -> Future[Answer]:
        """What `ingest` gives, later: `get_status` and the counts tell how far it is."""
        self._states = dict.fromkeys(range(len(self._named)), "pending")
        pool = ThreadPoolExecutor(1, thread_name_prefix="ingestor")
        future = pool.submit(self.ingest, return_failures=return_failures, return_traces=return_traces)
        pool.shutdown(wait=False)
        return future

    def _own_settings(self) -> Settings:
        settings = self._settings or load_settings()
        upload = self._upload or {}
        if upload.get("uri"):
            settings = settings.model_copy(update={"milvus_uri": upload["uri"]})
        return settings

    def _ingest(self, workspace: Workspace, show_progress: bool, return_failures: bool, return_traces: bool) -> Answer:
        tasks = tasks_of(self._tasks)
        self._states = dict.fromkeys(range(len(self._named)), "processing")
        results: dict[int, Elements] = {}
        failures: list[Failure] = []
        traces: dict[int, dict[str, int]] = {}
        ids: dict[int, str] = {}
        folder = ResultFolder(self._saving[0], self._saving[2]) if self._saving else None
        with _progress(len(self._named), show_progress) as advance:
            for each in run(workspace, self._own_collection(workspace), self._named, tasks):
                advance()
                if each.done is None:
                    self._states[each.index] = "failed"
                    failures.append((f"{each.index}:{each.named.name}", str(each.error)))
                    continue
                self._states[each.index] = "completed"
                results[each.index] = _kept(each.named.name, each.done, folder)
                traces[each.index] = each.done.trace
                ids[each.index] = each.document_id
        listed = [results[index] for index in sorted(results)]
        if self._upload is not None:
            self._do_upload(workspace, listed, list(dict.fromkeys(ids.values())), failures, return_failures)
        answer: list[object] = [listed]
        answer += [failures] if return_failures else []
        answer += [[traces[index] for index in sorted(traces)]] if return_traces else []
        return tuple(answer) if len(answer) > 1 else listed

    def _own_collection(self, workspace: Workspace) -> str:
        uploaded = str((self._upload or {}).get("collection") or "")
        return uploaded or self._collection or workspace.settings.collection

    def _do_upload(
        self,
        workspace: Workspace,
        results: list[Elements],
        ids: list[str],
        failures: Sequence[Failure],
        return_failures: bool,
    ) -> None:
        assert self._upload is not None
        if failures and not return_failures:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in failures[:5])
            raise RuntimeError(f"{len(failures)} documents failed, so nothing was uploaded: {reasons}")
        operator = self._upload["operator"]
        if operator is None:
            index_documents(workspace, ids)
        else:
            operator.run(results)  # type: ignore[attr-defined]
        if self._upload["purge"]:
            for each in results:
                if isinstance(each, LazyLoadedList):
                    Path(each.filepath).unlink(missing_ok=True)

    # How it stands

    def get_status(self) -> dict[str, str]:
        """The state of each document by its name: pending, processing, completed or failed."""
        return {each.name: self._states.get(index, "pending") for index, each in enumerate(self._named)}

    def _count(self, *states: str) -> int:
        counts = Counter(self._states.get(index, "pending") for index in range(len(self._named)))
        return sum(counts[state] for state in states)

    def completed_jobs(self) -> int:
        """How many documents are done."""
        return self._count("completed")

    def failed_jobs(self) -> int:
        """How many documents failed."""
        return self._count("failed")

    def cancelled_jobs(self) -> int:
        """0: documents are not cancelled one by one."""
        return 0

    def remaining_jobs(self) -> int:
        """How many documents are neither done nor failed."""
        return self._count("pending", "processing")
