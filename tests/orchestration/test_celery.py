"""Batches as runs on Celery workers, by the daemon and production's dagster.yaml: a killed worker loses nothing."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import redis
import yaml

from docmill.settings import Settings
from docmill.workspace import Workspace
from tests.conftest import need
from tests.databases import Postgres
from tests.services import BIN, ROOT, free_port, process, wait_for

BATCHES, DOCUMENTS = 2, 3


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The URL of a Redis server with a password."""
    port, password = free_port(), secrets.token_hex(8)
    config = folder / "redis.conf"
    config.write_text(f"port {port}\nbind 127.0.0.1\nrequirepass {password}\ndir {folder}\nsave ''\n")
    with process([need("redis-server", "redis-server"), str(config)], folder / "redis.log", dict(os.environ), folder):
        client = redis.Redis(port=port, password=password)
        wait_for(lambda: _answers(client), "Redis")
        client.close()
        yield f"redis://:{password}@127.0.0.1:{port}"


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def write_instance(home: Path) -> None:
    """deploy/celery/dagster.yaml with shorter pauses."""
    config = yaml.safe_load((ROOT / "deploy/celery/dagster.yaml").read_text())
    config["run_launcher"]["config"]["silence_seconds"] = 2.0
    config["run_monitoring"] |= {"poll_interval_seconds": 1, "free_slots_after_run_end_seconds": 0}
    (home / "dagster").mkdir(parents=True)
    (home / "dagster/dagster.yaml").write_text(yaml.safe_dump(config))


def start_worker(stack: ExitStack, env: dict[str, str], name: str, log: Path) -> subprocess.Popen[bytes]:
    command = [
        str(BIN / "celery"),
        "-A",
        "orchestration.celery_app",
        "worker",
        "--pool",
        "threads",
        "-c",
        "1",
        "-n",
        name,
    ]
    return stack.enter_context(process([*command, "--loglevel", "info"], log, env, grace=2))


def started_run(postgres: Postgres, database: str) -> str:
    """The id of a run that is being worked on, or nothing."""
    if not postgres.execute(database, "SELECT 1 FROM pg_tables WHERE tablename = 'runs'"):
        return ""
    rows = postgres.execute(database, "SELECT run_id FROM runs WHERE status = 'STARTED' ORDER BY id LIMIT 1")
    return rows[0][0] if rows else ""


def ends(postgres: Postgres, database: str) -> dict[str, str]:
    """The status of each run."""
    return {row.run_id: row.status for row in postgres.execute(database, "SELECT run_id, status FROM runs")}


@pytest.mark.timeout(480)
def test_batches_are_worked_on_by_several_workers_though_one_is_killed(
    postgres: Postgres, environment: dict[str, str], home: Path, tmp_path: Path
):
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(BATCHES * DOCUMENTS):
        (documents / f"{number:02}.md").write_text(
            f"# Pump {number}\n\nThe pump P-{number} delivers {number} litres.\n"
        )
    write_instance(home)
    database = postgres.create()
    with ExitStack() as stack:
        broker = stack.enter_context(redis_server(tmp_path))
        env = environment | {
            "DAGSTER_HOME": str(home / "dagster"),
            "CELERY_BROKER_URL": f"{broker}/0",
            "CELERY_RESULT_BACKEND": f"{broker}/1",
            "DOCMILL_LEDGER_URL": postgres.url(database),
            "DOCMILL_WATCH": f'{{"default": "file://{documents}/"}}',
            "DOCMILL_BATCH__DOCUMENTS": str(DOCUMENTS),
            "DOCMILL_BATCH__SETTLE_SECONDS": "0",
            "DOCMILL_SENSOR_SECONDS": "1",
            "DOCMILL_WORKERS__PROCESSES": "1",
        }
        daemon = [str(BIN / "dagster-daemon"), "run", "-w", "workspace.yaml"]
        stack.enter_context(process(daemon, tmp_path / "daemon.log", env, grace=5))
        workers = {name: start_worker(stack, env, f"{name}@t", tmp_path / f"{name}.log") for name in ("w1", "w2", "w3")}
        run = str(wait_for(lambda: started_run(postgres, database), f"a run ({tmp_path})", 180))
        victim = wait_for(lambda: next((n for n in workers if run in (tmp_path / f"{n}.log").read_text()), ""), run)
        os.killpg(workers[str(victim)].pid, signal.SIGKILL)
        with closing(Workspace(Settings(home=home, ledger_url=env["DOCMILL_LEDGER_URL"]))) as opened:
            wait_for(
                lambda: not opened.ledger.unfinished_batches() and opened.ledger.batches(), f"the end ({tmp_path})", 240
            )
            assert opened.ledger.count("default") == BATCHES * DOCUMENTS
            assert opened.ledger.failures() == []
            held = {row.document_id for row in opened.index.held("default", opened.space).values()}
            assert held == {each.document_id for each in opened.ledger.documents("default")}
        wait_for(lambda: list(ends(postgres, database).values()).count("SUCCESS") == BATCHES, "the end of the runs")
    assert ends(postgres, database)[run] == "FAILURE"
