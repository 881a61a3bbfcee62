"""The ledger's tables come from the migrations, whoever made them and however many begin at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from docmill.database import Database
from docmill.errors import ConfigError
from docmill.ledger import Ledger, metadata, tables
from docmill.migrations import HEAD, VERSION_TABLE, _config


@pytest.fixture
def database(ledger_url: str):
    made = Database(ledger_url)
    yield made
    made.close()


def version(database: Database) -> str:
    with database.read() as connection:
        return connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()  # noqa: S608


def _in_both_dialects(_object: object, name: str, *_: object) -> bool:
    return name != "ix_documents_key"


def test_migrations_make_the_tables_that_the_ledger_uses(ledger_url: str, database: Database):
    Ledger(ledger_url).close()
    with database.read() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "include_object": _in_both_dialects}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_head_is_the_newest_step():
    assert ScriptDirectory.from_config(_config()).get_heads() == [HEAD]


def test_ledger_made_before_there_were_steps_keeps_its_rows(ledger_url: str, database: Database):
    with database.write() as connection:
        metadata.create_all(connection)
        connection.execute(tables.sources.insert().values(collection="c", url="file:///a/", created_at=1.0))
    opened = Ledger(ledger_url)
    assert opened.sources() == [("c", "file:///a/")]
    opened.close()
    assert version(database) == HEAD


def test_step_by_step_from_the_first_schema(ledger_url: str, database: Database):
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text("INSERT INTO sources VALUES ('c', 'file:///a/', 1.0)"))
    opened = Ledger(ledger_url)
    assert opened.sources() == [("c", "file:///a/")]
    assert opened.scan_state("c", "file:///a/") == ("", 0.0)
    opened.close()
    assert version(database) == HEAD


def test_rows_of_before_are_found_by_the_indices_of_what_is_rare(ledger_url: str, database: Database):
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
        for name, source, deleted in (("a", "s3://b/", 0), ("m", "s3://b/a.eml!/", 0), ("d", "s3://b/", 9)):
            values = {"id": name, "source": source, "key": f"{source}{name}.md", "deleted": deleted}
            connection.execute(sa.text(_DOCUMENT), values)
        connection.execute(sa.text(_FAILED))
    opened = Ledger(ledger_url)
    container = opened.documents("c")[1].model_copy(update={"source_key": "s3://b/a.eml"})
    assert [each.document_id for each in opened.documents("c")] == ["m", "a"]
    assert [each.document_id for each in opened.members([container])] == ["m"]
    assert opened.buried("c") == ["d"]
    assert [each.document.document_id for each in opened.failures("c")] == ["a"]
    opened.close()
    with database.read() as connection:
        inspector = sa.inspect(connection)
        found = {each["name"] for table in ("documents", "outcomes") for each in inspector.get_indexes(table)}
    assert not found & {"ix_outcomes_status", "ix_documents_collection", "ix_documents_source"}


_DOCUMENT = """
INSERT INTO documents (document_id, collection, source, source_key, etag, size, media_type, version, batch, deleted_at)
VALUES (:id, 'c', :source, :key, 'e', 1, '', 'v', 'one', :deleted)
"""
_FAILED = """
INSERT INTO outcomes (document_id, stage, status, version, fingerprint, error, message, hint, pages, attempts, seconds,
                      counts, run_id, updated_at)
VALUES ('a', 'chunks', 'failed', 'v', 'f', 'E', 'm', 'h', '[]', 1, 0.1, '{}', 'r', 1.0)
"""


def test_ledger_of_a_newer_docmill_is_refused(ledger_url: str, database: Database):
    Ledger(ledger_url).close()
    with database.write() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608
    with pytest.raises(ConfigError, match="of schema 9999; this docmill knows those up to") as caught:
        Ledger(ledger_url)
    assert "p@ss" not in str(caught.value)


def test_process_that_runs_while_a_newer_docmill_migrates_goes_on_and_its_next_start_is_refused(
    ledger_url: str, database: Database
):
    """Steps add only what has a default, as the next test holds: so what older processes write stays valid."""
    older = Ledger(ledger_url)
    with database.write() as connection:
        connection.execute(sa.text("ALTER TABLE sources ADD COLUMN colour VARCHAR(8) NOT NULL DEFAULT 'red'"))
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608
    older.add_source("c", "file:///a/")
    assert older.sources() == [("c", "file:///a/")]
    older.close()
    with pytest.raises(ConfigError, match="9999"):
        Ledger(ledger_url)


def test_steps_add_only_columns_that_older_processes_need_not_know(ledger_url: str, database: Database):
    config = _config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        first = _columns(connection)
        command.upgrade(config, HEAD)
        last = _columns(connection)
    assert {table: set(first[table]) - set(last[table]) for table in first} == {table: set() for table in first}
    added = [last[table][name] for table in first for name in set(last[table]) - set(first[table])]
    assert added
    assert all(column["nullable"] or column["default"] is not None for column in added)


def _columns(connection: sa.Connection) -> dict[str, dict[str, dict]]:
    """The columns of each table by name."""
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names()) - {VERSION_TABLE}
    return {table: {each["name"]: each for each in inspector.get_columns(table)} for table in tables}


def test_step_that_fails_leaves_nothing(ledger_url: str, database: Database, monkeypatch: pytest.MonkeyPatch):
    def fail(*_, **__) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(OSError, match="full"):
        Ledger(ledger_url)
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_many_processes_open_a_new_ledger_at_once(ledger_url: str, database: Database):
    code = "import sys; from docmill.ledger import Ledger; print(Ledger(sys.argv[1]).next_number('n'))"
    command = [sys.executable, "-c", code, ledger_url]
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(4)))
    assert [run.stderr for run in runs] == [""] * 4
    assert sorted(int(run.stdout) for run in runs) == [1, 2, 3, 4]
    assert version(database) == HEAD


def test_opening_a_ledger_that_is_up_to_date_does_not_import_alembic(ledger_url: str):
    Ledger(ledger_url).close()
    code = "import sys; from docmill.ledger import Ledger; Ledger(sys.argv[1]).close(); print('alembic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code, ledger_url], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
