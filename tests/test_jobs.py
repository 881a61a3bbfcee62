"""Durable jobs: what is accepted is done once, whoever dies when."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.errors import CorruptDocumentError, MissingObjectError, TransientError
from docmill.jobs import Jobs, JobState, this_process
from docmill.ledger import Ledger
from docmill.store import LocalStore, MemoryStore

ME = this_process()
DEAD = f"{socket.gethostname()}:1:1"
ECHO, TOLD = frozenset({"echo"}), frozenset({"told"})


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def jobs(ledger_url: str, store: MemoryStore) -> Iterator[Jobs]:
    ledger = Ledger(ledger_url)
    yield Jobs(ledger.database, store)
    ledger.close()


def claim(jobs: Jobs, owner: str = ME, limit: int = 10) -> list[str]:
    jobs.recover()
    return [job.job_id for job in jobs.claim(owner, {ECHO: limit}, 60)]


def test_job_is_done_with_its_result(jobs: Jobs):
    job = jobs.submit("echo", {"a": 1}, files={"content": b"x"})
    (taken,) = jobs.claim(ME, {ECHO: 1}, 60)
    assert taken.payload == {"a": 1}
    assert jobs.file(taken, "content") == b"x"
    jobs.finish(taken, ME, b"done")
    found = jobs.find(job.job_id)
    assert found.state is JobState.DONE
    assert jobs.result(found) == b"done"


def test_job_is_claimed_once(jobs: Jobs):
    made = {jobs.submit("echo", {}).job_id for _ in range(3)}
    first, second = claim(jobs, limit=2), claim(jobs, "other:1:1")
    assert len(first) == 2
    assert set(first) | set(second) == made
    assert claim(jobs) == []


def test_other_kinds_are_left(jobs: Jobs):
    jobs.submit("other", {})
    assert claim(jobs) == []


def test_same_work_is_the_same_job(jobs: Jobs):
    first = jobs.submit("echo", {}, work="w")
    assert jobs.submit("echo", {}, work="w").job_id == first.job_id
    assert jobs.submit("echo", {}, work="w", tenant="b").job_id != first.job_id


def test_added_twin_waits_and_shares_the_result(jobs: Jobs):
    first, second = jobs.add("echo", {}, work="w"), jobs.add("echo", {}, work="w")
    (taken,) = jobs.claim(ME, {ECHO: 10}, 60)
    assert taken.job_id == first.job_id
    jobs.finish(taken, ME, b"r")
    (twin,) = jobs.claim(ME, {ECHO: 10}, 60)
    assert twin.job_id == second.job_id
    assert jobs.share(twin) == b"r"


def test_job_of_a_dead_process_is_taken_again(jobs: Jobs):
    job = jobs.submit("echo", {})
    assert claim(jobs, DEAD) == [job.job_id]
    assert claim(jobs) == [job.job_id]


def test_job_of_a_living_process_is_left_until_its_lease_ends(jobs: Jobs):
    job = jobs.submit("echo", {})
    jobs.claim(ME, {ECHO: 1}, 60)
    assert claim(jobs, "other:1:1") == []
    jobs.renew(ME, [job.job_id], -1)
    assert claim(jobs, "other:1:1") == [job.job_id]


def test_attempts_are_bounded(jobs: Jobs):
    job = jobs.submit("echo", {})
    for _ in range(3):
        assert claim(jobs, DEAD) == [job.job_id]
    assert claim(jobs) == []
    found = jobs.find(job.job_id)
    assert found.state is JobState.FAILED
    assert "3 times" in found.message


def test_late_result_of_a_former_owner_is_dropped(jobs: Jobs):
    jobs.submit("echo", {})
    (late,) = jobs.claim(DEAD, {ECHO: 1}, 60)
    jobs.recover()
    (taken,) = jobs.claim(ME, {ECHO: 1}, 60)
    jobs.finish(late, DEAD, b"late")
    assert jobs.find(taken.job_id).state is JobState.RUNNING


def test_permanent_error_fails_and_transient_one_is_tried_later(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("docmill.jobs.work._PAUSES", (600.0,))
    for _ in range(2):
        jobs.submit("echo", {})
    first, second = jobs.claim(ME, {ECHO: 2}, 60)
    jobs.fail(first, ME, CorruptDocumentError("It is damaged.", hint="Mend it."))
    jobs.fail(second, ME, TransientError("It is down."))
    assert (jobs.find(first.job_id).state, jobs.find(first.job_id).hint) == (JobState.FAILED, "Mend it.")
    assert jobs.find(second.job_id).state is JobState.QUEUED
    assert claim(jobs) == []


def test_released_jobs_count_no_attempt(jobs: Jobs):
    jobs.submit("echo", {})
    jobs.claim(ME, {ECHO: 1}, 60)
    assert jobs.release(ME) == 1
    assert jobs.claim(ME, {ECHO: 1}, 60)[0].attempts == 1


def test_cancelled_job_is_not_begun(jobs: Jobs):
    job = jobs.submit("echo", {}, tenant="a")
    assert not jobs.cancel(job.job_id, "b")
    assert jobs.cancel(job.job_id, "a")
    assert claim(jobs) == []


def test_deleted_job_leaves_nothing(jobs: Jobs):
    job = jobs.submit("echo", {}, files={"content": b"x"})
    assert jobs.delete(job.job_id)
    assert jobs.find(job.job_id) is None
    with pytest.raises(MissingObjectError):
        jobs.file(job, "content")


def test_leftovers_of_unknown_jobs_are_swept_once_old(jobs: Jobs, store: MemoryStore, monkeypatch: pytest.MonkeyPatch):
    job = jobs.submit("parse", {}, files={"a": b"1"})
    for name in ("gone-1", "gone-2"):
        store.put(f"jobs/{name}/a", b"1")
    assert jobs.sweep_leftovers() == ""
    assert len(list(store.list("jobs/"))) == 3
    later = time.time() + 10_000_000
    monkeypatch.setattr("docmill.jobs.housekeeping.time.time", lambda: later)
    cursor = jobs.sweep_leftovers(limit=2)
    assert cursor
    jobs.sweep_leftovers(cursor)
    assert [each.key for each in store.list("jobs/")] == [job.key("a")]


def test_nothing_is_swept_before_the_store_has_its_first_object(ledger_url: str, tmp_path: Path):
    ledger = Ledger(ledger_url)
    assert Jobs(ledger.database, LocalStore(tmp_path / "none")).sweep_leftovers() == ""
    ledger.close()


def test_jobs_of_a_higher_priority_are_begun_first(jobs: Jobs):
    made = {name: jobs.add("echo", {}, priority=rank).job_id for name, rank in (("a", 0), ("low", -1), ("high", 1))}
    made["b"] = jobs.add("echo", {}).job_id
    assert claim(jobs, limit=1) == [made["high"]]
    assert claim(jobs) == [made["a"], made["b"], made["low"]]


@pytest.mark.parametrize("end", ["finish", "cancel", "delete"])
def test_job_that_awaits_another_is_begun_when_that_has_ended_or_is_gone(jobs: Jobs, end: str):
    first = jobs.add("echo", {})
    second = jobs.add("told", {}, awaits=first.job_id)
    (taken,) = jobs.claim(ME, {ECHO | TOLD: 10}, 60)
    jobs.fail(taken, ME, TransientError("It is down."))
    assert jobs.claim(ME, {TOLD: 10}, 60) == []
    if end == "finish":
        (again,) = claimed_later(jobs)
        jobs.finish(again, ME, b"r")
    elif end == "cancel":
        jobs.cancel(first.job_id)
    else:
        jobs.delete(first.job_id)
    assert [job.job_id for job in jobs.claim(ME, {TOLD: 10}, 60)] == [second.job_id]


def claimed_later(jobs: Jobs):
    """The jobs that are to be tried again, now."""
    with jobs._database.write() as connection:
        connection.exec_driver_sql("UPDATE service_jobs SET due_at = 0")
    return jobs.claim(ME, {ECHO: 10}, 60)


def test_each_set_of_kinds_has_its_own_number(jobs: Jobs):
    first, second, _ = (jobs.add("echo", {}).job_id for _ in range(3))
    told = jobs.add("told", {}).job_id
    taken = jobs.claim(ME, {ECHO: 2, TOLD: 8}, 60)
    assert {job.job_id for job in taken} == {first, second, told}
    assert all(job == jobs.find(job.job_id) for job in taken)


def test_ended_job_is_given_back_as_it_is_kept(jobs: Jobs):
    jobs.add("echo", {})
    (taken,) = jobs.claim(ME, {ECHO: 1}, 60)
    jobs.report(taken, {"pages": 3})
    ended = jobs.finish(taken, ME, b"r")
    assert ended == jobs.find(taken.job_id)
    assert ended.progress == {"pages": 3}
    assert jobs.fail(taken, ME, TransientError("It has ended before.")) is None


def test_oldest_queued_job_is_told(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    assert jobs.oldest_queued() == 0
    created = jobs.submit("parse", {}).created_at
    monkeypatch.setattr("docmill.jobs.housekeeping.time.time", lambda: created + 7)
    assert jobs.oldest_queued() == pytest.approx(7)


def test_expired_results_are_swept(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    job = jobs.submit("echo", {})
    (taken,) = jobs.claim(ME, {ECHO: 1}, 60)
    jobs.finish(taken, ME, b"r")
    assert jobs.sweep() == 0
    later = time.time() + 200_000
    monkeypatch.setattr(time, "time", lambda: later)
    assert jobs.sweep() == 1
    assert jobs.find(job.job_id) is None
