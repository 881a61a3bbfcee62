"""The pipeline: a run works on what is not all right, on nothing else, and keeps what it did."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from docmill import fingerprints, pipeline
from docmill.batching import form_batches
from docmill.config import ChunkConfig, PipelineConfig
from docmill.errors import SystemicError, TransientError, UsageError
from docmill.index import MemoryIndex
from docmill.inference.memory import HashEmbedder
from docmill.models import ErrorClass, Stage, Status
from docmill.pipeline import Scope, run_batch, run_stage
from docmill.plan import make_plan
from docmill.settings import Settings
from docmill.sources import resolve_source
from docmill.stages import WORK, Job, Result, extracted_elements
from docmill.workspace import Workspace
from tests.services import ROOT
from tests.support import again, document, documents, failures, ingest, searchable, worked_on

DATA = ROOT / "tests" / "data"
BOTH = {"pumps.md", "valves.md"}


def wrap(monkeypatch: pytest.MonkeyPatch, stage: Stage, after: int, error: Exception) -> None:
    """The stage raises `error` when it has given `after` results."""

    def work(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
        for number, result in enumerate(WORK[stage](workspace, jobs)):
            if number == after:
                raise error
            yield result

    monkeypatch.setattr(pipeline, "WORK", {**WORK, stage: work})


def test_folder_becomes_searchable(workspace: Workspace, folder: Path):
    reports = ingest(workspace, folder)
    assert worked_on(workspace, reports) == {stage.value: BOTH for stage in Stage}
    assert "40 bar" in searchable(workspace)["valves.md"]
    assert reports[Stage.VECTOR_COLLECTION].ok == 2


def test_second_run_works_on_nothing(workspace: Workspace, folder: Path):
    first = ingest(workspace, folder)
    second = again(workspace)
    assert worked_on(workspace, second) == {}
    assert ingest(workspace, folder) == {}
    for stage in Stage:
        assert second[stage].data_version == first[stage].data_version
        assert second[stage].counts == first[stage].counts


def test_changed_object_alone_is_redone_and_its_old_rows_are_retired(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    (folder / "valves.md").write_text("# Valves\n\nThe valve V-3 closes at 55 bar.\n")
    reports = ingest(workspace, folder)
    assert worked_on(workspace, reports) == {stage.value: {"valves.md"} for stage in Stage}
    assert "55 bar" in searchable(workspace)["valves.md"]
    assert "40 bar" not in searchable(workspace)["valves.md"]
    assert reports[Stage.VECTOR_COLLECTION].counts == {"rows": 2, "retired": 2}  # a passage and the card


def test_touched_object_with_the_same_bytes_is_only_read(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    text = (folder / "valves.md").read_text()
    (folder / "valves.md").unlink()
    (folder / "valves.md").write_text(text)
    assert worked_on(workspace, ingest(workspace, folder)) == {"raw_documents": {"valves.md"}}


def test_deleted_object_is_found_no_more(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    (folder / "valves.md").unlink()
    ingest(workspace, folder)
    assert set(searchable(workspace)) == {"pumps.md"}
    assert [each.key for each in documents(workspace)] == ["pumps.md"]


def test_renamed_object_is_parsed_once(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    before = {info.key: info.etag for info in workspace.store.list("elements/")}
    (folder / "valves.md").rename(folder / "renamed.md")
    ingest(workspace, folder)
    assert set(searchable(workspace)) == {"pumps.md", "renamed.md"}
    assert {info.key: info.etag for info in workspace.store.list("elements/")} == before


def test_bad_documents_fail_alone_with_their_reasons(workspace: Workspace, folder: Path):
    for name in ("encrypted.pdf", "truncated.docx", "zero_bytes.pdf"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    reports = ingest(workspace, folder)
    found = {key: (each.outcome.stage, each.outcome.error) for key, each in failures(workspace).items()}
    assert found == {
        "encrypted.pdf": (Stage.EXTRACTED_ELEMENTS, "EncryptedDocumentError"),
        "truncated.docx": (Stage.EXTRACTED_ELEMENTS, "CorruptDocumentError"),
        "zero_bytes.pdf": (Stage.RAW_DOCUMENTS, "EmptyDocumentError"),
    }
    assert set(searchable(workspace)) == BOTH
    assert all(each.outcome.message and each.outcome.hint for each in failures(workspace).values())
    last = reports[Stage.VECTOR_COLLECTION]
    assert (last.documents, last.ok, last.failed, last.waiting) == (5, 2, 0, 3)


def test_failed_document_alone_is_retried_and_counted(workspace: Workspace, folder: Path):
    (folder / "truncated.docx").write_bytes((DATA / "truncated.docx").read_bytes())
    ingest(workspace, folder)
    reports = again(workspace)
    assert set().union(*worked_on(workspace, reports).values()) == {"truncated.docx"}
    assert failures(workspace)["truncated.docx"].outcome.attempts == 2


def test_mended_document_is_taken_up_by_a_retry(workspace: Workspace, folder: Path):
    (folder / "note.md").write_bytes(b"")
    ingest(workspace, folder)
    assert set(failures(workspace)) == {"note.md"}
    (folder / "note.md").write_text("The note says that pier 4 is closed.")
    again(workspace, Scope(frozenset({document(workspace, "note.md").document_id})))
    assert failures(workspace) == {}
    assert "pier 4" in searchable(workspace)["note.md"]


@pytest.mark.parametrize("stage", list(Stage))
def test_killed_stage_keeps_what_was_done_and_resumes(workspace: Workspace, folder: Path, monkeypatch, stage: Stage):
    (folder / "third.md").write_text("A third document about seals.")
    with monkeypatch.context() as patch:
        wrap(patch, stage, 1, SystemicError("The disk is full."))
        with pytest.raises(SystemicError):
            ingest(workspace, folder)
    done = workspace.ledger.outcomes(each.document_id for each in documents(workspace))
    assert sum(key[1] is stage for key in done) == 1
    assert len(worked_on(workspace, ingest(workspace, folder))[stage.value]) == 2
    assert set(searchable(workspace)) == {*BOTH, "third.md"}


def test_old_version_is_found_until_the_new_one_is_in(workspace: Workspace, folder: Path, monkeypatch):
    ingest(workspace, folder)
    (folder / "valves.md").write_text("The valve V-3 closes at 55 bar.")
    with monkeypatch.context() as patch:
        wrap(patch, Stage.VECTOR_COLLECTION, 0, SystemicError("Milvus is down."))
        patch.setattr(workspace.index, "delete", lambda *_: (_ for _ in ()).throw(SystemicError("Milvus is down.")))
        with pytest.raises(SystemicError):
            ingest(workspace, folder)
    assert "40 bar" in searchable(workspace)["valves.md"]
    ingest(workspace, folder)
    assert "55 bar" in searchable(workspace)["valves.md"]
    assert "40 bar" not in searchable(workspace)["valves.md"]


def test_rows_that_do_not_arrive_fail_their_document(workspace: Workspace, folder: Path, monkeypatch):
    upsert = workspace.index.upsert
    monkeypatch.setattr(
        workspace.index,
        "upsert",
        lambda name, space, rows: upsert(name, space, [row for row in rows if row.source_key.endswith("pumps.md")]),
    )
    ingest(workspace, folder)
    (failed,) = failures(workspace).values()
    assert (failed.document.key, failed.outcome.error_class) == ("valves.md", ErrorClass.TRANSIENT)
    assert "2 of 2 chunks are not in the collection" in failed.outcome.message


def test_scope_narrows_to_its_documents(workspace: Workspace, folder: Path):
    batch = form(workspace, folder)
    pumps = document(workspace, "pumps.md").document_id
    reports = run_batch(workspace, batch, scope=Scope(frozenset({pumps})))
    assert {each for report in reports for each in report.worked_on} == {pumps}
    assert [report.waiting for report in reports] == [1] * len(Stage)


def form(workspace: Workspace, folder: Path) -> str:
    plan = make_plan(workspace, "default", resolve_source(workspace, str(folder)))
    (batch,) = form_batches(workspace, "default", plan.pending)
    return batch


def test_force_works_on_what_is_all_right(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    pumps = document(workspace, "pumps.md").document_id
    reports = again(workspace, Scope(frozenset({pumps}), force=True))
    assert worked_on(workspace, reports) == {stage.value: {"pumps.md"} for stage in Stage}
    assert set(searchable(workspace)) == BOTH


def test_forced_stage_makes_the_later_ones_stale(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    batch = workspace.ledger.batches()[-1].batch
    run_stage(workspace, Stage.CHUNKS, batch, scope=Scope(force=True))
    assert set(worked_on(workspace, again(workspace))) == {"embeddings", "vector_collection"}


def test_new_chunk_settings_rebuild_what_is_downstream_only(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    config = PipelineConfig(chunk=ChunkConfig(max_tokens=16, overlap_tokens=0))
    settings = workspace.settings.model_copy(update={"pipeline": config})
    changed = Workspace(settings, index=workspace.index, embedder=workspace.embedder)
    found = worked_on(changed, again(changed))
    assert set(found) == {"chunks", "embeddings", "vector_collection"}
    held = changed.index.held("default", changed.space)
    assert {row.fingerprint for row in held.values()} == {changed.fingerprints[Stage.EMBEDDINGS]}
    changed.close()


def test_partial_document_is_used_and_its_pages_named(workspace: Workspace, folder: Path, monkeypatch):
    def work(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
        for each in WORK[Stage.EXTRACTED_ELEMENTS](workspace, jobs):
            yield Result(each.document, each.seconds, each.counts, failed_pages=(3, 5))

    monkeypatch.setattr(pipeline, "WORK", {**WORK, Stage.EXTRACTED_ELEMENTS: work})
    reports = ingest(workspace, folder)
    assert (reports[Stage.EXTRACTED_ELEMENTS].partial, reports[Stage.VECTOR_COLLECTION].ok) == (2, 2)
    outcome = failures(workspace)["pumps.md"].outcome
    assert (outcome.status, outcome.pages, outcome.message) == (
        Status.PARTIAL,
        (3, 5),
        "pages that failed or may be incomplete: 3, 5",
    )


def test_same_bytes_under_two_keys_are_parsed_once(workspace: Workspace, folder: Path, monkeypatch):
    """Also where both are in one batch, and several workers read at once."""
    put: list[str] = []
    (folder / "twin.md").write_bytes((folder / "pumps.md").read_bytes())
    run = extracted_elements.Isolated.run

    def counted(pool, tasks):
        put.extend(task.artifact for task in tasks if not (task.reuse and workspace.store.head(task.artifact)))
        yield from run(pool, tasks)

    monkeypatch.setattr(extracted_elements.Isolated, "run", counted)
    ingest(workspace, folder)
    assert len(put) == len(set(put)) == 2
    assert searchable(workspace)["twin.md"] == searchable(workspace)["pumps.md"]
    assert len(list(workspace.store.list("elements/"))) == 2


def test_missing_artifact_costs_its_document_only(workspace: Workspace, folder: Path):
    ingest(workspace, folder)
    pumps = document(workspace, "pumps.md")
    workspace.store.delete(workspace.artifacts.elements_key(pumps, workspace.fingerprints[Stage.EXTRACTED_ELEMENTS]))
    batch = workspace.ledger.batches()[-1].batch
    report = run_stage(workspace, Stage.CHUNKS, batch, scope=Scope(force=True))
    assert (report.ok, report.failed) == (1, 1)
    assert failures(workspace)["pumps.md"].outcome.error == "MissingObjectError"


def test_two_versions_that_work_on_one_batch_read_only_what_they_made(workspace: Workspace, folder: Path, monkeypatch):
    """While machines are upgraded one after the other: a newer reader's elements lie beside those of the older one."""
    batch = form(workspace, folder)
    run_batch(workspace, batch)
    older = {each.key: workspace.store.get(each.key) for each in workspace.store.list("elements/")}
    newer_versions = {**fingerprints.CODE_VERSIONS, Stage.EXTRACTED_ELEMENTS: "next"}
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "CODE_VERSIONS", newer_versions)
        newer = Workspace(workspace.settings, index=workspace.index, embedder=HashEmbedder())
        assert [report.processed for report in run_batch(newer, batch)[1:3]] == [2, 2]
        rows = newer.index.held("default", newer.space)
        assert len({row.document_id for row in rows.values()}) == 2
        newer.close()
    both = {each.key: workspace.store.get(each.key) for each in workspace.store.list("elements/")}
    assert older.items() < both.items()
    assert [report.failed for report in run_batch(workspace, batch)] == [0] * 6
    assert set(searchable(workspace)) == {"pumps.md", "valves.md"}


def test_two_homes_make_the_same_artifacts(folder: Path, tmp_path: Path):
    (folder / "table.csv").write_text("part,price\nP-7,12.5\n")
    (folder / "handbook.pdf").write_bytes((ROOT / "examples/documents/handbook.pdf").read_bytes())
    made = []
    for name in ("one", "two"):
        workspace = Workspace(Settings(home=tmp_path / name), index=MemoryIndex(), embedder=HashEmbedder())
        ingest(workspace, folder)
        folders = ("elements/", "chunks/", "embeddings/", "crops/")
        made.append(
            {info.key: workspace.store.get(info.key) for each in folders for info in workspace.store.list(each)}
        )
        workspace.close()
    assert len(made[0]) >= 12
    assert made[0] == made[1]


def test_document_that_is_gone_before_it_is_read_fails_alone(workspace: Workspace, folder: Path):
    batch = form(workspace, folder)
    (folder / "pumps.md").unlink()
    run_batch(workspace, batch)
    assert failures(workspace)["pumps.md"].outcome.error == "MissingObjectError"
    assert set(searchable(workspace)) == {"valves.md"}


def test_document_that_is_deleted_while_it_is_worked_on_stays_deleted(workspace: Workspace, folder: Path, monkeypatch):
    batch = form(workspace, folder)
    pumps = document(workspace, "pumps.md").document_id

    def work(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[Result]:
        for result in WORK[Stage.RAW_DOCUMENTS](workspace, jobs):
            workspace.ledger.bury([pumps])
            yield result

    monkeypatch.setattr(pipeline, "WORK", {**WORK, Stage.RAW_DOCUMENTS: work})
    run_batch(workspace, batch)
    assert set(searchable(workspace)) == {"valves.md"}
    assert workspace.ledger.outcomes([pumps]) == {}


def test_unknown_batch_is_told(workspace: Workspace):
    with pytest.raises(UsageError, match="There is no batch 'nothing'"):
        run_stage(workspace, Stage.CHUNKS, "nothing")


def test_transient_error_is_kept_as_one(workspace: Workspace, folder: Path, monkeypatch):
    store = workspace.source(f"file://{folder}/")

    def slow(key: str) -> bytes:
        raise TransientError("The store is slow.", hint="It is tried again.")

    monkeypatch.setattr(store, "get", slow)
    ingest(workspace, folder)
    outcome = failures(workspace)["pumps.md"].outcome
    assert (outcome.error_class, outcome.message) == (ErrorClass.TRANSIENT, "The store is slow.")
