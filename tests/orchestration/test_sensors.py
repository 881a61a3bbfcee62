"""Sensors: when they start runs, and that none is started twice."""

import os
import threading
import time
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from docmill.batching import form_batches
from docmill.ids import document_id
from docmill.models import ErrorClass, Outcome, Stage, Status
from docmill.plan import make_plan, parts
from docmill.settings import load_settings
from docmill.workspace import Workspace
from orchestration import schedules, sensors
from orchestration.partitions import document_batches
from resources import IndexResource, LedgerResource, ObjectStoreResource, TritonResource, WorkspaceResource

HOUR = 3_600.0

pytestmark = [
    pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run:DeprecationWarning"),  # Dagster's own
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def opened(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The workspace that the sensors open too; it watches the folder, whose files have rested."""
    for name in [name for name in os.environ if name.startswith("DOCMILL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCMILL_HOME", str(home))
    monkeypatch.setenv("DOCMILL_BATCH__SETTLE_SECONDS", "60")
    workspace = Workspace(load_settings())
    workspace.ledger.add_source("default", f"file://{folder}/")
    for path in folder.iterdir():
        rest(path)
    yield workspace
    workspace.close()


def rest(path: Path, seconds: float = HOUR) -> None:
    """The file was written that long ago."""
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def resources() -> dict[str, object]:
    parts = {"store": ObjectStoreResource(), "index": IndexResource(), "ledger": LedgerResource()}
    return {"workspace": WorkspaceResource(**parts, triton=TritonResource())}


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, cursor: str | None = None):
    """What the sensor answers, and its cursor afterwards."""
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources()) as context:
        return sensor(context), context.cursor


def hour(instance: dg.DagsterInstance) -> list[str | None]:
    """The batches that the schedule of every hour asks for."""
    with dg.build_schedule_context(instance=instance, resources=resources()) as context:
        asked = schedules.scheduled_ingest(context)
    return [] if isinstance(asked, dg.SkipReason) else [each.partition_key for each in asked]


def keys(answer: dg.SensorResult | dg.SkipReason) -> list[str]:
    return [] if isinstance(answer, dg.SkipReason) else [each.run_key for each in answer.run_requests]


def test_uploads_that_rested_become_a_run_of_a_batch(opened: Workspace, instance):
    answer, _ = tick(sensors.new_uploads, instance)
    (batch,) = opened.ledger.batches()
    (request,) = answer.run_requests
    assert (request.run_key, request.partition_key, request.tags["docmill/batch"]) == (batch.batch,) * 3
    assert [each.partition_keys for each in answer.dynamic_partitions_requests] == [[batch.batch]]
    assert batch.documents == 2


def test_uploads_that_still_come_are_waited_for(opened: Workspace, instance, folder: Path):
    (folder / "fresh.md").write_text("just now")
    answer, _ = tick(sensors.new_uploads, instance)
    assert isinstance(answer, dg.SkipReason)
    rest(folder / "fresh.md")
    answer, _ = tick(sensors.new_uploads, instance)
    assert len(keys(answer)) == 1


def test_batch_that_is_not_started_is_asked_for_again_under_the_same_key(opened: Workspace, instance):
    """Dagster drops the second request, for it remembers run keys: so a tick that dies loses nothing."""
    first, cursor = tick(sensors.new_uploads, instance)
    second, _ = tick(sensors.new_uploads, instance, cursor)
    assert keys(first) == keys(second)


def add_run(instance, batch: str, status: dg.DagsterRunStatus) -> None:
    run = dg.DagsterRun(job_name="ingest_batch", status=status, tags={"dagster/partition": batch})
    instance.add_run(run)


def test_batch_that_runs_is_not_asked_for_again(opened: Workspace, instance):
    first, _ = tick(sensors.new_uploads, instance)
    add_run(instance, keys(first)[0], dg.DagsterRunStatus.STARTED)
    answer, _ = tick(sensors.new_uploads, instance)
    assert isinstance(answer, dg.SkipReason)


def test_batch_whose_run_died_is_started_again_three_times_in_all(opened: Workspace, instance):
    first, _ = tick(sensors.new_uploads, instance)
    (batch,) = keys(first)
    for number in (1, 2):
        add_run(instance, batch, dg.DagsterRunStatus.FAILURE)
        answer, _ = tick(sensors.new_uploads, instance)
        assert keys(answer) == [f"{batch}-{number}"]
    add_run(instance, batch, dg.DagsterRunStatus.CANCELED)
    answer, _ = tick(sensors.new_uploads, instance)
    assert isinstance(answer, dg.SkipReason)


def test_batches_of_the_command_line_are_left_to_it(opened: Workspace, instance, folder: Path):
    form_batches(opened, "default", make_plan(opened, "default", f"file://{folder}/").pending, runner="cli")
    answer, _ = tick(sensors.new_uploads, instance)
    assert isinstance(answer, dg.SkipReason)


def test_schedule_takes_all_parts_of_a_source_and_new_side_cars(
    opened: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(schedules, "parts", partial(parts, limit=1))
    (folder / "fresh.md").write_text("just now")
    with dg.instance_for_test() as instance:  # a schedule asks for one that others could open
        asked = hour(instance)
        batches = [batch.batch for batch in opened.ledger.batches()]
        assert (len(batches), sorted(asked)) == (3, sorted(batches))
        assert set(instance.get_dynamic_partitions(document_batches.name)) == set(batches)
        (folder / "pumps.md.meta.json").write_text('{"access": ["board"]}')
        assert sorted(hour(instance)) == sorted(batches)
    assert opened.ledger.document(document_id("default", f"file://{folder}/pumps.md")).access == ("board",)


def test_two_ticks_at_once_make_one_batch_of_an_object(opened: Workspace, instance):
    barrier, answers = threading.Barrier(2), []
    scan = sensors.scan

    def slow(*args, **options):
        found = scan(*args, **options)
        barrier.wait(timeout=120)  # both have listed before any has written
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensors, "scan", slow)
        threads = [
            threading.Thread(target=lambda: answers.append(tick(sensors.new_uploads, instance)[0])) for _ in range(2)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(opened.ledger.batches()) == 1
    assert {key for answer in answers for key in keys(answer)} == {opened.ledger.batches()[0].batch}


def test_broken_source_hides_no_other(opened: Workspace, instance, tmp_path: Path):
    opened.ledger.add_source("broken", f"file://{tmp_path}/nothing/")
    answer, _ = tick(sensors.new_uploads, instance)
    assert len(keys(answer)) == 1


def test_broken_source_is_told_where_nothing_else_is(opened: Workspace, instance, folder: Path, tmp_path: Path):
    opened.ledger.remove_source("default", f"file://{folder}/")
    opened.ledger.add_source("broken", f"file://{tmp_path}/nothing/")
    answer, _ = tick(sensors.new_uploads, instance)
    assert "is not a folder" in (answer.skip_message or "")


def test_collections_of_one_source_have_cursors_of_their_own(opened: Workspace, instance, folder: Path, monkeypatch):
    monkeypatch.setattr(sensors, "_LISTED", 1)
    opened.ledger.add_source("second", f"file://{folder}/")
    cursor: str | None = None
    for _ in range(2):
        _, cursor = tick(sensors.new_uploads, instance, cursor)
    for collection in ("default", "second"):
        assert [each.key for each in opened.ledger.documents(collection)] == ["pumps.md", "valves.md"]


def test_overwritten_object_becomes_a_new_batch(opened: Workspace, instance, folder: Path):
    _, cursor = tick(sensors.new_uploads, instance)
    (folder / "pumps.md").write_text("other words")
    rest(folder / "pumps.md")
    tick(sensors.new_uploads, instance, cursor)
    assert [each.documents for each in opened.ledger.batches()] == [2, 1]


def test_side_car_that_changed_alone_changes_the_access_at_the_next_tick(opened: Workspace, instance, folder: Path):
    _, cursor = tick(sensors.new_uploads, instance)
    (folder / "pumps.md.meta.json").write_text('{"access": ["hr"]}')
    _, cursor = tick(sensors.new_uploads, instance, cursor)
    (pumps,) = [each for each in opened.ledger.documents("default") if each.key == "pumps.md"]
    assert pumps.access == ("hr",)


def fail(opened: Workspace, folder: Path, attempts: int, kind: ErrorClass, ago: float = HOUR) -> str:
    """A document of a batch failed that long ago; its batch."""
    (batch,) = form_batches(opened, "default", make_plan(opened, "default", f"file://{folder}/").pending)
    outcome = Outcome(
        document_id=document_id("default", f"file://{folder}/pumps.md"),
        stage=Stage.EXTRACTED_ELEMENTS,
        status=Status.FAILED,
        error_class=kind,
        attempts=attempts,
    )
    with pytest.MonkeyPatch.context() as patch:
        now = time.time()
        patch.setattr("time.time", lambda: now - ago)
        opened.ledger.record([outcome])
    return batch


def test_transient_failure_is_retried_alone(opened: Workspace, instance, folder: Path):
    batch = fail(opened, folder, 1, ErrorClass.TRANSIENT)
    answer, _ = tick(sensors.failed_documents, instance)
    (request,) = answer.run_requests
    ids = [document_id("default", f"file://{folder}/pumps.md")]
    assert request.partition_key == batch
    assert request.run_config == {"resources": {"scope": {"config": {"document_ids": ids}}}}


@pytest.mark.parametrize(
    ("attempts", "kind", "ago"),
    [
        (1, ErrorClass.PERMANENT, HOUR),
        (3, ErrorClass.TRANSIENT, HOUR),
        (1, ErrorClass.TRANSIENT, 30.0),
        (2, ErrorClass.TRANSIENT, 100.0),
    ],
    ids=["permanent", "tried three times", "too early", "too early for the second"],
)
def test_other_failures_are_left(opened: Workspace, instance, folder: Path, attempts, kind, ago):
    fail(opened, folder, attempts, kind, ago)
    answer, _ = tick(sensors.failed_documents, instance)
    assert isinstance(answer, dg.SkipReason)


def test_each_attempt_has_a_run_key_of_its_own(opened: Workspace, instance, folder: Path):
    fail(opened, folder, 1, ErrorClass.TRANSIENT)
    first = keys(tick(sensors.failed_documents, instance)[0])
    assert keys(tick(sensors.failed_documents, instance)[0]) == first
    outcomes = opened.ledger.outcomes([document_id("default", f"file://{folder}/pumps.md")])
    (outcome,) = outcomes.values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: outcome.updated_at)
        opened.ledger.record([outcome.model_copy(update={"attempts": 2})])
    assert keys(tick(sensors.failed_documents, instance)[0]) != first


def test_requested_runs_are_valid(opened: Workspace, instance, folder: Path):
    from orchestration.definitions import defs

    fail(opened, folder, 1, ErrorClass.TRANSIENT)
    (request,) = tick(sensors.failed_documents, instance)[0].run_requests
    assert dg.validate_run_config(defs.resolve_job_def("retry_failed_documents"), request.run_config)


def test_reconcile_looks_at_every_source_though_one_is_refused(
    opened: Workspace, instance, folder: Path, tmp_path: Path
):
    from orchestration.definitions import defs

    opened.ledger.remove_source("default", f"file://{folder}/")
    opened.ledger.add_source("broken", f"file://{tmp_path}/nothing/")
    opened.ledger.add_source("default", f"file://{folder}/")
    result = defs.resolve_job_def("reconcile_bucket").execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert len(opened.ledger.documents("default")) == 2
    assert len(instance.get_dynamic_partitions("document_batches")) == 1
