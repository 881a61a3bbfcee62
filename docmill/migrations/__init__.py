"""Brings a ledger's tables to this docmill's schema, whoever made them and however many processes begin at once.

Each file in `versions/` is one step. A new one is written by hand, with the next number: `HEAD` below names it, and a
test holds that the steps together make the tables of `docmill/ledger/`. The table `docmill_version` has a name of its
own, because Dagster keeps Alembic's usual one when it lives in the same database.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from docmill.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

    from docmill.database import Database

HEAD = "0013"
VERSION_TABLE = "docmill_version"
_LOCK = 0x646F636D
"""The advisory lock that migrations of one PostgreSQL database take: "docm"."""


def migrate(database: Database) -> None:
    """The tables are those of this docmill.

    Where they are already that takes a look at one row; alembic, slow to import, is imported only where not.

    Raises ConfigError for a ledger that a newer docmill has migrated.
    """
    with database.read() as connection:
        if _version(connection) == HEAD:
            return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _upgrade(connection, database.name)


def migrate_empty_to(connection: Connection, name: str, version: str) -> None:
    """An empty database, or ledger without rows, has the tables of that schema.

    Raises UsageError for one with rows, and ConfigError for a schema that this docmill does not know.
    """
    from docmill.ledger import metadata

    found = _version(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    present = set(sa.inspect(connection).get_table_names())
    for table in metadata.sorted_tables:
        if table.name in present and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            hint = "Restore into an empty database, or move the old ledger away."
            raise UsageError(f"The ledger at {name} is not empty: {table.name} has rows.", hint=hint)
    if found is not None:
        for table in reversed(metadata.sorted_tables):
            if table.name in present:
                table.drop(connection)
        sa.Table(VERSION_TABLE, sa.MetaData()).drop(connection)
    _upgrade(connection, name, version)


def _version(connection: Connection) -> str | None:
    """The step that the ledger has reached, None where it was made before there were steps, or is empty."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num", sa.String))
    return connection.execute(sa.select(table.c.version_num)).scalar()


def _upgrade(connection: Connection, name: str, target: str = HEAD) -> None:
    """Run the steps that are missing inside the connection's transaction: all of them happen, or none."""
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _config()
    scripts = ScriptDirectory.from_config(config)
    version = _version(connection) if target == HEAD else target
    known = {step.revision for step in scripts.walk_revisions()}
    if version is not None and version not in known:
        raise ConfigError(
            f"The ledger at {name} is of schema {version}; this docmill knows those up to {HEAD}.",
            hint="It was written by a newer docmill: upgrade this one.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _config() -> Config:
    """Alembic's configuration, without a file: nothing of it may depend on where docmill is installed or started."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
