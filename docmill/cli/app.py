"""The command line: its commands, and the border where errors become messages and exit codes.

Exit codes: 0 all good; 1 usage or system error; 2 some documents failed; 130 interrupted (the same command resumes).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from docmill.cli import documents, ingest, models, operations, parse, questions, record_commands, retrieval, serving
from docmill.cli.output import complain, log_as_settings_say, notes
from docmill.config import Mode
from docmill.errors import DocmillError, UsageError
from docmill.models import Stage
from docmill.retrieve import SearchMode
from docmill.retrieve.context import Around
from docmill.settings import load_settings

OK, ERROR, DOCUMENTS_FAILED, INTERRUPTED = 0, 1, 2, 130

_WRONG_COMMAND_LINE = typer.BadParameter.__bases__[0]
"""click's UsageError; typer brings a click of its own, so it cannot be imported by that name."""

app = typer.Typer(
    name="docmill",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(models.app, name="models")


@app.callback()
def begin() -> None:
    """Turn folders and buckets of documents into a searchable, provable vector collection."""
    log_as_settings_say()


Collection = Annotated[str, typer.Option("--collection", "-c", help="The collection; default: the settings'.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Access = Annotated[list[str] | None, typer.Option("--access", help="Your access tags; default: the public only.")]
ReadingMode = Annotated[Mode | None, typer.Option("--mode", help="How much a page may cost; default: the settings'.")]
Address = Annotated[str, typer.Argument(help="A file, a folder, or s3://bucket/prefix.")]


@app.command(name="ingest")
def ingest_command(
    path: Address,
    collection: Collection = "",
    as_json: Json = False,
    force: Annotated[bool, typer.Option("--force", help="Delete even if many documents are gone.")] = False,
    runner: Annotated[str, typer.Option(help="dagster or library; default: dagster where it is installed.")] = "",
    mode: ReadingMode = None,
) -> None:
    """Bring a folder, bucket or file into a collection: new and changed documents in, deleted ones out.

    The source is watched from then on by the sensors, while `docmill dev` runs. What is done is not done again; a run
    that was interrupted resumes.
    """
    with ingest.reading_in(mode):
        failed = ingest.ingest(path, collection, as_json=as_json, force=force, runner=runner)
    raise typer.Exit(DOCUMENTS_FAILED if failed else OK)


@app.command(name="plan")
def plan_command(path: Address, collection: Collection = "", as_json: Json = False) -> None:
    """Tell what an ingest would do, without doing it: documents, pages, new, changed, gone, and about how long."""
    ingest.plan(path, collection, as_json=as_json)


@app.command(name="search")
def search_command(
    question: Annotated[str, typer.Argument(help="A question or some words.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, max=1000, help="How many hits.")] = 5,
    collection: Collection = "",
    mode: Annotated[
        SearchMode, typer.Option(help="By meaning and words, by meaning, or by words.")
    ] = SearchMode.HYBRID,
    where: Annotated[
        list[str] | None, typer.Option("--filter", help="FIELD OPERATOR VALUE or JSON, such as: 'year >= 2020'.")
    ] = None,
    access: Access = None,
    more: Annotated[str, typer.Option("--options", help="Further options as JSON: alpha, fusion, offset ...")] = "{}",
    by_document: Annotated[bool, typer.Option("--documents", help="Whole documents instead of chunks.")] = False,
    around: Annotated[Around, typer.Option("--context", help="What to give around each hit.")] = Around.NONE,
    as_json: Json = False,
) -> None:
    """Find the chunks that answer a question, each with its source, page, box and score.

    Filters compare the fields text, source_key, pages, types, ordinal and the documents' metadata by == != > < >= <= in
    nin any all contains text_match is_empty; several must all hold.
    """
    options = questions.search_options(more, where or [], access or [])
    asked = questions.Asked(question, collection, top_k, mode, options, by_document, around)
    questions.search_and_print(asked, as_json=as_json)


@app.command(name="answer")
def answer_command(
    question: Annotated[str, typer.Argument(help="A question.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, max=100, help="How many hits.")] = 5,
    collection: Collection = "",
    access: Access = None,
    as_json: Json = False,
) -> None:
    """Give the passages that answer a question, numbered and with their places.

    With answer_model in the settings, that model's answer stands before them; citations that cannot be verified are
    dropped from it.
    """
    retrieval.answer_and_print(question, collection, top_k, access or [], as_json=as_json)


@app.command(name="reindex")
def reindex_command(
    collection: Collection = "",
    force: Annotated[bool, typer.Option("--force", help="Take it even if it fails its checks.")] = False,
    runner: Annotated[str, typer.Option(help="dagster or library; default: dagster where it is installed.")] = "",
    as_json: Json = False,
) -> None:
    """Build a collection anew under changed settings, beside the one that is searched; then swap them.

    Nothing is parsed again. The swap is refused if rows lack or the golden questions are answered worse.
    """
    live = retrieval.reindex_and_print(collection, force=force, runner=runner, as_json=as_json)
    raise typer.Exit(OK if live else DOCUMENTS_FAILED)


@app.command(name="access")
def access_command(collection: Collection = "", as_json: Json = False) -> None:
    """Give every document the access tags of the settings' policy; nothing is parsed or embedded again."""
    retrieval.access_and_print(collection, as_json=as_json)


@app.command(name="rollback")
def rollback_command(collection: Collection = "", as_json: Json = False) -> None:
    """Search a collection by the generation again that was live before the last reindex."""
    retrieval.rollback_and_print(collection, as_json=as_json)


evaluation = typer.Typer(help="Measure how well a collection answers.", no_args_is_help=True)
app.add_typer(evaluation, name="eval")


@evaluation.command(name="retrieval")
def eval_retrieval_command(
    file: Annotated[Path | None, typer.Option("--questions", help="Golden questions; default: the settings'.")] = None,
    collection: Collection = "",
    mode: Annotated[
        SearchMode, typer.Option(help="By meaning and words, by meaning, or by words.")
    ] = SearchMode.HYBRID,
    as_json: Json = False,
) -> None:
    """Ask the golden questions: recall@1/5/10, nDCG@10, MRR and seconds, and each question's ranks."""
    retrieval.eval_and_print(file, collection, mode, as_json=as_json)


@evaluation.command(name="diff")
def eval_diff_command(
    before: Annotated[Path, typer.Argument(help="Output of `eval retrieval --json`, or of `parse --format json`.")],
    after: Annotated[Path, typer.Argument(help="The same of another configuration.")],
    as_json: Json = False,
) -> None:
    """Compare two evaluations question by question, or two parsings of a document element by element."""
    retrieval.eval_diff_and_print(before, after, as_json=as_json)


@app.command(name="explain")
def explain_command(
    hit: Annotated[str, typer.Argument(help="The id of a hit, as `search` prints it.")],
    collection: Collection = "",
    access: Access = None,
    as_json: Json = False,
) -> None:
    """Prove a hit: chunk, elements, pages and boxes, object and version, settings, runs."""
    proven = questions.explain_and_print(hit, collection, access or [], as_json=as_json)
    raise typer.Exit(OK if proven else DOCUMENTS_FAILED)


@app.command(name="page")
def page_command(
    hit: Annotated[str, typer.Argument(help="The id of a hit, as `search` prints it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG file to write.")],
    page: Annotated[int, typer.Option(min=0, help="One of the hit's pages; default: its first.")] = 0,
    dpi: Annotated[int, typer.Option(min=18, max=1200, help="Resolution of the picture.")] = 144,
    collection: Collection = "",
    access: Access = None,
    as_json: Json = False,
) -> None:
    """Draw the page that a hit stands on, with its boxes marked."""
    wish = questions.PageWish(output, page, dpi, access or ())
    questions.page_and_write(hit, collection, wish, as_json=as_json)


@app.command(name="status")
def status_command(as_json: Json = False) -> None:
    """Show each collection: documents, searchable, failed, pending, rows in the index."""
    documents.status(as_json=as_json)


@app.command(name="failed")
def failed_command(
    collection: Collection = "",
    batch: Annotated[str, typer.Option(help="Only documents of this batch.")] = "",
    as_json: Json = False,
) -> None:
    """List the documents that failed or are quarantined, each with its reason and the way out."""
    some = documents.failed(collection, batch, as_json=as_json)
    raise typer.Exit(DOCUMENTS_FAILED if some else OK)


@app.command(name="retry")
def retry_command(
    batch: Annotated[str, typer.Option(help="Only this batch.")] = "",
    document: Annotated[list[str] | None, typer.Option(help="Only this document: id, address or file name.")] = None,
    stage: Annotated[Stage | None, typer.Option(help="Only failures of this stage.")] = None,
    collection: Collection = "",
    runner: Annotated[str, typer.Option(help="dagster or library; default: dagster where it is installed.")] = "",
    as_json: Json = False,
) -> None:
    """Work again on documents that failed, and on no others."""
    chosen = documents.Choice(collection, batch, tuple(document or ()), stage)
    failed = documents.retry(chosen, runner=runner, as_json=as_json)
    raise typer.Exit(DOCUMENTS_FAILED if failed else OK)


@app.command(name="quarantine")
def quarantine_command(
    document: Annotated[list[str], typer.Argument(help="Failed documents: id, address or file name.")],
    release: Annotated[bool, typer.Option("--release", help="Take them back among the failed.")] = False,
    collection: Collection = "",
    as_json: Json = False,
) -> None:
    """Set failed documents aside: counted apart and not tried again until their objects change."""
    documents.quarantine(document, collection, release=release, as_json=as_json)


@app.command(name="reconcile")
def reconcile_command(
    collection: Collection = "",
    force: Annotated[bool, typer.Option("--force", help="Delete even if many documents are gone.")] = False,
    tags: Annotated[
        bool, typer.Option(help="Ask for each object's tags, where access_object_tags names them: a request each.")
    ] = True,
    runner: Annotated[str, typer.Option(help="dagster or library; default: dagster where it is installed.")] = "",
    as_json: Json = False,
) -> None:
    """Make a collection mirror its watched sources: new, changed, renamed and deleted objects."""
    failed = ingest.reconcile(collection, as_json=as_json, force=force, runner=runner, tags=tags)
    raise typer.Exit(DOCUMENTS_FAILED if failed else OK)


@app.command(name="doctor")
def doctor_command(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    as_json: Json = False,
) -> None:
    """Check store, ledger, index, model and Dagster, and compare them; say what is wrong and how to mend it."""
    well = documents.doctor(repair=repair, as_json=as_json)
    raise typer.Exit(OK if well else ERROR)


@app.command(name="sources")
def sources_command(
    remove: Annotated[str, typer.Option(help="Stop watching this source; its documents stay.")] = "",
    collection: Collection = "",
    as_json: Json = False,
) -> None:
    """List the folders and buckets that sensors and schedules watch."""
    documents.sources(remove, collection, as_json=as_json)


@app.command(name="parse")
def parse_command(
    files: Annotated[
        list[str], typer.Argument(help="Documents: files, folders, patterns such as 'a/*.pdf', s3://bucket/….")
    ],
    form: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help=f"What to give, some of: {', '.join(parse.Form)}; default: markdown."),
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="A file or a folder to write to.")] = "",
    mode: ReadingMode = None,
    pages: Annotated[str, typer.Option(help="Only these pages, such as 1-3,7,10-.")] = "",
    text_depth: Annotated[
        parse.Depth, typer.Option(help="Markdown and text as one for the document, or one a page.")
    ] = parse.Depth.DOCUMENT,
    tables: Annotated[str, typer.Option(help="Tables in Markdown: html keeps spans, markdown is shorter.")] = "html",
    without: Annotated[str, typer.Option(help="Types left out of Markdown, text and HTML: header,footer.")] = "",
    dpi: Annotated[int, typer.Option(min=18, max=1200, help="Resolution of page pictures and overlays.")] = 144,
    languages: Annotated[str, typer.Option(help="ISO 639-1 codes for OCR, such as en,de.")] = "",
    guard: Annotated[
        bool, typer.Option("--safe-csv", help="Keep spreadsheet programs from running CSV cells as formulas.")
    ] = False,
    ask: Annotated[bool, typer.Option("--password", help="Ask for the password of encrypted documents.")] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="The file whose first line is the password; else DOCMILL_PASSWORD.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With -o FOLDER: tell what was written as JSON.")] = False,
) -> None:
    """Read documents and print or write what stands in them; nothing is kept.

    One document and one format are printed, or written to the file named. Several go into a folder: report.pdf gives
    report.md, report.json and so on, and pages, tables, figures and overlays in the folder report. A document that
    cannot be read does not stop the others.
    """
    settings = load_settings()
    if tables not in ("html", "markdown"):
        raise UsageError(f"{tables!r} is no way to write tables.", hint="Choose html or markdown.")
    style: parse.TableStyle = "markdown" if tables == "markdown" else "html"
    wish = parse.Wish(
        paths=tuple(files),
        forms=parse.forms_of(form or ["markdown"]),
        output=output,
        options=parse.OutputOptions(text_depth, style, parse.types_of(without), dpi, guard),
        wanted=parse.wanted_of(pages, ask=ask, password_file=password_file, settings=settings),
        config=parse.config_of(settings, mode, languages),
        limits=settings.workers,
        endpoint=settings.s3_endpoint_url,
        scan=settings.scan,
    )
    raise typer.Exit(OK if parse.parse(wish, as_json=as_json) else ERROR)


record_commands.add_to(app)
operations.add_to(app)


@app.command(name="dev")
def dev_command(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the web page.")] = 3000,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI on this home, with sensors and schedules running."""
    documents.dev(host, port)


@app.command(name="serve")
def serve_command(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port for all protocols.")] = 7670,
) -> None:
    """Answer over HTTP: docmill's own API and the protocols of other products' clients. See docs/http.md."""
    serving.serve(host, port)


keys_app = typer.Typer(help="Make, list and revoke the keys of the HTTP service's callers.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")


@keys_app.command(name="create")
def keys_create_command(
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    collection: Annotated[list[str] | None, typer.Option(help="Only this collection; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    serving.create_key(name, tuple(collection or ()), as_json=as_json)


@keys_app.command(name="list")
def keys_list_command(as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    serving.list_keys(as_json=as_json)


@keys_app.command(name="revoke")
def keys_revoke_command(
    name: Annotated[str, typer.Argument(help="The key's name or id.")],
    as_json: Json = False,
) -> None:
    """Refuse a key from now on."""
    serving.revoke_key(name, as_json=as_json)


def main() -> None:
    """Run the command; every error that docmill raises on purpose becomes a message and an exit code."""
    try:
        app(standalone_mode=True)
    except DocmillError as error:
        complain(error)
        sys.exit(ERROR)
    except SystemExit as end:  # typer turns Ctrl-C into 130, and a wrong command line into 2, which is taken here
        if end.code == INTERRUPTED:
            notes.print("\nInterrupted. What is done is kept: the same command resumes.", style="yellow")
        if isinstance(end.__context__, _WRONG_COMMAND_LINE):
            sys.exit(ERROR)
        raise
    except Exception as error:
        if os.environ.get("DOCMILL_DEBUG"):
            raise
        fault = f"{type(error).__name__}: {error}"
        complain(DocmillError(f"docmill failed: {fault}", hint="Please report it, with what DOCMILL_DEBUG=1 prints."))
        sys.exit(ERROR)
