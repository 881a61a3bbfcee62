"""The ledger's database: SQLite in a file, or PostgreSQL at a URL; its errors become docmill's.

On SQLite a write transaction takes the write lock at its beginning, so writers wait for each other instead of failing
half-way. On PostgreSQL a transaction that the server rolled back for a deadlock says so by an error of its own: nothing
of it has happened, so the whole of it may be done again.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from docmill.errors import ConfigError, SystemicError

_BUSY_SECONDS = 60
_CONNECT_SECONDS = 10
_CACHE_KIB = 16_384
"""Pages that a connection to SQLite keeps: a batch touches thousands, and the default holds five hundred."""
_LOG_BYTES = 64 << 20
"""What SQLite's log is cut to once a long transaction has made it longer."""
_ROLLED_BACK = {"40001", "40P01"}
"""SQLSTATEs of a serialization failure and a deadlock: the transaction has been undone and can be done again."""
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)

_P = ParamSpec("_P")
_R = TypeVar("_R")


class RolledBackError(SystemicError):
    """The database undid a transaction that got in another's way."""


def again(transaction: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, done again where the database rolled it back; it must be one transaction and nothing else."""

    @functools.wraps(transaction)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        for pause in _PAUSES:
            try:
                return transaction(*args, **kwargs)
            except RolledBackError:
                time.sleep(pause * random.uniform(0.5, 1.5))
        return transaction(*args, **kwargs)

    return call


class Database:
    """Transactions on the database at a SQLAlchemy URL; nothing is connected before the first one."""

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.name = parsed.set(query={}).render_as_string(hide_password=True)
        try:
            self.engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"The ledger at {self.name} needs the Python package {error.name}, which is not installed.",
                hint="pip install 'docmill[postgres]'",
            ) from None
        except OSError as error:
            raise SystemicError(
                f"The folder of the ledger cannot be made: {error.strerror}: {error.filename}.",
                hint="Set DOCMILL_HOME to a folder that you may write.",
            ) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; it is committed at the end."""
        with self._explained(), self.engine.connect().execution_options(write=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._explained(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that sees the database as it is at its first look, however long it lasts."""
        options: dict[str, object] = {} if self._on_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._explained(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @property
    def _on_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """No connection is left open."""
        self.engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            state = getattr(error.orig, "pgcode", None)
            if state in _ROLLED_BACK:
                message = f"The ledger at {self.name} was too busy: a transaction was rolled back time and again."
                raise RolledBackError(message, hint="Run it again.") from error
            message = f"The ledger at {self.name} cannot be used: {_reason(error)}."
            raise SystemicError(message, hint="Check that it runs and lets you in, then run again.") from error


def _parsed(url: str) -> URL:
    hint = "Give DOCMILL_LEDGER_URL as postgresql+psycopg2://user:password@host:port/database."
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        parsed.get_dialect()
    except ModuleNotFoundError:
        return parsed
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ValueError):
        raise ConfigError("The ledger's URL is not a SQLAlchemy URL.", hint=hint) from None
    if "@" in (parsed.database or "") or "@" in (parsed.host or ""):  # the rest of a password: it is not repeated
        hint = "Write @ : / and % in its user and password as %40 %3A %2F %25."
        raise ConfigError("The ledger's URL cannot be taken apart.", hint=hint)
    if backend not in ("sqlite", "postgresql"):
        raise ConfigError(f"The ledger cannot be kept in {backend}: only SQLite and PostgreSQL.", hint=hint)
    return parsed


def _reason(error: sa.exc.DBAPIError) -> str:
    """The driver's first line, without a full stop."""
    lines = str(error.orig).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__


def _sqlite(url: URL) -> Engine:
    """An engine whose write transactions take the write lock at once (SQLite's default takes it too late)."""
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection, _record) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        connection.isolation_level = None
        _set_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _set_wal(connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """The file is in WAL mode. SQLite does not wait for a lock when it changes the mode, so it is tried again."""
    import sqlite3

    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _postgresql(url: URL) -> Engine:
    """An engine that tests a connection before it is used, so that a restart of the server costs nothing."""
    given = {"connect_timeout": _CONNECT_SECONDS, "application_name": "docmill"}
    arguments = {name: value for name, value in given.items() if name not in url.query}
    return sa.create_engine(url, pool_pre_ping=True, connect_args=arguments)
