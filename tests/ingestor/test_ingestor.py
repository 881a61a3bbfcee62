"""`Ingestor` in this process: results, failures, files on disk, and the ledger that it shares with everything else."""

import base64
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docmill import Ingestor
from docmill.config import ExtractConfig, Mode, PipelineConfig
from docmill.errors import SourceError, UsageError
from docmill.models import Stage
from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.ingestor.conftest import PAGES
from tests.support import ingest, worked_on


def texts(elements) -> list[str]:
    return [each["metadata"]["content"] for each in elements if each["document_type"] == "text"]


def test_pages_of_a_pdf(papers, ingestor):
    (elements,) = ingestor("alpha.pdf").extract(text_depth="page").ingest()
    assert texts(elements) == PAGES
    assert [each["metadata"]["content_metadata"]["page_number"] for each in elements] == [1, 2]


def test_results_and_failures_name_the_documents(papers, ingestor):
    made = ingestor().files(["alpha.pdf", "broken.pdf", "notes.md"]).extract()
    results, failures, traces = made.ingest(return_failures=True, return_traces=True)
    names = [each[0]["metadata"]["source_metadata"]["source_name"] for each in results]
    assert (names, len(traces)) == (["alpha.pdf", "notes.md"], 2)
    assert failures[0][0] == "1:broken.pdf"
    assert made.get_status() == {"alpha.pdf": "completed", "broken.pdf": "failed", "notes.md": "completed"}
    assert (made.completed_jobs(), made.failed_jobs(), made.remaining_jobs()) == (2, 1, 0)


def test_buffers_folders_and_async(papers, ingestor):
    data = io.BytesIO(Path("notes.md").read_bytes())
    made = ingestor().buffers([("b.md", data)]).files(str(papers)).extract()
    results, failures = made.ingest_async(return_failures=True).result(60)
    assert (len(results), len(failures)) == (3, 1)
    assert "marmot" in texts(results[0])[0]


def test_missing_file_and_bad_options_are_refused_at_once(papers, ingestor):
    with pytest.raises(SourceError):
        ingestor().files("nowhere.pdf")
    with pytest.raises(UsageError):
        ingestor().split(chunk_size=100)
    with pytest.raises(UsageError):
        ingestor().udf("print()")


def test_saved_results_are_read_when_looked_at_and_go_with_the_block(papers, ingestor):
    with ingestor().files(["alpha.pdf", "notes.md"]).extract(text_depth="page").save_to_disk("./out") as made:
        first, second = made.ingest()
        assert sorted(os.listdir("out")) == ["alpha.pdf.results.jsonl.gz", "notes.md.results.jsonl.gz"]
        assert (len(first), first[-1]["metadata"]["content"], texts(first[0:1])) == (2, PAGES[1], PAGES[:1])
        assert second.get_all_items() == list(second)
    assert not os.path.exists("out")


def test_upload_is_all_or_nothing_unless_failures_are_asked_for(papers, settings: Settings, ingestor):
    made = ingestor().files(["alpha.pdf", "broken.pdf"]).extract().vdb_upload(collection_name="zoo")
    with pytest.raises(RuntimeError, match=r"broken\.pdf"):
        made.ingest()
    workspace = Workspace(settings)
    assert workspace.index.held("zoo", workspace.space) == {}
    made.ingest(return_failures=True)
    held = workspace.index.held("zoo", workspace.space)
    workspace.close()
    assert len({each.document_id for each in held.values()}) == 1


def test_own_vector_database_gets_the_results_and_saved_ones_are_purged(papers, ingestor):
    class Recorder:
        def run(self, records):
            self.lengths = [len(each) for each in records]

    recorder = Recorder()
    ingestor("alpha.pdf").extract(text_depth="page").save_to_disk("./out").vdb_upload(vdb_op=recorder).ingest()
    assert (recorder.lengths, os.listdir("out")) == ([2], [])


def test_what_the_ingestor_read_is_not_read_again(papers, settings: Settings, ingestor):
    ingestor().files(["alpha.pdf", "notes.md", "broken.pdf"]).extract().ingest()
    workspace = Workspace(settings)
    outcomes = workspace.ledger.outcomes([each.document_id for each in workspace.ledger.documents("default")])
    reports = ingest(workspace, papers)
    assert worked_on(workspace, reports)["chunks"] == {"alpha.pdf", "notes.md"}
    after = workspace.ledger.outcomes([key for key, _ in outcomes])
    workspace.close()
    again = [key for key, each in outcomes.items() if after[key].updated_at != each.updated_at and not each.error]
    assert [stage for _, stage in again if stage is Stage.EXTRACTED_ELEMENTS] == []


def test_importing_docmill_is_cheap():
    code = "import docmill, sys; print({'pydantic', 'pymupdf', 'numpy', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_text_alone_in_mode_fast_is_read_without_extraction(papers, settings: Settings):
    fast = settings.model_copy(update={"pipeline": PipelineConfig(extract=ExtractConfig(mode=Mode.FAST))})
    made = Ingestor(["alpha.pdf", "broken.pdf"], settings=fast)
    wanted = {"extract_tables": False, "extract_charts": False, "extract_images": False}
    (elements,), failures = made.extract(text_depth="page", **wanted).ingest(return_failures=True)
    assert (texts(elements), failures[0][0]) == (PAGES, "1:broken.pdf")
    workspace = Workspace(fast)
    stages = {stage for _, stage in workspace.ledger.outcomes(_ids(workspace))}
    workspace.close()
    assert stages == {Stage.RAW_DOCUMENTS}


def _ids(workspace: Workspace) -> list[str]:
    return [each.document_id for each in workspace.ledger.documents("default")]


def one(ingestor, name: str, **wanted):
    (elements,) = ingestor(name).extract(**wanted).ingest()
    return list(elements)


def test_method_ocr_reads_the_page_and_not_its_text(papers, ingestor):
    """What is said and what is seen differ: the text layer is laid over another picture."""
    with pymupdf.open() as document:
        document.new_page(width=300, height=100).insert_text((20, 50), "SEEN 4711", fontsize=30)
        picture = document[0].get_pixmap(dpi=200).tobytes("png")
    with pymupdf.open() as document:
        page = document.new_page(width=600, height=300)
        page.insert_image(pymupdf.Rect(0, 0, 300, 100), stream=picture)
        page.insert_text((60, 200), "said and written here, a good text layer of its own", fontsize=18)
        document.save(papers / "two.pdf")
    told = {
        method: one(ingestor, "two.pdf", extract_method=method)[0]["metadata"]["content"] for method in ("ocr", None)
    }
    assert ("4711" in told["ocr"], "text layer" in told["ocr"]) == (True, True)
    assert "said and written here, a good text layer of its own" in str(told[None])


def test_tables_of_documents_without_pages_have_pictures(papers, ingestor):
    (papers / "t.html").write_text(
        "<h1>A</h1><table><tr><th>Part</th><th>Qty</th></tr><tr><td>Flange</td><td>7</td></tr></table>"
    )
    (table,) = [each for each in one(ingestor, "t.html") if each["document_type"] == "structured"]
    assert base64.b64decode(table["metadata"]["content"])[:4] == b"\x89PNG"


def test_drawings_and_frames_are_whole_pictures(papers, ingestor):
    (papers / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text y="15">A</text></svg>'
    )
    red, blue = (Image.new("RGB", (50, 40), colour) for colour in ("red", "blue"))
    red.save(papers / "m.tiff", save_all=True, append_images=[blue])
    for name, pages in {"a.svg": [1], "m.tiff": [1, 2]}.items():
        pictures = [each for each in one(ingestor, name) if each["document_type"] == "image"]
        assert [each["metadata"]["content_metadata"]["page_number"] for each in pictures] == pages


@pytest.mark.parametrize("name", ["a.png", "a.mp3", "a.pptx"])
def test_plain_text_under_another_name_is_no_success(papers, ingestor, name: str):
    (papers / name).write_bytes(b"nothing of the kind")
    results, ((_, why),) = ingestor(name).extract().ingest(return_failures=True)
    assert (results, "plain text" in why) == ([], True)


def test_documents_in_archives_are_read(papers, ingestor):
    with zipfile.ZipFile(papers / "all.zip", "w") as archive:
        for name in ("alpha.pdf", "notes.md", "broken.pdf"):
            archive.write(papers / name, f"in/{name}")
    elements = one(ingestor, "all.zip", text_depth="page")
    named = [(each["document_type"], each["metadata"]["source_metadata"]["source_name"]) for each in elements]
    assert named == [("text", "all.zip!/in/alpha.pdf")] * 2 + [
        ("text", "all.zip!/in/notes.md"),
        ("info_message", "all.zip!/in/broken.pdf"),
    ]
    assert texts(elements)[:2] == PAGES


def test_archive_without_a_readable_document_fails(papers, ingestor):
    with zipfile.ZipFile(papers / "bad.zip", "w") as archive:
        archive.write(papers / "broken.pdf", "broken.pdf")
    results, failures = ingestor("bad.zip").extract().ingest(return_failures=True)
    assert (results, [name for name, _ in failures]) == ([], ["0:bad.zip"])
