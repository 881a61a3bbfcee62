"""A document that hangs, crashes or eats memory costs itself, and of a PDF only the pages that do so.

The PDFs really hang or bloat MuPDF, and one crashes it; where none is known that does so on a page,
`hostile_reader.read_hostile` stands in for the reader, in the same worker processes.
"""

import os

import pytest

from benchmarks.hostile import GOOD, GREEDY, SLOW, document, laughs, long_document, mixed, pdf, stream, words
from docmill.batching import form_batches
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.models import ElementType, PageStatus, Stage, Status
from docmill.pipeline import run_stage
from docmill.plan import make_plan
from docmill.settings import BatchLimits, Settings, WorkerLimits
from docmill.sources import resolve_source
from docmill.stages import extracted_elements
from docmill.workspace import Workspace
from tests.stages.hostile_reader import read_hostile

GOOD_PDF = document([stream(words("All is well with this document."))])


class Extracted:
    """The outcomes and artifacts of a batch after the extraction."""

    def __init__(self, workspace, batch):
        self._workspace = workspace
        stage = Stage.EXTRACTED_ELEMENTS
        documents = workspace.ledger.batch_documents(batch)
        outcomes = workspace.ledger.outcomes(each.document_id for each in documents)
        self._documents = {each.key.rsplit("/", 1)[-1]: each for each in documents}
        self.outcomes = {name: outcomes[each.document_id, stage] for name, each in self._documents.items()}

    def extraction(self, name):
        fingerprint = self._workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]
        return self._workspace.artifacts.extraction(self._documents[name], fingerprint)

    def statuses(self, name):
        return [page.status for page in self.extraction(name).pages]


@pytest.fixture
def extract(tmp_path):
    """Extracts PDFs by name in one batch, together with a good one that must come through."""
    opened = []

    def run(files, *, pages_per_task=200, mode="fast", **limits):
        folder = tmp_path / "documents"
        folder.mkdir(exist_ok=True)
        for name, data in {"good.pdf": GOOD_PDF, **files}.items():
            (folder / name).write_bytes(data)
        settings = Settings(
            home=tmp_path / f"home{len(opened)}",
            batch=BatchLimits(settle_seconds=0),
            workers=WorkerLimits(**{"processes": 2, "seconds": 60, "memory_mb": 512} | limits),
            pipeline={"extract": {"pages_per_task": pages_per_task, "mode": mode}},
        )
        opened.append(workspace := Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder()))
        plan = make_plan(workspace, "test", resolve_source(workspace, str(folder)))
        (batch,) = form_batches(workspace, "test", plan.pending, runner="test")
        run_stage(workspace, Stage.RAW_DOCUMENTS, batch)
        run_stage(workspace, Stage.EXTRACTED_ELEMENTS, batch)
        found = Extracted(workspace, batch)
        assert found.outcomes["good.pdf"].status is Status.OK
        return found

    yield run
    for workspace in opened:
        workspace.close()


@pytest.fixture
def hostile(monkeypatch):
    monkeypatch.setattr(extracted_elements, "read_document", read_hostile)


def pages(*texts):
    return document(stream(words(text)) for text in texts)


def test_a_page_that_hangs_is_reported_and_the_others_are_kept(extract):
    found = extract({"slow.pdf": mixed([GOOD, SLOW, GOOD])}, seconds=5, memory_mb=4096)
    outcome = found.outcomes["slow.pdf"]
    assert (outcome.status, outcome.pages) == (Status.PARTIAL, (2,))
    assert "page 2: was not read within 5 s (limit workers.seconds)" in outcome.message
    assert [each.page for each in found.extraction("slow.pdf").elements] == [1, 3]


def test_a_page_that_bloats_memory_is_reported_and_the_others_are_kept(extract):
    found = extract({"greedy.pdf": mixed([GREEDY, GOOD, GREEDY, GOOD])})
    outcome = found.outcomes["greedy.pdf"]
    assert (outcome.status, outcome.pages) == (Status.PARTIAL, (1, 3))
    assert "needs more than 512 MiB of memory (limit workers.memory_mb)" in outcome.message
    assert found.extraction("greedy.pdf").pages[0].reason.startswith("needs more than 512 MiB")


@pytest.mark.parametrize(
    ("kind", "setting", "limits"),
    [(SLOW, "workers.seconds", {"seconds": 5, "memory_mb": 4096}), (GREEDY, "workers.memory_mb", {"seconds": 60})],
)
def test_without_any_page_left_the_error_names_the_limit_and_how_to_raise_it(extract, kind, setting, limits):
    outcome = extract({"bad.pdf": mixed([kind])}, **limits).outcomes["bad.pdf"]
    assert (outcome.status, outcome.error, outcome.pages) == (Status.FAILED, "LimitExceededError", (1,))
    assert setting in outcome.message
    assert f"Raise {setting}" in outcome.hint


def test_a_document_that_crashes_its_reader_when_opened_fails_alone(extract):
    deep = [b"<</Title(a)/First %d 0 R>>" % number for number in range(5, 200_000)]
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>"
    head = [b"<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page]
    outcome = extract({"outline.pdf": pdf([*head, *deep, b"<</Title(b)>>"])}).outcomes["outline.pdf"]
    assert (outcome.error, outcome.message) == (
        "LimitExceededError",
        "The document crashed its reader (SIGSEGV).",
    )


@pytest.mark.usefixtures("hostile")
def test_a_page_that_crashes_its_reader_is_reported(extract):
    found = extract({"crash.pdf": pages("one", "two", "crash here", "four")})
    outcome = found.outcomes["crash.pdf"]
    assert (outcome.status, outcome.pages) == (Status.PARTIAL, (3,))
    assert "page 3: crashed its reader (SIGSEGV)" in outcome.message
    assert [each.text for each in found.extraction("crash.pdf").elements] == ["one", "two", "four"]


@pytest.mark.usefixtures("hostile")
def test_every_way_to_fail_in_one_document_costs_its_page_only(extract):
    data = pages("one", "crash here", "three", "hang here", "stumble here", "grow here", "seven")
    found = extract({"all.pdf": data}, seconds=5)
    assert found.outcomes["all.pdf"].pages == (2, 4, 5, 6)
    reasons = [page.reason for page in found.extraction("all.pdf").pages if page.status is PageStatus.FAILED]
    assert [each.split()[0] for each in reasons] == ["crashed", "was", "The", "needs"]


@pytest.mark.usefixtures("hostile")
def test_a_document_of_bad_pages_is_given_up_on(extract):
    found = extract({"bad.pdf": pages("one", *["crash here"] * 40, "last")}, pages_per_task=100)
    outcome = found.outcomes["bad.pdf"]
    assert (outcome.status, len(outcome.pages)) == (Status.PARTIAL, 41)
    assert "given up on" in found.extraction("bad.pdf").pages[-1].reason


def test_the_result_is_the_same_in_one_task_or_in_ranges(extract):
    data = long_document(23)
    whole = extract({"long.pdf": data}).extraction("long.pdf")
    ranges = extract({"long.pdf": data}, pages_per_task=5).extraction("long.pdf")
    assert whole == ranges
    assert {each.page for each in whole.elements if each.type is ElementType.HEADER} == set(range(1, 24))


@pytest.mark.usefixtures("hostile")
def test_a_page_that_fails_in_a_range_costs_no_other(extract):
    texts = [f"text of page {number}" for number in range(1, 31)]
    texts[11] = "crash here"
    found = extract({"long.pdf": pages(*texts)}, pages_per_task=8)
    assert found.outcomes["long.pdf"].pages == (12,)
    assert [each.ordinal for each in found.extraction("long.pdf").elements] == list(range(29))


def test_a_document_with_too_many_pages_is_refused_with_the_limit(extract):
    outcome = extract({"long.pdf": long_document(5_001)}).outcomes["long.pdf"]
    assert (outcome.error, outcome.message) == (
        "LimitExceededError",
        "The PDF has 5001 pages, more than the limit of 5000.",
    )


def test_nothing_is_left_in_the_temporary_folder(extract, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    os.mkdir(tmp_path / "tmp")
    extract({"slow.pdf": mixed([GOOD, GREEDY])})
    assert not [each for each in os.listdir(tmp_path / "tmp") if each.startswith("docmill-")]


def test_forms_that_draw_each_other_are_numbered_one_after_the_other():
    assert len(laughs(b"", 3)) == 13
