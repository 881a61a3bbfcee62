"""The whole ledger as one file, and back: JSON lines in zstd, the same of SQLite and of PostgreSQL.

The file is one snapshot of the database, taken while work goes on. It is restored into an empty database of either kind
with the schema that it was made with, which is brought up to date afterwards as any older ledger is.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
import zstandard
from sqlalchemy.engine import Connection

from docmill import ledger as _ledger  # its tables are part of the metadata
from docmill.database import Database
from docmill.errors import CorruptDocumentError, UsageError
from docmill.ledger import Ledger
from docmill.migrations import HEAD, migrate_empty_to

_FORMAT = "docmill ledger 1"
_ROWS = 1_000
_LARGEST_LINE = 1 << 28


def back_up(database: Database, file: Path) -> dict[str, int]:
    """The file holds all tables; how many rows of each. Raises UsageError where the file cannot be made or is there."""
    counts: dict[str, int] = {}
    written = file.with_name(f".{file.name}.part")
    try:
        if file.exists():
            raise UsageError(f"{file} is there already.", hint="Name another file, or remove it.")
        with written.open("wb") as raw, zstandard.ZstdCompressor(level=3).stream_writer(raw) as out:
            _line(out, {"format": _FORMAT, "schema": HEAD})
            with database.snapshot() as connection:
                for table in _ledger.metadata.sorted_tables:
                    counts[table.name] = _write_table(connection, table, out)
            _line(out, {"end": counts})
        written.rename(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", hint="Check the folder.") from error
    finally:
        with suppress(OSError):  # a folder that cannot be written to has no part of a file either
            written.unlink()
    return counts


def _write_table(connection: Connection, table: sa.Table, out: zstandard.ZstdCompressionWriter) -> int:
    names = [column.name for column in table.columns]
    _line(out, {"table": table.name, "columns": names})
    rows = 0
    result = connection.execution_options(yield_per=_ROWS).execute(sa.select(table))
    for part in result.partitions():
        out.write("".join(json.dumps(list(row), ensure_ascii=True) + "\n" for row in part).encode())
        rows += len(part)
    return rows


def _line(out: zstandard.ZstdCompressionWriter, value: object) -> None:
    out.write((json.dumps(value) + "\n").encode())


def restore(url: str, file: Path) -> dict[str, int]:
    """The empty ledger at the URL holds what the backup does; how many rows of each table. All of it, or nothing.

    Raises UsageError for a ledger with rows, and CorruptDocumentError for a file that is no backup or not whole.
    """
    database = Database(url)
    try:
        lines = _lines(file)
        head = next(lines, None)
        if not isinstance(head, dict) or head.get("format") != _FORMAT:
            raise _broken(file)
        with database.write() as connection:
            migrate_empty_to(connection, database.name, str(head.get("schema")))
            counts = _read_tables(connection, lines, file)
    finally:
        database.close()
    Ledger(url).close()  # from the backup's schema to this docmill's
    return counts


def _read_tables(connection: Connection, lines: Iterator[object], file: Path) -> dict[str, int]:
    """The rows of all tables are written; the last line must count them."""
    counts: dict[str, int] = {}
    table: sa.Table | None = None
    columns: list[str] = []
    pending: list[dict[str, object]] = []
    reflected = sa.MetaData()
    for line in lines:
        if isinstance(line, list) and table is not None:
            pending.append(dict(zip(columns, line, strict=True)))
            if len(pending) < _ROWS:
                continue
        if pending and table is not None:
            connection.execute(table.insert(), pending)
            counts[table.name] += len(pending)
            pending = []
        if isinstance(line, dict) and "table" in line:
            table = sa.Table(line["table"], reflected, autoload_with=connection)
            columns = line["columns"]
            counts[table.name] = 0
        elif isinstance(line, dict) and line.get("end") == counts:
            return counts
    raise _broken(file)


def _lines(file: Path) -> Iterator[object]:
    """The values of the lines of the file, while they can be read."""
    try:
        with file.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                if len(line) > _LARGEST_LINE:
                    raise _broken(file)
                yield json.loads(line)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", hint="Check the path.") from error
    except (zstandard.ZstdError, ValueError) as error:
        raise _broken(file) from error


def _broken(file: Path) -> CorruptDocumentError:
    return CorruptDocumentError(
        f"{file} is no backup of a docmill ledger, or not whole.", hint="Nothing was restored: take another file."
    )
