"""Isolated workers: whatever a task does costs that task only."""

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from docmill.errors import DocmillError, LimitExceededError, ReaderError, TransientError
from docmill.extract.language import _identifier
from docmill.settings import WorkerLimits
from docmill.stages.extracted_elements import PRELOAD
from docmill.warm import WarmPools
from docmill.workers import Isolated
from tests.services import BIN

ROOT = Path(__file__).parent.parent
LIMITS = WorkerLimits(processes=2, seconds=3, memory_mb=1024)
GOOD = ["one", "two", "three"]


class OddError(Exception):
    """Can be pickled and not unpickled, as the errors of many libraries."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


def work(task: str) -> str:
    if task == "raises":
        raise KeyError("no such font")
    if task == "odd":
        raise OddError("first", "second")
    if task == "local":
        raise type("Local", (Exception,), {})("of a class that no other process knows")
    if task == "exits":
        raise SystemExit(3)
    if task == "refuses":
        raise TransientError("The store is slow.", hint="Wait.", pages=(2,))
    if task == "hangs":
        time.sleep(60)
    if task == "crashes":
        ctypes.string_at(0)
    if task == "dies":
        os._exit(1)
    if task == "imports":
        importlib.import_module("tests.slow_module")
    if task == "eats":
        return str(len([bytes(100_000_000) for _ in range(100)]))
    return task.upper()


def has_language_model(_: str) -> bool:
    return _identifier.cache_info().currsize == 1


def test_workers_have_the_language_model_before_their_first_document():
    limits = WorkerLimits(processes=1, memory_mb=1536)
    with Isolated(has_language_model, limits, PRELOAD) as pool:
        assert [answer for _, answer, _ in pool.run(["any"])] == [True]


def answers(*tasks: str) -> list[str | DocmillError]:
    """The answers in the order of the tasks."""
    with Isolated(work, LIMITS, []) as pool:
        found = {index: answer for index, answer, _ in pool.run(tasks)}
    return [found[index] for index in range(len(tasks))]


@pytest.mark.parametrize(
    ("task", "kind", "words"),
    [
        ("raises", ReaderError, "KeyError: 'no such font'"),
        ("odd", ReaderError, "OddError"),
        ("local", ReaderError, "Local"),
        ("exits", ReaderError, "SystemExit"),
        ("refuses", TransientError, "The store is slow."),
        ("hangs", LimitExceededError, "not read within 3 s"),
        ("crashes", LimitExceededError, "crashed its reader"),
        ("dies", LimitExceededError, "crashed its reader"),
        ("eats", LimitExceededError, "more than 1024 MiB"),
    ],
)
def test_bad_task_costs_itself_only(task: str, kind: type[DocmillError], words: str):
    one, error, *rest = answers("one", task, "two", "three")
    assert [one, *rest] == ["ONE", "TWO", "THREE"]
    assert type(error) is kind
    assert words in str(error)


def test_all_bad_tasks_at_once_cost_no_good_one():
    bad = ["crashes", "odd", "hangs", "dies", "eats", "raises"]
    found = answers(*[task for pair in zip(bad, GOOD * 2, strict=True) for task in pair])
    assert found[1::2] == [task.upper() for task in GOOD * 2]
    assert all(isinstance(each, DocmillError) for each in found[::2])


def test_error_keeps_its_hint_and_pages():
    (error,) = answers("refuses")
    assert isinstance(error, TransientError)
    assert (error.hint, error.pages) == ("Wait.", (2,))


def test_more_tasks_than_workers_are_all_answered():
    assert answers(*(f"task {number}" for number in range(30))) == [f"TASK {number}" for number in range(30)]


def test_no_tasks_give_no_answers():
    assert answers() == []


def test_seconds_are_told():
    with Isolated(work, LIMITS, []) as pool:
        seconds = [each for _, _, each in pool.run(GOOD)]
    assert all(0 <= each < 60 for each in seconds)


def interrupted() -> None:
    with Isolated(work, WorkerLimits(processes=2, seconds=60), []) as pool:
        for _ in pool.run(["one", "hangs"]):
            raise KeyboardInterrupt


def test_error_of_the_caller_stops_the_workers():
    since = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - since < 40


def variable(name: str) -> str:
    return os.environ.get(name, "")


def test_workers_see_the_environment_of_now(monkeypatch: pytest.MonkeyPatch):
    """The fork server has that of its start; credentials may have been set since."""
    for value in ("first", "second"):
        monkeypatch.setenv("OF_NOW", value)
        with Isolated(variable, LIMITS, []) as pool:
            assert [answer for _, answer, _ in pool.run(["OF_NOW"])] == [value]


def worker(_: str) -> int:
    return os.getpid()


def processes(limits: WorkerLimits = LIMITS) -> set[int]:
    with Isolated(worker, limits, []) as pool:
        return {answer for _, answer, _ in pool.run(["x"] * 20) if isinstance(answer, int)}


def test_a_tasks_time_does_not_count_what_its_process_imports_first():
    """The fork server runs already and lacks the module, so the worker imports it, which takes 2 s."""
    limits = LIMITS.model_copy(update={"seconds": 1, "memory_mb": 1023})
    answers("one")
    with Isolated(work, limits, ["tests.slow_module"]) as pool:
        assert [answer for _, answer, _ in pool.run(["imports"])] == ["IMPORTS"]


def test_interrupt_while_the_fork_server_imports_is_the_parents():
    """Ctrl-C reaches all processes of a terminal's command; the one that has no say prints nothing."""
    program = (
        "from tests.test_workers import *\n"
        "pool = Isolated(work, LIMITS, ['tests.slow_module'])\n"
        "print('begun', flush=True)\n"
        "try:\n"
        "    list(pool.run(['hangs']))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], stdout=-1, stderr=-1, text=True, start_new_session=True, cwd=ROOT
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "begun\n"
    time.sleep(1)
    os.killpg(started.pid, signal.SIGINT)
    assert started.communicate(timeout=60) == ("interrupted\n", "")


def test_processes_are_those_of_the_user_before():
    one = WorkerLimits(processes=1)
    assert processes(one) == processes(one)


def test_two_users_at_once_share_the_processes():
    one = WorkerLimits(processes=1)
    with Isolated(worker, one, []) as pool:
        assert processes(one) == {answer for _, answer, _ in pool.run(["x"])}


def test_only_the_last_used_processes_wait():
    first = processes(WorkerLimits(processes=1))
    processes(WorkerLimits(processes=2))
    assert processes(WorkerLimits(processes=1)) != first


def test_a_closed_pool_ends_what_runs_in_it_and_begins_nothing():
    pool = Isolated(work, WorkerLimits(processes=1, seconds=60), [])
    threading.Timer(1, pool.close).start()
    ((_, answer, _),) = pool.run(["hangs"])
    assert isinstance(answer, TransientError)
    with pytest.raises(TransientError, match="stopped"):
        next(pool.run(["one"]))


def test_idle_processes_end_by_themselves():
    pools = WarmPools(idle_seconds=0.1)
    warm = pools.take(1, 1024, [])
    found = warm.pool.schedule(os.getpid).result()
    pools.give_back(warm)
    for _ in range(100):
        if not Path(f"/proc/{found}").exists():
            return
        time.sleep(0.1)
    pytest.fail("the worker still runs")


def test_workers_that_were_killed_while_idle_are_replaced():
    with Isolated(worker, LIMITS, []) as pool:
        ((_, first, _),) = pool.run(["one"])
        assert isinstance(first, int)
        os.kill(first, signal.SIGKILL)
        time.sleep(0.5)
        assert all(isinstance(answer, int) for _, answer, _ in pool.run(["one", "two"]))


def test_processes_that_cannot_begin_end_the_work_instead_of_holding_it_up():
    limits = WorkerLimits(processes=8, seconds=3, memory_mb=1024)
    for _ in range(3):  # pebble may forget tasks that come while it breaks
        try:
            with Isolated(work, limits, ["docmill.no_such_module"]) as pool:
                assert all(isinstance(answer, DocmillError) for _, answer, _ in pool.run(GOOD * 8))
        except TransientError:
            continue


def test_workers_import_nothing_from_the_current_folder(tmp_path: Path):
    for name in ("docmill", "pymupdf", "resource"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("import os; open('imported', 'a').write(__name__)")
    (tmp_path / "note.md").write_text("# Pumps\n\nThe pump P-7 delivers 12.5 litres a minute.\n")
    command = [BIN / "docmill", "ingest", "note.md", "--runner", "library"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "imported").exists()
