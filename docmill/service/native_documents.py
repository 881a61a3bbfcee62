"""Documents over HTTP: upload into a collection, parse alone, list, look at, delete, failed, retry."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel

from docmill.artifacts import extension
from docmill.batching import form_batches
from docmill.errors import UsageError
from docmill.extract.render import to_html, to_markdown, to_text
from docmill.fetch import fetch, rules_of
from docmill.ids import content_version
from docmill.jobs import work_id
from docmill.ledger import Failure
from docmill.models import Document, Element, Extraction, Stage
from docmill.pipeline import Scope, delete_documents, pending_batches
from docmill.plan import Part, parts
from docmill.runners import find_runner
from docmill.service.auth import Caller, allowed
from docmill.service.native_jobs import JobView, view
from docmill.service.problems import Problem, not_found
from docmill.service.runner import Context, runner_of
from docmill.service.sent import sent_document, sent_file
from docmill.service.work import job_document, read_job_document
from docmill.workspace import Workspace

router = APIRouter()
Format = Literal["markdown", "text", "html", "json"]
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""What Milvus allows."""
INGESTING = threading.Lock()
"""One ingestion at a time in this process: each fills all worker processes, and a Dagster instance is opened by one."""


class DocumentView(BaseModel):
    """A document of a collection; `status` is that of the last stage it came to."""

    document_id: str
    collection: str
    source: str
    version: str
    media_type: str
    size: int
    batch: str


class FailureView(BaseModel):
    """Why a document failed, and the way out."""

    document_id: str
    collection: str
    source: str
    stage: str
    status: str
    error: str
    message: str
    hint: str
    pages: list[int]
    attempts: int


class Retry(BaseModel):
    """Which failed documents to work on again; none named means all of the collection."""

    collection: str = ""
    document_ids: list[str] = []


@router.post("/documents", status_code=202, tags=["documents"])
async def add_documents(
    request: Request,
    key: Caller,
    file: Annotated[list[UploadFile] | None, File(description="documents; may be repeated")] = None,
    url: Annotated[list[str] | None, Form(description="http(s) addresses of documents")] = None,
    collection: Annotated[str, Form(description="the settings' collection if empty")] = "",
) -> JobView:
    """Documents into a collection: a job that ends when they are searchable. The same name again is a new version."""
    workspace: Workspace = request.app.state.workspace
    name = _collection(workspace, collection)
    allowed(key, name)
    names = [await asyncio.to_thread(_keep, workspace, name, *(await sent_file(each))) for each in file or []]
    for each in url or []:
        found = await asyncio.to_thread(fetch, each, rules_of(workspace.settings))
        names.append(await asyncio.to_thread(_keep, workspace, name, found.name, found.data))
    if not names:
        raise Problem(422, "invalid_request", "No document was sent.", "Send `file` or `url` as form fields.")
    payload = {"collection": name, "names": names}
    job = await asyncio.to_thread(workspace.jobs.add, "ingest", payload, tenant=key.key_id)
    runner_of(request).wake()
    return view(job)


@router.post("/parse", status_code=202, tags=["documents"])
async def parse(
    request: Request,
    key: Caller,
    file: Annotated[UploadFile | None, File(description="a document")] = None,
    url: Annotated[str, Form(description="http(s) address of a document")] = "",
    form: Annotated[Format, Form(alias="format", description="of the result")] = "markdown",
) -> JobView:
    """What stands in one document; it becomes part of no collection. The same again gives the same job."""
    workspace: Workspace = request.app.state.workspace
    sent = await sent_document(request, file, url)
    if sent is None:
        raise Problem(422, "invalid_request", "No document was sent.", "Send `file` or `url` as a form field.")
    name, data = sent
    stored = f"content{extension(name)}"
    work = work_id("parse", f"{form} {stored}", [content_version(data)])
    payload = {"file": stored, "name": name, "format": form}
    job = await asyncio.to_thread(
        workspace.jobs.submit, "parse", payload, files={stored: data}, tenant=key.key_id, work=work
    )
    runner_of(request).wake()
    return view(job)


@router.get("/documents", tags=["documents"])
def list_documents(
    request: Request, key: Caller, collection: str = "", after: str = "", limit: int = 100
) -> list[DocumentView]:
    """Documents of a collection by source; the next page begins `after` the last source."""
    workspace: Workspace = request.app.state.workspace
    name = allowed(key, collection or workspace.settings.collection)
    found = workspace.ledger.documents(name, after=after)
    return [_document_view(each) for each in found[: max(1, min(limit, 1000))]]


@router.get("/documents/{document_id}", tags=["documents"])
def get_document(request: Request, key: Caller, document_id: str) -> DocumentView:
    """The document."""
    return _document_view(_document(request, key, document_id))


@router.get("/documents/{document_id}/elements", tags=["documents"])
def get_elements(request: Request, key: Caller, document_id: str) -> list[Element]:
    """The document's elements, with pages and boxes."""
    workspace: Workspace = request.app.state.workspace
    document = _document(request, key, document_id)
    outcome = workspace.ledger.outcomes([document_id]).get((document_id, Stage.EXTRACTED_ELEMENTS))
    if outcome is None or outcome.error:
        raise not_found(f"result of reading {document_id}")
    return list(workspace.artifacts.extraction(document, outcome.fingerprint).elements)


@router.delete("/documents/{document_id}", status_code=204, tags=["documents"])
def delete_document(request: Request, key: Caller, document_id: str) -> None:
    """The document is not searchable any more; an object that was uploaded here is gone, another one stays."""
    workspace: Workspace = request.app.state.workspace
    document = _document(request, key, document_id)
    if document.source.startswith(f"{workspace.store.url}uploads/"):
        workspace.store.delete(document.source_key.removeprefix(workspace.store.url))
    delete_documents(workspace, document.collection, [document_id])


@router.get("/failed", tags=["documents"])
def list_failed(request: Request, key: Caller, collection: str = "") -> list[FailureView]:
    """The documents that failed, wholly or in part, each with its reason and the way out."""
    workspace: Workspace = request.app.state.workspace
    found = workspace.ledger.failures(allowed(key, collection) if collection else None)
    return [_failure_view(each) for each in found if key.allows(each.document.collection)]


@router.post("/retry", status_code=202, tags=["documents"])
async def retry(request: Request, key: Caller, wanted: Retry) -> JobView:
    """Works again on documents that failed, and on no others."""
    workspace: Workspace = request.app.state.workspace
    name = allowed(key, wanted.collection or workspace.settings.collection)
    payload = {"collection": name, "document_ids": wanted.document_ids}
    job = await asyncio.to_thread(workspace.jobs.add, "retry", payload, tenant=key.key_id)
    runner_of(request).wake()
    return view(job)


# Jobs


def do_ingest(context: Context) -> bytes:
    """The uploaded documents are searchable in their collection, or failed; `{"documents": …, "failed": […]}`."""
    workspace, told = context.workspace, context.job.payload
    collection, names = str(told["collection"]), told["names"]
    assert isinstance(names, list)
    source = f"{workspace.store.url}uploads/{collection}/"
    with INGESTING:
        own = _compared(workspace, collection, source, [str(name) for name in dict.fromkeys(names)])
        others = _compared(workspace, collection, source, _waiting(context, collection, names))
        beside = [each for part in others for each in part.pending]
        form_batches(workspace, collection, [each for part in own for each in part.pending] + beside, runner="service")
        ids = [each.document_id for part in own for each in (*part.pending, *part.unchanged)]
        due = [*_due(context, ids), *(each.document_id for each in beside)]
        _run_batches(context, pending_batches(workspace, workspace.ledger.documents_by_id(due)), due)
    return _ended(workspace, collection, ids)


def _compared(workspace: Workspace, collection: str, source: str, names: Sequence[str]) -> list[Part]:
    """What the objects of these names are against what the ledger knows."""
    return [part for name in names for part in parts(workspace, collection, source + name)]


def _waiting(context: Context, collection: str, names: Sequence[object]) -> list[str]:
    """The names that other uploads into the collection wait for: they go into one batch with this job's.

    Each of these jobs still ends by itself, and finds its documents done then.
    """
    jobs = [job for job in context.workspace.jobs.waiting("ingest") if job.payload["collection"] == collection]
    found = [name for job in jobs if isinstance(own := job.payload["names"], list) for name in map(str, own)]
    most = context.workspace.settings.batch.documents
    return [name for name in dict.fromkeys(found) if name not in names][: max(0, most - len(names))]


def _due(context: Context, ids: Sequence[str]) -> list[str]:
    """The documents without those that have failed since the job was sent: another job worked on them."""
    outcomes = context.workspace.ledger.outcomes(ids).values()
    since = context.job.created_at
    tried = {each.document_id for each in outcomes if each.error and each.updated_at > since}
    return [each for each in ids if each not in tried]


def do_retry(context: Context) -> bytes:
    """The failed documents have been worked on again."""
    workspace, told = context.workspace, context.job.payload
    collection, wanted = str(told["collection"]), told["document_ids"]
    assert isinstance(wanted, list)
    found = workspace.ledger.failures(collection)
    chosen = [each.document for each in found if not wanted or each.document.document_id in wanted]
    if wanted and not chosen:
        raise UsageError("None of these documents stands failed.", hint="Ask for /failed.")
    ids = [each.document_id for each in chosen]
    with INGESTING:
        _run_batches(context, sorted({each.batch for each in chosen}), ids)
    return _ended(workspace, collection, ids)


def _run_batches(context: Context, batches: Sequence[str], ids: Sequence[str]) -> None:
    """The documents of the batches have been through all stages, by the runner of the settings."""
    workspace = context.workspace
    runner = find_runner(workspace.settings.service.runner)
    for number, batch in enumerate(batches, start=1):
        context.report({"batch": batch, "number": number, "batches": len(batches)})
        runner.run(workspace, batch, list(Stage), Scope(frozenset(ids)), started_by="service")


def _ended(workspace: Workspace, collection: str, ids: Sequence[str]) -> bytes:
    failed = [each for each in workspace.ledger.failures(collection) if each.document.document_id in set(ids)]
    told = {"collection": collection, "documents": list(dict.fromkeys(ids))}
    return json.dumps(told | {"failed": [_failure_view(each).model_dump() for each in failed]}).encode()


def do_parse(context: Context) -> bytes:
    """What stands in the document: `{"name", "format", "pages", "warnings", "content"}`."""
    told = context.job.payload
    extraction = read_job_document(context, job_document(context, str(told["file"])))
    made = _written(extraction, str(told["format"]))
    about = {"name": told["name"], "format": told["format"], "pages": len(extraction.pages)}
    return json.dumps(about | {"warnings": list(extraction.warnings), "content": made}, ensure_ascii=False).encode()


def _written(extraction: Extraction, form: str) -> object:
    """The extraction in a format."""
    if form == "json":
        return extraction.model_dump(mode="json")
    return {"text": to_text, "html": to_html}[form](extraction) if form != "markdown" else to_markdown(extraction)


# Parts


def _collection(workspace: Workspace, name: str) -> str:
    name = name or workspace.settings.collection
    if not _COLLECTION.fullmatch(name):
        raise Problem(
            422, "invalid_request", f"{name[:100]!r} is no name of a collection.", "Use letters, digits and _."
        )
    return name


def _keep(workspace: Workspace, collection: str, name: str, data: bytes) -> str:
    """The name that the document has in the store; it lies there."""
    base = PurePosixPath(name.replace("\\", "/")).name.lstrip(".") or "document"
    workspace.store.put(f"uploads/{collection}/{base}", data)
    return base


def _document(request: Request, key: Caller, document_id: str) -> Document:
    document: Document | None = request.app.state.workspace.ledger.document(document_id)
    if document is None or not key.allows(document.collection):
        raise not_found(f"document {document_id}")
    return document


def _document_view(document: Document) -> DocumentView:
    found = document.model_dump(include=set(DocumentView.model_fields) - {"source"})
    return DocumentView(**found, source=document.source_key)


def _failure_view(failure: Failure) -> FailureView:
    outcome = failure.outcome
    return FailureView(
        document_id=failure.document.document_id,
        collection=failure.document.collection,
        source=failure.document.source_key,
        stage=outcome.stage.value,
        status=outcome.status.value,
        error=outcome.error,
        message=outcome.message,
        hint=outcome.hint,
        pages=list(outcome.pages),
        attempts=outcome.attempts,
    )
