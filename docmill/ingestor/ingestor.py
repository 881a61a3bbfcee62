"""`Ingestor`: documents into lists of elements, in this process, by the calls that nv-ingest's client has.

    from docmill import Ingestor

    results = Ingestor().files("reports/*.pdf").extract(text_depth="page").embed().ingest()

No server is called: what the calls say of endpoints, keys and vendors' models is accepted and mapped to docmill's own
models. The documents are in the ledger afterwards, as those of `docmill ingest` are.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from docmill.ingestor.calls import Calls
from docmill.ingestor.options import tasks_of
from docmill.ingestor.results import Elements, ResultFolder
from docmill.ingestor.run import run
from docmill.ingestor.uploading import Failure, refuse_failures
from docmill.ingestor.work import Done
from docmill.settings import Settings, load_settings
from docmill.workspace import Workspace

_log = logging.getLogger(__name__)

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


class Ingestor(Calls):
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
        super().__init__()
        self._settings = settings
        self._collection = collection
        self._states: dict[int, str] = {}
        if documents is not None:
            self.files(documents)

    def __enter__(self) -> Ingestor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._saving is not None and self._saving[1]:
            shutil.rmtree(self._saving[0], ignore_errors=True)

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
        if self._upload is not None and self._upload.uri:
            settings = settings.model_copy(update={"milvus_uri": self._upload.uri})
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
                for note in each.done.notes:
                    _log.warning("%s: %s", each.named.name, note)
                self._states[each.index] = "completed"
                results[each.index] = _kept(each.named.name, each.done, folder)
                traces[each.index] = each.done.trace
                ids[each.index] = each.document_id
        listed = [results[index] for index in sorted(results)]
        if self._upload is not None:
            refuse_failures([] if return_failures else failures)
            self._upload.run(workspace, listed, list(dict.fromkeys(ids.values())))
        answer: list[object] = [listed]
        answer += [failures] if return_failures else []
        answer += [[traces[index] for index in sorted(traces)]] if return_traces else []
        return tuple(answer) if len(answer) > 1 else listed

    def _own_collection(self, workspace: Workspace) -> str:
        uploaded = self._upload.collection if self._upload else ""
        return uploaded or self._collection or workspace.settings.collection

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
