"""Does a parse job: reads the document in a worker process and packs its pages, pictures and tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from docmill.artifacts import extension
from docmill.config import ExtractConfig
from docmill.errors import DocmillError, EmptyDocumentError, IncompleteDocumentError, UsageError
from docmill.extract.media_type import detect
from docmill.extract.page_pictures import PDF, has_page_pictures, page_pictures
from docmill.extract.reading import Reading
from docmill.extract.registry import read
from docmill.extract.spreadsheet import tables_of, tables_xlsx
from docmill.extract.wanted import Wanted
from docmill.fetch import fetch, rules_of
from docmill.models import Extraction, Page, PageStatus
from docmill.service.llamacloud.bundle import Parsed, pack
from docmill.service.llamacloud.options import ParseOptions
from docmill.service.llamacloud.pages import add_merged, page_of, sides_of
from docmill.service.llamacloud.pictures import add_objects, add_screenshots, addresses
from docmill.service.runner import Context
from docmill.structured import documents
from docmill.structured.choice import engine_for
from docmill.structured.embedded import Task
from docmill.structured.engine import read as read_record
from docmill.structured.record import Json
from docmill.structured.schema import load

KIND = "llamacloud_parse"
FILE = "document"
_ANY_COUNT = 1_000_000
"""Pages: the reader has refused what has too many."""


@dataclass(frozen=True)
class ParseTask:
    """A document that a worker process reads: its bytes, its name, how, and what is made of it."""

    data: bytes
    name: str
    config: ExtractConfig
    options: ParseOptions


def do_parse(context: Context) -> bytes:
    """The packed result of a parse job; raises the DocmillError that says why there is none."""
    told = context.job.payload
    options = ParseOptions.model_validate(told["options"])
    data, name = _document(context)
    task = ParseTask(data, name, options.config(context.workspace.config.extract), options)
    parsed = cast(Parsed, _run(context, parse_document, task))
    _refuse_failures(parsed, options)
    schema = options.schema_of_pages
    if schema is not None:
        _fill_records(context, task, parsed.pages, schema)
    return pack(parsed, context.job.job_id)


def _document(context: Context) -> tuple[bytes, str]:
    """The bytes and the name of the document, fetched where an address came."""
    told = context.job.payload
    url = str(told.get("url", ""))
    if not url:
        return context.file(context.job.files[0]), str(told["name"])
    fetched = fetch(url, rules_of(context.workspace.settings))
    return context.scanned(fetched.data, fetched.name), fetched.name


def _run(context: Context, function: Callable[[Any], object], task: object) -> object:
    """What the function makes of the task in a worker process; raises what it raised."""
    ((_, answer, _),) = context.pool.running(function).run([task])
    if isinstance(answer, DocmillError):
        raise answer
    return answer


def _refuse_failures(parsed: Parsed, options: ParseOptions) -> None:
    """Raises IncompleteDocumentError where more than the tolerated share of pages, and more than one, failed.

    A strict job tolerates none, and no page that lacks a part.
    """
    pages = parsed.pages
    failed = tuple(cast(int, page["page"]) for page in pages if page["status"] == "FAILED")
    if options.is_strict and (lacking := tuple(sorted({*failed, *parsed.partial}))):
        raise IncompleteDocumentError(
            f"{len(lacking)} of {len(pages)} pages could not be read whole: {', '.join(map(str, lacking[:20]))}.",
            hint="Mend the document, or leave the strict modes off.",
            pages=lacking,
        )
    if len(failed) > max(1.0, options.page_error_tolerance * len(pages)) or (failed and len(failed) == len(pages)):
        raise IncompleteDocumentError(
            f"{len(failed)} of {len(pages)} pages could not be read: {', '.join(map(str, failed[:20]))}.",
            hint="Mend the document, or raise page_error_tolerance.",
            pages=failed,
        )


def _fill_records(context: Context, task: ParseTask, pages: list[Json], schema: Json) -> None:
    """Each page holds the record that the schema finds on it."""
    read_task = documents.ReadTask(task.data, f"document{extension(task.name)}", task.config)
    document = cast(documents.ReadDocument, _run(context, documents.read_document, read_task))
    engine = engine_for("", context.workspace.settings)
    asked = Task(schema, load(schema))
    for page in pages:
        number = cast(int, page["page"])
        own = document.layout.only([number]) if len(pages) > 1 or document.media_type == PDF else document.layout
        page["structuredData"] = read_record(engine, own, asked).value
        page["noStructuredContent"] = False


def parse_document(task: ParseTask) -> Parsed:
    """The pages of a document with their pictures; blank and failed ones are there, too. Raises what readers raise.

    EmptyDocumentError: it has none of the wanted pages, or nothing at all.
    """
    name = f"document{extension(task.name)}"
    reading = _read(task, name)
    extraction, options = reading.extraction, task.options
    sides = sides_of(extraction, options)
    if not sides:
        raise EmptyDocumentError("The document has none of the pages that were asked for.", hint="Mend target_pages.")
    crops = reading.crops if options.has_objects else {}
    names = addresses(sides, crops)
    pages = [page_of(side, extraction, options, names) for side in sides]
    pictures = add_objects(pages, sides, crops)
    pictures |= add_screenshots(pages, sides, task.data, extraction.media_type, options)
    partial = tuple(side.page.number for side in sides if side.page.status is PageStatus.PARTIAL)
    if options.merge_tables_across_pages_in_markdown:
        add_merged(pages, sides, extraction, options, names)
    return Parsed(pages, pictures, tables_xlsx(tables_of(extraction)), partial)


def _read(task: ParseTask, name: str) -> Reading:
    is_pdf = bool(task.data) and detect(task.data, name).media_type == PDF
    wanted = Wanted(task.options.pages) if is_pdf else Wanted()
    try:
        return read(task.data, name, task.config, wanted)
    except EmptyDocumentError as error:
        blank = _blank(task, name, wanted) if error.pages else ()
        if not blank:
            raise
        return Reading(Extraction(media_type=detect(task.data, name).media_type, elements=(), pages=blank))
    except UsageError as error:
        raise EmptyDocumentError(error.message, hint=error.hint) from error


def _blank(task: ParseTask, name: str, wanted: Wanted) -> tuple[Page, ...]:
    """The pages of a document on which nothing stands."""
    media_type = detect(task.data, name).media_type
    if media_type == PDF:
        sizes = _sizes_of_pdf(task.data, wanted)
    elif has_page_pictures(media_type):
        drawn = page_pictures(task.data, media_type, wanted=wanted)
        sizes = {each.number: (float(each.picture.width), float(each.picture.height)) for each in drawn}
    else:
        sizes = {}
    return tuple(
        Page(number=number, width=width, height=height, status=PageStatus.EMPTY)
        for number, (width, height) in sizes.items()
    )


def _sizes_of_pdf(data: bytes, wanted: Wanted) -> dict[int, tuple[float, float]]:
    """Width and height of the wanted pages in points."""
    from docmill.extract.pdf.engine import open_document

    document = open_document(data, _ANY_COUNT, wanted.password)
    try:
        rects = {number: document.load_page(number - 1).rect for number in wanted.numbers(int(document.page_count))}
        return {number: (float(rect.width), float(rect.height)) for number, rect in rects.items()}
    finally:
        document.close()
