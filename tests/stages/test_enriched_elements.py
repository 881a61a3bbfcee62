"""Pictures are described and personal data is taken out before chunks are made; a failing server loses nothing."""

import io
from pathlib import Path

import pytest
from docx import Document as Docx
from PIL import Image

from docmill.config import CaptionConfig, EnrichConfig, ExtractConfig, Mode, PipelineConfig, RedactConfig
from docmill.explain import explain
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.models import ElementType, ErrorClass, Stage, Status
from docmill.retrieve import search
from docmill.settings import BatchLimits, Settings
from docmill.workspace import Workspace
from tests.extract.test_picture_kinds import lying_bars
from tests.media_server import KEY, MediaServer, media_server
from tests.support import again, document, failures, ingest, searchable, worked_on

NOTHING, PLAIN = RedactConfig(), ExtractConfig()


@pytest.fixture
def server():
    with media_server() as started:
        yield started


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a document that holds one red picture twice and a green one."""
    folder = tmp_path / "documents"
    folder.mkdir()
    docx = Docx()
    docx.add_heading("Pump P-7", 1)
    docx.add_paragraph("The housing is cast. Questions to anna@example.com.")
    for colour in ("red", "red", "green"):
        picture = io.BytesIO()
        Image.new("RGB", (120, 80), colour).save(picture, "PNG")
        docx.add_picture(picture)
    docx.save(folder / "manual.docx")
    return folder


def fingerprint(workspace: Workspace) -> str:
    return workspace.fingerprints[Stage.ENRICHED_ELEMENTS]


def opened(
    home: Path, server: MediaServer | None = None, redact: RedactConfig = NOTHING, extract=PLAIN, **caption
) -> Workspace:
    if server is not None:
        caption = {"url": server.url, "model": "eyes-1", "api_key": KEY, "context": 300} | caption
    enrich = EnrichConfig(caption=CaptionConfig(**caption), redact=redact)
    pipeline = PipelineConfig(extract=extract, enrich=enrich)
    settings = Settings(home=home, batch=BatchLimits(settle_seconds=0), pipeline=pipeline)
    return Workspace(settings, index=MemoryIndex(), embedder=HashEmbedder())


def test_without_settings_nothing_is_kept(workspace, folder):
    reports = ingest(workspace, folder)
    assert reports[Stage.ENRICHED_ELEMENTS].ok == 2
    assert not list(workspace.store.list("enriched/"))


def test_pictures_are_described_with_their_context_and_found(home, server, pictures):
    workspace = opened(home, server)
    report = ingest(workspace, pictures)[Stage.ENRICHED_ELEMENTS]
    assert report.counts == {"enriched": 1, "pictures": 2, "captions": 2}
    assert server.models == ["eyes-1"] * 2
    assert all("Pump P-7" in prompt and "The housing is cast" in prompt for prompt in server.prompts)
    assert "A mostly red picture, 120 by 80 pixels." in searchable(workspace)["manual.docx"]
    hit = search(workspace, "mostly green picture", collection="default")[0]
    assert explain(workspace, "default", hit.chunk_id).proven


def test_same_picture_is_described_once_for_the_same_question(home, server, pictures):
    (pictures / "copy.docx").write_bytes((pictures / "manual.docx").read_bytes() + b"\0")
    workspace = opened(home, server, context=0)
    ingest(workspace, pictures)
    assert len(server.prompts) == 2


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.ACCURATE])
def test_a_chart_gets_its_data_from_the_server(home, server, tmp_path, mode: Mode):
    """In mode auto nothing tells that the picture is a chart but the table that the server answers."""
    folder, drawn, docx = tmp_path / "documents", io.BytesIO(), Docx()
    folder.mkdir()
    lying_bars().save(drawn, "PNG")
    docx.add_paragraph("Sales of the year.")
    docx.add_picture(drawn)
    docx.save(folder / "sales.docx")
    workspace = opened(home, server, extract=ExtractConfig(mode=mode))
    ingest(workspace, folder)
    kept = workspace.artifacts.enriched(document(workspace, "sales.docx"), fingerprint(workspace))
    chart = kept.elements[1]
    assert (chart.type, chart.table.grid()[0]) == (ElementType.CHART, ["colour", "share"])
    assert "note" not in chart.metadata
    assert ("This is a chart" in server.prompts[0]) == (mode is Mode.ACCURATE)


def test_failing_server_keeps_the_picture_and_is_asked_again(home, server, pictures):
    workspace = opened(home, server)
    server.failing = 503
    report = ingest(workspace, pictures)[Stage.ENRICHED_ELEMENTS]
    (failure,) = failures(workspace).values()
    assert (report.partial, failure.outcome.status) == (1, Status.PARTIAL)
    assert failure.outcome.error_class is ErrorClass.TRANSIENT
    assert "2 of 2 pictures were not described" in failure.outcome.message
    assert "Pump P-7" in searchable(workspace)["manual.docx"]
    server.failing = 0
    assert worked_on(workspace, again(workspace))["enriched_elements"] == {"manual.docx"}
    assert "mostly red" in searchable(workspace)["manual.docx"]
    assert not failures(workspace)


def test_wrong_key_is_no_passing_failure(home, server, pictures):
    workspace = opened(home, server, api_key="wrong")
    ingest(workspace, pictures)
    (failure,) = failures(workspace).values()
    assert failure.outcome.error_class is ErrorClass.PERMANENT
    assert "Set the model's api_key" in failure.outcome.hint


def test_another_prompt_makes_no_element_anew(home, server, pictures):
    ingest(opened(home, server), pictures)
    workspace = opened(home, server, prompt="What colour is it?")
    reports = ingest(workspace, pictures)
    assert set(worked_on(workspace, reports)) >= {"enriched_elements", "chunks"}
    assert "extracted_elements" not in worked_on(workspace, reports)
    assert server.prompts[-1].startswith("What colour is it?")


def test_pictures_beyond_the_limit_are_told(home, server, pictures):
    workspace = opened(home, server, max_pictures=1)
    ingest(workspace, pictures)
    assert (
        "1 of 2 pictures were not described: more than are allowed"
        in failures(workspace)["manual.docx"].outcome.message
    )


def test_personal_data_is_neither_in_the_index_nor_in_chunks(home, pictures):
    workspace = opened(home, redact=RedactConfig(kinds=("email",)))
    report = ingest(workspace, pictures)[Stage.ENRICHED_ELEMENTS]
    assert report.counts["redacted_email"] == 1
    assert "Questions to [email]." in searchable(workspace)["manual.docx"]
    hit = search(workspace, "Questions", collection="default")[0]
    assert explain(workspace, "default", hit.chunk_id).proven
    kept = workspace.artifacts.enriched(
        document(workspace, "manual.docx"), workspace.fingerprints[Stage.ENRICHED_ELEMENTS]
    )
    assert "anna@" not in kept.model_dump_json()
    assert kept.metadata["redacted"] == "email: 1"


def test_language_is_searchable(workspace, tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "pumpe.md").write_text("Die Pumpe fördert zwölf Liter je Minute und muss jedes Jahr geölt werden.\n")
    (folder / "pump.md").write_text("The pump delivers twelve litres a minute and must be oiled every year.\n")
    ingest(workspace, folder)
    held = workspace.index.held("default", workspace.space)
    rows = workspace.index.rows("default", workspace.space, list(held))
    assert {(row.source_key.rpartition("/")[2], row.metadata["language"]) for row in rows} == {
        ("pumpe.md", "de"),
        ("pump.md", "en"),
    }
