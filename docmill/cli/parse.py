"""`docmill parse`: files read at once, what stands in them printed or written; nothing is kept in the home."""

from __future__ import annotations

import glob
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from docmill.cli.fetched import fetched
from docmill.cli.output import naming, notes, print_json
from docmill.config import ExtractConfig, Mode
from docmill.errors import DocmillError, SourceError, UsageError
from docmill.extract.outputs import SUFFIXES, Depth, Form, OutputOptions, single
from docmill.extract.parse_task import Parsed, ParseTask, file_bytes, parse_file, scanned_bytes
from docmill.extract.render import TableStyle
from docmill.extract.wanted import Wanted, page_ranges
from docmill.extract.whole import read_whole
from docmill.inference import places
from docmill.models import ElementType
from docmill.scan import NO_SCAN
from docmill.settings import ScanSettings, Settings, WorkerLimits, load_settings
from docmill.store import LocalStore
from docmill.workers import Isolated

__all__ = [
    "Depth",
    "Form",
    "OutputOptions",
    "TableStyle",
    "Wish",
    "config_of",
    "forms_of",
    "parse",
    "types_of",
    "wanted_of",
]
_BYTES_A_LIMIT = 2_000_000
"""A file has its time limit once for each of these: long documents are not read in ranges here."""


@dataclass(frozen=True)
class Input:
    """A file to read, and what its outputs are called below the output folder."""

    path: Path
    name: str


@dataclass(frozen=True)
class Wish:
    """What the command line asks for; `output` is "" for standard output, `endpoint` the address of an S3 server."""

    paths: tuple[str, ...]
    forms: frozenset[Form]
    output: str
    options: OutputOptions
    wanted: Wanted
    config: ExtractConfig
    limits: WorkerLimits
    endpoint: str | None = None
    scan: ScanSettings = NO_SCAN


def forms_of(names: Sequence[str]) -> frozenset[Form]:
    """The forms named, each name one or several with commas between. Raises UsageError."""
    found = [each.strip().lower() for name in names for each in name.split(",") if each.strip()]
    known = {form.value for form in Form}
    for each in found:
        if each not in known:
            raise UsageError(f"{each!r} is no format.", hint=f"Choose some of {', '.join(Form)}.")
    return frozenset(Form(each) for each in found)


def types_of(names: str) -> frozenset[ElementType]:
    """The element types named, with commas between. Raises UsageError."""
    found = [each.strip().lower() for each in names.split(",") if each.strip()]
    known = {kind.value for kind in ElementType}
    for each in found:
        if each not in known:
            raise UsageError(f"{each!r} is no type of element.", hint=f"Choose some of {', '.join(ElementType)}.")
    return frozenset(ElementType(each) for each in found)


def wanted_of(pages: str, *, ask: bool, password_file: Path | None, settings: Settings) -> Wanted:
    """The pages and the password: asked for at the terminal, from a file, or the settings' (DOCMILL_PASSWORD)."""
    password = settings.password.get_secret_value()
    if password_file is not None:
        with naming(str(password_file)):
            lines = file_bytes(str(password_file)).decode("utf-8", errors="replace").splitlines()
        password = lines[0] if lines else ""
    if ask:
        import typer

        password = str(typer.prompt("Password", hide_input=True, err=True))
    return Wanted(page_ranges(pages), password)


def config_of(settings: Settings, mode: Mode | None, languages: str) -> ExtractConfig:
    """The settings for reading, with what the command line changes."""
    config = settings.pipeline.extract
    chosen = tuple(each.strip() for each in languages.split(",") if each.strip())
    return config.model_copy(update={"mode": mode or config.mode, "languages": chosen or config.languages})


def parse(wish: Wish, *, as_json: bool) -> bool:
    """Print or write what was asked; whether every file could be read."""
    with fetched(wish.paths, wish.endpoint) as (paths, shown):
        return _parse(replace(wish, paths=paths), shown, as_json=as_json)


def _parse(wish: Wish, shown: Callable[[str], str], *, as_json: bool) -> bool:
    """The same for files here; `shown` says what a path is called."""
    known = places.served(load_settings().models)
    places.know(known)
    folder = _folder(wish)
    inputs = inputs_of(wish.paths, folder)
    if folder is None and len(inputs) > 1:
        raise UsageError(f"{len(inputs)} documents cannot be printed as one.", hint="Name a folder: -o FOLDER.")
    if folder is None:
        _one(inputs[0], wish, shown)
        return True
    tasks = [ParseTask(str(x.path), x.name, str(folder), wish.config, wish.forms, wish.options, wish.wanted, known,
                       wish.scan) for x in inputs]  # fmt: skip
    results = [*(_here(tasks[0]) if len(tasks) == 1 else _in_workers(tasks, wish.limits))]
    results.sort(key=lambda each: each[0])
    if as_json:
        print_json(
            {"documents": [_record(shown(tasks[index].path), tasks[index], result) for index, result in results]}
        )
    else:
        for index, result in results:
            _tell(shown(tasks[index].path), result)
    return all(isinstance(result, Parsed) for _, result in results)


def _folder(wish: Wish) -> Path | None:
    """The folder to write into; None for standard output or a single file. Raises UsageError."""
    alone = len(wish.forms) == 1 and (wish.forms <= set(SUFFIXES) or wish.forms == {Form.CSV})
    if not wish.output:
        if not alone or wish.forms == {Form.XLSX}:
            names = ", ".join(form.value for form in Form if form in wish.forms)
            raise UsageError(f"{names} cannot be printed.", hint="Name a file or folder: -o FOLDER.")
        return None
    path = Path(wish.output)
    many = len(wish.paths) > 1 or not Path(wish.paths[0]).is_file()
    is_folder = wish.output.endswith("/") or path.is_dir() or many or not alone or not path.suffix
    return path if is_folder else None


def inputs_of(paths: Sequence[str], output: Path | None) -> list[Input]:
    """The files that paths, folders (with all below them) and patterns name, in order; raises SourceError.

    Hidden files and what lies in the output folder are left out of folders. Outputs are called like their files without
    the extension, or with it where two would be called alike.
    """
    found: dict[Path, str] = {}
    for path in paths:
        for file, relative in _files(path, output):
            found.setdefault(file, relative)
    stems = Counter(str(Path(relative).with_suffix("")) for relative in found.values())
    used: set[str] = set()
    inputs = []
    for file, relative in found.items():
        stem = str(Path(relative).with_suffix(""))
        name = base = stem if stems[stem] == 1 else relative
        number = 2
        while name in used:
            name, number = f"{base}-{number}", number + 1
        used.add(name)
        inputs.append(Input(file, name))
    return inputs


def _files(path: str, output: Path | None) -> Iterator[tuple[Path, str]]:
    """The files that one argument names, each with its path below the folder named."""
    given = Path(path)
    if given.is_file():
        yield given, given.name
        return
    if given.is_dir():
        inside = [
            each
            for each in sorted(given.rglob("*"))
            if each.is_file()
            and not any(part.startswith(".") for part in each.relative_to(given).parts)
            and not (output is not None and each.resolve().is_relative_to(output.resolve()))
        ]
        if not inside:
            raise SourceError(f"{path} holds no files.", hint="Check the folder.")
        yield from ((each, str(each.relative_to(given))) for each in inside)
        return
    matches = [Path(each) for each in sorted(glob.glob(path, recursive=True)) if Path(each).is_file()]
    if not matches:
        raise SourceError(f"{path} is not a file, folder or pattern that matches one.", hint="Check the path.")
    yield from ((each, each.name) for each in matches)


def _one(file: Input, wish: Wish, shown: Callable[[str], str]) -> None:
    """Print the one output of one file, or write it to the file named."""
    (form,) = wish.forms
    with naming(shown(str(file.path))), _pages_shown(file.path.name) as watch:
        data = scanned_bytes(str(file.path), wish.scan)
        reading = read_whole(data, file.path.name, wish.config, replace(wish.wanted, watch=watch))
        output = single(reading, form, wish.options, file.path.stem)
    for warning in (*reading.extraction.lacking, *reading.extraction.warnings):
        notes.print(f"Note: {warning}", markup=False)
    if form is Form.CSV and not output:
        notes.print("Note: The document has no tables.")
    if not wish.output:
        sys.stdout.write(output.decode().rstrip("\n") + "\n")
        return
    target = Path(wish.output).absolute()
    LocalStore(target.parent).put(target.name, output)


def _here(task: ParseTask) -> Iterator[tuple[int, Parsed | DocmillError]]:
    """The one task, in this process, with a bar that counts its pages."""
    with _pages_shown(Path(task.path).name) as watch:
        try:
            result: Parsed | DocmillError = parse_file(replace(task, wanted=replace(task.wanted, watch=watch)))
        except DocmillError as error:
            result = error
    yield 0, result


def _in_workers(tasks: Sequence[ParseTask], limits: WorkerLimits) -> Iterator[tuple[int, Parsed | DocmillError]]:
    """The tasks in worker processes of their own, with a bar that counts documents."""
    largest = max(Path(task.path).stat().st_size for task in tasks)
    patient = limits.model_copy(update={"seconds": limits.seconds * max(1, ceil(largest / _BYTES_A_LIMIT))})
    with (
        _bar("documents", len(tasks)) as advance,
        Isolated(parse_file, patient, ["docmill.extract.parse_task", "docmill.extract.pdf"]) as pool,
    ):
        for index, result, _ in pool.run(tasks):
            advance()
            yield index, result


@contextmanager
def _pages_shown(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for the pages of a document, shown from the second of its pages on."""
    with _progress() as bars:
        known: dict[str, int] = {}

        def watch(number: int, count: int) -> None:
            if count > 1:
                if not known:
                    known["task"] = bars.add_task(f"{name}: pages", total=count)
                    return
                bars.advance(bars.task_ids[0])

        yield watch


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    with _progress() as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<20}", markup=False), BarColumn(bar_width=30), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=notes, disable=not sys.stderr.isatty(), transient=True)


def _tell(source: str, result: Parsed | DocmillError) -> None:
    """A line for a file that was read, its notes below; what was wrong with one that was not."""
    if isinstance(result, DocmillError):
        notes.print(f"[red]✗[/red] {escape(source)}\n    {escape(result.message)}")
        if result.hint:
            notes.print(f"    [dim]{escape(result.hint)}[/dim]")
        return
    pages = f"{result.pages} page{'s' * (result.pages != 1)}, " if result.pages else ""
    shown = ", ".join(result.files[:3]) + (f" and {len(result.files) - 3} more" if len(result.files) > 3 else "")
    notes.print(f"[green]✓[/green] {escape(source)}: {pages}{result.elements} elements → {escape(shown) or 'nothing'}")
    for warning in result.warnings:
        notes.print(f"    Note: {warning}", markup=False)


def _record(source: str, task: ParseTask, result: Parsed | DocmillError) -> dict[str, object]:
    """A file's result for programs."""
    if isinstance(result, DocmillError):
        error = type(result).__name__
        return {"source": source, "ok": False, "error": error, "message": result.message, "hint": result.hint}
    return {
        "source": source,
        "ok": True,
        "pages": result.pages,
        "failed_pages": list(result.failed_pages),
        "elements": result.elements,
        "files": [str(Path(task.folder, each)) for each in result.files],
        "warnings": list(result.warnings),
    }
