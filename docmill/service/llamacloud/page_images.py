"""Pages and figures of files as pictures: pages are drawn in a worker process, once, as a job whose result is kept."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from docmill.errors import CorruptDocumentError, DocmillError, MissingObjectError
from docmill.extract.media_type import detect
from docmill.extract.page_pictures import PagePicture, has_page_pictures, page_pictures
from docmill.extract.wanted import Wanted
from docmill.ids import content_version
from docmill.jobs import Job, JobState, work_id
from docmill.keys import Key
from docmill.models import INSIDE, PICTURES, Crop, Document, Element, Stage
from docmill.service.llamacloud.entries import Entries
from docmill.service.llamacloud.files import Files
from docmill.service.llamacloud.indexes import Indexes
from docmill.service.llamacloud.items import Body
from docmill.service.problems import Problem, not_found
from docmill.service.runner import Context, runner_of
from docmill.workspace import Workspace

PAGE_KIND = "llamacloud_page"
SIZES_KIND = "llamacloud_page_sizes"
_DPI = 144
_SECONDS = 50.0
"""That a page's picture is waited for: the client gives up after 60."""


@dataclass(frozen=True)
class Image:
    """An encoded picture."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class PageTask:
    """A page (from 1) of a document that a worker process draws, or all pages (0)."""

    data: bytes
    media_type: str
    page: int = 0


def draw_page(task: PageTask) -> bytes:
    """The page as JPEG; raises what drawing raises."""
    wanted = Wanted(((task.page, task.page),))
    for drawn in page_pictures(task.data, task.media_type, dpi=_DPI, wanted=wanted):
        return _jpeg(drawn)
    raise CorruptDocumentError(f"The document has no page {task.page}.")


def page_sizes(task: PageTask) -> bytes:
    """How many bytes each page has as JPEG, a JSON list; raises what drawing raises."""
    return json.dumps([len(_jpeg(each)) for each in page_pictures(task.data, task.media_type, dpi=_DPI)]).encode()


def _jpeg(drawn: PagePicture) -> bytes:
    out = io.BytesIO()
    drawn.picture.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def do_page(context: Context) -> bytes:
    """The page of a job as JPEG; raises the DocmillError that says why there is none."""
    return _drawn(context, draw_page, int(str(context.job.payload["page"])))


def do_sizes(context: Context) -> bytes:
    """What `page_sizes` says of a job's document; raises the DocmillError that says why there is none."""
    return _drawn(context, page_sizes, 0)


def _drawn(context: Context, draw: Callable[[PageTask], bytes], page: int) -> bytes:
    told = context.job.payload
    name = str(told["name"])
    data = context.scanned(source_bytes(context.workspace, str(told["target"]), context.job.tenant), name)
    ((_, answer, _),) = context.pool.running(draw).run([PageTask(data, detect(data, name).media_type, page)])
    if isinstance(answer, DocmillError):
        raise answer
    assert isinstance(answer, bytes)
    return answer


def source_bytes(workspace: Workspace, target: str, tenant: str) -> bytes:
    """The bytes of `document/<id>` or of the tenant's `file/<id>`."""
    kind, _, identifier = target.partition("/")
    if kind == "file":
        return Files(workspace).data(identifier, tenant)
    document = workspace.ledger.document(identifier)
    if document is None:
        raise MissingObjectError(f"There is no document {identifier}.")
    if document.source.endswith(INSIDE):
        return workspace.artifacts.member(document.version)
    return workspace.source_of(document).get(document.key)


def target_of(workspace: Workspace, key: Key, file_id: str) -> str:
    """What the id of a file means to the key: a document of an index, or a file that it has uploaded.

    Raises a Problem 404.
    """
    document = document_of(workspace, key, file_id)
    if document is not None:
        return f"document/{document.document_id}"
    Files(workspace).get(file_id, key.key_id)
    return f"file/{file_id}"


def document_of(workspace: Workspace, key: Key, file_id: str) -> Document | None:
    """The document of an index that a file's id means: one that was put there, or one that others brought."""
    collections = [each.collection for each in Indexes(workspace, key).all()]
    entry = Entries(workspace.ledger.database).in_any(collections, file_id)
    try:
        identifier = entry.document_id if entry else uuid.UUID(file_id).hex
    except ValueError:
        return None
    found = workspace.ledger.document(identifier)
    return found if found is not None and key.allows(found.collection) else None


def figures_of(workspace: Workspace, document: Document) -> dict[tuple[int, str], Element]:
    """The figures of a document by page (from 1) and name: `img_p0_1.png` is the first on the first page."""
    outcome = workspace.ledger.outcomes([document.document_id]).get((document.document_id, Stage.EXTRACTED_ELEMENTS))
    if outcome is None or outcome.error:
        return {}
    found: dict[tuple[int, str], Element] = {}
    counts: dict[int, int] = {}
    for each in workspace.artifacts.extraction(document, outcome.fingerprint).elements:
        if each.type in PICTURES and each.crop is not None and each.page is not None:
            counts[each.page] = counts.get(each.page, 0) + 1
            suffix = "jpg" if each.crop.media_type == "image/jpeg" else "png"
            found[each.page, f"img_p{each.page - 1}_{counts[each.page]}.{suffix}"] = each
    return found


def figure_view(workspace: Workspace, file_id: str, page: int, name: str, element: Element) -> Body:
    """A figure as the protocol shows it; `page` counts from 1."""
    assert element.crop is not None
    return {
        "figure_name": name,
        "file_id": file_id,
        "page_index": page - 1,
        "figure_size": len(workspace.artifacts.crop(element.crop)),
        "confidence": element.confidence if element.confidence is not None else 1.0,
        "is_likely_noise": False,
        "metadata": {},
    }


def has_pages(document: Document) -> bool:
    """Whether the document's pages can be drawn."""
    return has_page_pictures(document.media_type)


class PageImages:
    """The pictures that requests ask for."""

    def __init__(self, request: Request, tenant: str) -> None:
        self._request = request
        self._tenant = tenant
        self._workspace: Workspace = request.app.state.workspace

    async def screenshot(self, target: str, page_index: int) -> Image:
        """A page (from 0) as JPEG; raises a Problem 404 where it cannot be drawn."""
        ended = await self._ended(PAGE_KIND, target, page_index + 1)
        if ended is None or ended.state is not JobState.DONE:
            raise not_found(f"picture of page {page_index}{_reason(ended)}")
        return Image(await asyncio.to_thread(self._workspace.jobs.result, ended), "image/jpeg")

    async def sizes(self, target: str) -> list[int]:
        """How many bytes the picture of each page has.

        Raises a Problem 404 where they cannot be drawn, 503 where that takes longer than the client waits.
        """
        ended = await self._ended(SIZES_KIND, target, 0)
        if ended is None or not ended.state.ended:
            raise Problem(503, "not_ready", "The pages are being drawn.", "Ask again in a minute.")
        if ended.state is not JobState.DONE:
            raise not_found(f"picture of a page{_reason(ended)}")
        found: list[int] = json.loads(await asyncio.to_thread(self._workspace.jobs.result, ended))
        return found

    async def _ended(self, kind: str, target: str, page: int) -> Job | None:
        """The job that draws, or has drawn: as soon as it has ended, or as it is when the client would give up."""
        job = await asyncio.to_thread(self._job, kind, target, page)
        runner = runner_of(self._request)
        runner.wake()
        return await runner.job(job, self._tenant, _SECONDS)

    def _job(self, kind: str, target: str, page: int) -> str:
        """The id of the job of a kind for a page (from 1), or for all (0)."""
        source, _, identifier = target.partition("/")
        if source == "file":
            file = Files(self._workspace).get(identifier, self._tenant)
            name, version = file.name, file.version
        else:
            document = self._workspace.ledger.document(identifier)
            name = document.source_key if document else ""
            version = document.version if document else ""
        told: dict[str, object] = {"target": target, "page": page, "name": name}
        work = work_id(kind, f"{_DPI} {page}", [version or content_version(target.encode())])
        return self._workspace.jobs.submit(kind, told, tenant=self._tenant, work=work).job_id

    def figure(self, target: str, page_index: int, name: str) -> Image:
        """A figure of a page (from 0) as it lies in the document; raises a Problem 404."""
        document = self._workspace.ledger.document(target.removeprefix("document/"))
        found = figures_of(self._workspace, document).get((page_index + 1, name)) if document else None
        if found is None or found.crop is None:
            raise not_found(f"figure {name} on page {page_index}")
        return _encoded(self._workspace, found.crop)

    async def at(self, path: str) -> Image:
        """What a link names: `screenshots/document/<id>/<page>` or `figures/document/<id>/<page>/<name>`."""
        what, kind, identifier, page, *rest = path.split("/")
        target = f"{kind}/{identifier}"
        if what == "screenshots":
            return await self.screenshot(target, int(page))
        return await asyncio.to_thread(self.figure, target, int(page), rest[0])


def _reason(job: Job | None) -> str:
    return f": {job.message}" if job is not None and job.message else ""


def _encoded(workspace: Workspace, crop: Crop) -> Image:
    return Image(workspace.artifacts.crop(crop), crop.media_type)
