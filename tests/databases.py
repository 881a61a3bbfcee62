"""Database servers that tests start by themselves: PostgreSQL from the system's package, Milvus from PyPI's."""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.services import ROOT, answers, free_port, process, wait_for
from tests.venvs import locked_python

MILVUS_LOCK = ROOT / "tests/milvus.lock"
MILVUS_ROOT = "root:Milvus"
"""The user and password that a new Milvus server has."""


def postgres_programs() -> Path | None:
    """The folder of initdb and postgres, newest version first; Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL with one superuser, whose password holds what a URL must escape."""

    port: int
    pid: int
    user: str = "docmill"
    password: str = "p@ss/w:rd%1"

    def url(self, database: str, **changed: object) -> str:
        """The SQLAlchemy URL of a database."""
        made = sa.URL.create("postgresql+psycopg2", self.user, self.password, "127.0.0.1", self.port, database)
        return made.set(**changed).render_as_string(hide_password=False)

    def create(self) -> str:
        """The name of a new, empty database."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return name

    def execute(self, database: str, statement: str) -> list[sa.Row]:
        """The rows of one statement of a superuser, outside any transaction."""
        engine = sa.create_engine(self.url(database), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            result = connection.execute(sa.text(statement))
            return list(result) if result.returns_rows else []


def _unprivileged() -> dict[str, object]:
    """How a server that refuses to run as root is started: as another user where the tests run as root."""
    if os.geteuid() != 0:
        return {}
    names = {each.pw_name for each in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def postgres_server(programs: Path) -> Iterator[Postgres]:
    """A PostgreSQL of its own on a free port of this machine, gone with its data at the end."""
    port, identity = free_port(), _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="docmill-postgres-"))
    try:
        server = Postgres(port, 0)
        (folder / "password").write_text(server.password)
        if identity:
            for path in (folder, folder / "password"):
                os.chown(path, identity["user"], identity["group"])
        data = folder / "data"
        begin = [programs / "initdb", "-D", data, "-U", server.user, "-A", "scram-sha-256", "--no-sync"]
        begin += [f"--pwfile={folder / 'password'}", "-E", "UTF8", "--locale=C"]
        subprocess.run(begin, check=True, capture_output=True, cwd=folder, **identity)
        settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        settings += ["shared_buffers=16MB", "synchronous_commit=off", "deadlock_timeout=200ms"]
        command = [programs / "postgres", "-D", data, "-p", str(port)]
        command += [part for each in settings for part in ("-c", each)]
        with (folder / "log").open("wb") as log:
            started = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True, **identity)
        try:
            server = Postgres(port, started.pid)
            wait_for(lambda: _accepts(server) or started.poll() is not None, "PostgreSQL")
            assert started.poll() is None, (folder / "log").read_text()
            yield server
        finally:
            started.send_signal(signal.SIGINT)
            started.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _accepts(server: Postgres) -> bool:
    try:
        return server.execute("postgres", "SELECT 1") == [(1,)]
    except sa.exc.OperationalError:
        return False


@contextmanager
def pgbouncer_server(program: str, server: Postgres, config: str) -> Iterator[Postgres]:
    """The server behind a PgBouncer with this configuration, but for its port and its file of users."""
    port, identity = free_port(), _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="docmill-pgbouncer-"))
    try:
        (folder / "userlist.txt").write_text(f'"{server.user}" "{server.password}"\n')
        config = config.replace("/etc/pgbouncer/secret", str(folder)).replace(
            "listen_port = 6432", f"listen_port = {port}"
        )
        (folder / "pgbouncer.ini").write_text(config)
        if identity:
            for path in (folder, *folder.iterdir()):
                os.chown(path, identity["user"], identity["group"])
        with (folder / "log").open("wb") as log:
            command = [program, folder / "pgbouncer.ini"]
            started = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True, **identity)
        try:
            pooled = Postgres(port, started.pid, server.user, server.password)
            wait_for(lambda: _accepts(pooled) or started.poll() is not None, "PgBouncer")
            assert started.poll() is None, (folder / "log").read_text()
            yield pooled
        finally:
            started.terminate()
            started.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def milvus_program(folder: Path) -> Path:
    """The command of Milvus 2.3.5 in a virtual environment of its own: it shares no dependency with docmill.

    The environment is made once and kept in `folder`.
    """
    return locked_python(folder, MILVUS_LOCK).with_name("milvus-server")


@contextmanager
def milvus_server(program: Path, folder: Path) -> Iterator[str]:
    """The URL of a Milvus server of version 2.3.5, which knows no words (no sparse vectors, no BM25).

    It lets in only who has a password; the first user is MILVUS_ROOT.
    """
    with (Path(tempfile.gettempdir()) / "docmill-tests-milvus.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        port, log = free_port(), folder / "milvus.log"
        wait_for(lambda: not answers(2380), "the port 2380, which every embedded Milvus server of a machine wants", 120)
        command = [str(program), "--data", str(folder / "data"), "--proxy-port", str(port)]
        command += ["--authorization-enabled", "true"]
        with process(command, log, dict(os.environ) | {"PYTHONUNBUFFERED": "1"}, folder) as started:
            try:
                wait_for(lambda: "Ctrl+C" in log.read_text() or started.poll() is not None, f"Milvus (log: {log})", 60)
                assert started.poll() is None, log.read_text()
                yield f"http://127.0.0.1:{port}"
            finally:
                # it takes its time to end, and outlives the command that began it
                os.killpg(started.pid, signal.SIGKILL)
