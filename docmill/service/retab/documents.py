"""The bytes of the document that a request names: a data URL, a web address, or a file that was uploaded here."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote_to_bytes

from docmill.errors import LimitExceededError, MissingObjectError, SourceError, TransientError, UrlRefusedError
from docmill.fetch import fetch, rules_of
from docmill.service.problems import Problem
from docmill.service.retab.request import DocumentSource, RetabProblem
from docmill.structured.record import Json
from docmill.workspace import Workspace

_FILES = "/v1/files/"


@dataclass(frozen=True)
class GivenDocument:
    """A document's bytes and its name."""

    data: bytes
    filename: str


def document_of(source: DocumentSource, workspace: Workspace, tenant: str) -> GivenDocument:
    """The document; raises a Problem 422 that says why it cannot be had."""
    if source.id and not source.url:
        return uploaded(source.id, workspace, tenant)
    scheme = source.url.partition(":")[0].lower()
    if scheme == "data":
        return GivenDocument(_of_data_url(source.url), source.filename or "document")
    if scheme in ("http", "https"):
        if _FILES in source.url and source.url.endswith("/content"):
            return uploaded(source.url.rpartition(_FILES)[2].removesuffix("/content"), workspace, tenant)
        return _of_web(source, workspace)
    message = "document.url must be a data: URL or begin with http:// or https://."
    raise RetabProblem("invalid_request", message, [{"path": "document.url", "message": message}])


def _of_data_url(url: str) -> bytes:
    head, comma, payload = url.partition(",")
    try:
        if not comma:
            raise ValueError("no comma")
        if head.lower().endswith(";base64"):
            return base64.b64decode(unquote_to_bytes(payload), validate=True)
        return unquote_to_bytes(payload)
    except (ValueError, binascii.Error):
        raise RetabProblem("invalid_request", "document.url: the data: URL cannot be decoded.") from None


def _of_web(source: DocumentSource, workspace: Workspace) -> GivenDocument:
    shown = source.url[:200]
    try:
        found = fetch(source.url, rules_of(workspace.settings))
    except UrlRefusedError as error:
        raise RetabProblem("document_url_refused", f"document.url {shown} is refused: {error.message}") from None
    except LimitExceededError as error:
        raise Problem(413, "document_too_large", f"document.url {shown}: {error.message}") from None
    except (SourceError, MissingObjectError, TransientError) as error:
        message = f"document.url {shown} could not be fetched: {error.message}"
        raise RetabProblem("document_fetch_failed", message) from None
    return GivenDocument(found.data, source.filename or found.name)


def meta_key(tenant: str, file_id: str) -> str:
    """Where the description of an uploaded file lies."""
    return f"uploads/{tenant}/{file_id}.json"


def data_key(tenant: str, file_id: str) -> str:
    """Where the bytes of an uploaded file lie."""
    return f"uploads/{tenant}/{file_id}.bin"


def file_meta(file_id: str, workspace: Workspace, tenant: str) -> Json:
    """What is known of an uploaded file; raises a Problem 404."""
    try:
        if not file_id.removeprefix("file_").isalnum():
            raise MissingObjectError(file_id)
        return cast(Json, json.loads(workspace.store.get(meta_key(tenant, file_id))))
    except MissingObjectError:
        raise Problem(404, "file_not_found", f"There is no file {file_id}.") from None


def uploaded(file_id: str, workspace: Workspace, tenant: str) -> GivenDocument:
    """A file that was uploaded; raises a Problem 404 or 422."""
    meta = file_meta(file_id, workspace, tenant)
    try:
        return GivenDocument(workspace.store.get(data_key(tenant, file_id)), str(meta["filename"]))
    except MissingObjectError:
        raise RetabProblem("invalid_request", f"The file {file_id} was announced, but its bytes never came.") from None
