"""What several protocols' handlers do: the file of a job as a document, read by docmill's own stage."""

from __future__ import annotations

from docmill.extract.media_type import detect
from docmill.extract.worker import read_document
from docmill.ids import content_version, document_id
from docmill.models import Document, Extraction
from docmill.service.runner import Context
from docmill.stages.extracted_elements import elements_artifact, extract_one


def job_document(context: Context, file: str) -> Document:
    """The file that came with the job; it is in no collection."""
    data = context.file(file)
    source = f"{context.workspace.store.url}jobs/{context.job.job_id}/"
    version = content_version(data)
    return Document(
        document_id=document_id(f"jobs of {context.job.tenant}", version),
        collection="",
        source=source,
        source_key=source + file,
        etag="",
        size=len(data),
        media_type=detect(data, file).media_type,
        version=version,
    )


def read_job_document(context: Context, document: Document) -> Extraction:
    """The document's elements, read or taken from the store; raises the DocmillError that says why there are none."""
    result = extract_one(context.workspace, context.pool.running(read_document), context.folder, document)
    if result.error is not None:
        raise result.error
    return context.workspace.artifacts.extraction_at(elements_artifact(context.workspace, document))
