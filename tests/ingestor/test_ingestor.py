"""`Ingestor` in this process: results, failures, files on disk, and the ledger that it shares with everything else."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
