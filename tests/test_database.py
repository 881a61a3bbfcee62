"""The ledger on a real PostgreSQL, and what users see when it is missing, wrong or gone."""

import sys
import threading
import time

import pytest
import sqlalchemy as sa

from docmill.database import Database, RolledBackError, again
from docmill.errors import ConfigError, SystemicError
from docmill.ledger import Batch, Ledger
from docmill.models import Document, Outcome, Stage, Status
from tests.databases import Postgres


def document(name: str, etag: str = "1") -> Document:
    return Document(document_id=name, collection="c", source="s3://b/", source_key=f"s3://b/{name}", etag=etag, size=1)


def outcome(name: str, message: str = "", seconds: float = 0.0) -> Outcome:
    return Outcome(document_id=name, stage=Stage.CHUNKS, status=Status.OK, message=message, seconds=seconds)


@pytest.fixture
def ledger(ledger_url: str):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


def test_document_that_is_deleted_can_be_claimed_again(ledger: Ledger):
    ledger.claim(Batch("b1", "c", 1, 1, 0.0), [document("a")])
    ledger.bury(["a"])
    assert ledger.claim(Batch("b2", "c", 1, 1, 0.0), [document("a")])
    assert [each.document_id for each in ledger.batch_documents("b2")] == ["a"]


def test_text_that_a_broken_document_brings_can_be_kept(ledger: Ledger):
    ledger.claim(Batch("b1", "c", 1, 1, 0.0), [document("a")])
    ledger.record([outcome("a", "NUL \x00 and surrogate \udcff")])
    assert ledger.outcomes(["a"])["a", Stage.CHUNKS].message == "NUL � and surrogate ?"


def test_deadlock_is_tried_again_and_loses_nothing(postgres: Postgres):
    name = postgres.create()
    ledger, other = Ledger(postgres.url(name)), Database(postgres.url(name))
    ledger.claim(Batch("b1", "c", 2, 2, 0.0), [document("a"), document("b")])
    ledger.record([outcome("a"), outcome("b")])
    touch = sa.text("UPDATE outcomes SET seconds = seconds + 1 WHERE document_id = :id")
    thread = threading.Thread(target=lambda: ledger.record([outcome("a", "x", 5.0), outcome("b", "x", 5.0)]))
    with other.write() as connection:
        connection.execute(touch, {"id": "b"})
        thread.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not postgres.execute(name, waiting):
            time.sleep(0.01)
        connection.execute(touch, {"id": "a"})
    thread.join()
    assert {key: each.message for key, each in ledger.outcomes(["a", "b"]).items()} == {
        ("a", Stage.CHUNKS): "x",
        ("b", Stage.CHUNKS): "x",
    }
    for each in (ledger, other):
        each.close()


def test_transaction_that_is_always_rolled_back_ends_with_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("docmill.database._PAUSES", (0.0, 0.0))
    tries: list[int] = []

    @again
    def transaction() -> None:
        tries.append(1)
        raise RolledBackError("too busy")

    with pytest.raises(SystemicError, match="too busy"):
        transaction()
    assert len(tries) == 3


def test_wrong_password_is_one_sentence_without_any_password(postgres: Postgres):
    with pytest.raises(SystemicError, match="password authentication failed") as caught:
        Ledger(postgres.url("postgres", password="not-it-77"))
    assert "not-it-77" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_server_that_is_not_there_is_one_sentence(postgres: Postgres):
    with pytest.raises(SystemicError, match="Connection refused") as caught:
        Ledger(postgres.url("postgres", port=1))
    assert str(caught.value).startswith("The ledger at postgresql+psycopg2://docmill:***@127.0.0.1:1/postgres cannot")
    assert "\n" not in str(caught.value)


def test_database_that_is_missing_is_named(postgres: Postgres):
    with pytest.raises(SystemicError, match='database "nowhere" does not exist'):
        Ledger(postgres.url("nowhere"))


def test_role_without_privileges_is_told(postgres: Postgres):
    name = postgres.create()
    postgres.execute(name, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    with pytest.raises(SystemicError, match="cannot be used: permission denied for schema public"):
        Ledger(postgres.url(name, username=name, password="x"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://u:secret-1@h/d", "not a SQLAlchemy URL"),
        ("postgresql://u:secret-1@h:port/d", "not a SQLAlchemy URL"),
        ("nonsense secret-1", "not a SQLAlchemy URL"),
        ("postgresql+psycopg2://u:p@secret-1/w:rd%1@h:5432/d", "cannot be taken apart"),
        ("mysql://u:secret-1@h/d", "cannot be kept in mysql"),
    ],
)
def test_url_that_cannot_be_one_is_refused_without_showing_its_password(url: str, said: str):
    with pytest.raises(ConfigError, match=said) as caught:
        Ledger(url)
    assert "secret-1" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_missing_driver_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ConfigError, match="psycopg2") as caught:
        Ledger("postgresql+psycopg2://u:secret-1@h/d")
    assert caught.value.hint == "pip install 'docmill[postgres]'"
    assert "secret-1" not in str(caught.value)


def test_connection_that_was_cut_while_idle_is_made_anew(postgres: Postgres):
    name = postgres.create()
    ledger = Ledger(postgres.url(name))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
    postgres.execute("postgres", cut.replace(":name", f"'{name}'"))
    assert ledger.next_number("n") == 1
    ledger.close()


def test_connection_that_is_cut_in_the_middle_is_told_and_the_next_works(postgres: Postgres):
    ledger = Ledger(postgres.url(postgres.create()))
    with pytest.raises(SystemicError, match="cannot be used"), ledger._write() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert ledger.next_number("n") == 1
    ledger.close()
