"""Reads a file and writes what was asked of it into a folder: one task of `docmill parse`, here or in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docmill.config import ExtractConfig
from docmill.errors import SourceError
from docmill.extract.outputs import Form, OutputOptions, Source, can_draw, outputs
from docmill.extract.reading import Reading
from docmill.extract.wanted import ALL, Wanted
from docmill.extract.whole import read_whole
from docmill.inference import places
from docmill.inference.places import Places
from docmill.models import PICTURES, Extraction
from docmill.scan import NO_SCAN, scan
from docmill.settings import ScanSettings
from docmill.store import LocalStore


@dataclass(frozen=True)
class ParseTask:
    """What to do with a file, and where models run that do not here.

    `name` is that of the outputs below `folder`: `a/report` gives `a/report.md` etc.
    """

    path: str
    name: str
    folder: str
    config: ExtractConfig
    forms: frozenset[Form]
    options: OutputOptions
    wanted: Wanted = ALL
    places: Places = ()
    scan: ScanSettings = NO_SCAN


@dataclass(frozen=True)
class Parsed:
    """What became of a file: `pages` read, `files` written (paths below the folder), `warnings` for people."""

    pages: int
    failed_pages: tuple[int, ...]
    elements: int
    files: tuple[str, ...]
    warnings: tuple[str, ...]


def parse_file(task: ParseTask) -> Parsed:
    """The outputs lie in the folder afterwards. Raises what `scanned_bytes`, `read_whole` and `outputs` raise."""
    places.know(task.places)
    data = scanned_bytes(task.path, task.scan)
    reading = read_whole(data, Path(task.path).name, task.config, task.wanted)
    extraction = reading.extraction
    forms, warnings = possible(task.forms, reading, task.config)
    place = PurePosixPath(task.name)
    store = LocalStore(Path(task.folder))
    source = Source(data, task.wanted.password)
    files = []
    for output in outputs(source, reading, forms, task.options, place.name):
        path = str(place.parent / output.name)
        store.put(path, output.data)
        files.append(path)
    return Parsed(
        pages=len(extraction.pages),
        failed_pages=extraction.failed_pages,
        elements=len(extraction.elements),
        files=tuple(files),
        warnings=(*extraction.lacking, *extraction.warnings, *warnings),
    )


def file_bytes(path: str) -> bytes:
    """The file's bytes. Raises SourceError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceError(f"It cannot be read: {error.strerror}.", hint="Check its path and permissions.") from error


def scanned_bytes(path: str, settings: ScanSettings) -> bytes:
    """The bytes of a file that no scanner objects to. Raises what `file_bytes` and `scan` raise."""
    data = file_bytes(path)
    scan(data, Path(path).name, settings)
    return data


def possible(
    forms: frozenset[Form], reading: Reading, config: ExtractConfig
) -> tuple[frozenset[Form], tuple[str, ...]]:
    """The forms that the document can have, and a warning for each that it has nothing for.

    A document without pages to draw keeps the form if it is the only one: asking for it is an error then.
    """
    extraction = reading.extraction
    drawn = forms & {Form.PAGES, Form.OVERLAY}
    warnings = []
    if drawn and not can_draw(extraction) and forms - drawn:
        names = " and ".join(sorted(form.value for form in drawn))
        warnings.append(f"It has no pages that can be drawn, so there is no {names}: save it as PDF for that.")
        forms -= drawn
    if forms & {Form.CSV, Form.XLSX} and not any(each.table for each in extraction.elements):
        warnings.append("The document has no tables.")
    if Form.FIGURES in forms and not reading.crops:
        warnings.append(_why_no_figures(extraction, wanted=config.crops))
    return forms, tuple(warnings)


def _why_no_figures(extraction: Extraction, *, wanted: bool) -> str:
    """Why the document gave no pictures."""
    if any(each.type in PICTURES for each in extraction.elements):
        way_out = "use mode auto" if wanted else "set extract.crops"
        return f"The document's figures were not cut out: {way_out}."
    return "The document has no figures."
