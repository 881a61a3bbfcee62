"""The ledger: what is written is kept, whoever else writes at the same time."""

import multiprocessing
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from docmill.errors import ConfigError, SystemicError
from docmill.ids import document_id
from docmill.ledger import Batch, Ledger
from docmill.models import Document, ErrorClass, Outcome, Stage, Status


@pytest.fixture
def ledger(ledger_url: str):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


def document(key: str = "s3://b/a.md", etag: str = "e1", collection: str = "default") -> Document:
    return Document(
        document_id=document_id(collection, key),
        collection=collection,
        source="s3://b/",
        source_key=key,
        etag=etag,
        size=3,
    )


def batch(name: str, *documents: Document, runner: str = "", created_at: float = 0.0) -> Batch:
    return Batch(name, "default", len(documents), 3 * len(documents), created_at, runner)


def outcome(of: Document, stage: Stage = Stage.RAW_DOCUMENTS, status: Status = Status.OK, **values) -> Outcome:
    return Outcome(document_id=of.document_id, stage=stage, status=status, **values)


def test_claimed_documents_are_known(ledger: Ledger):
    a, b = document("s3://b/a.md"), document("s3://b/b.md")
    assert ledger.claim(batch("one", a, b), [b, a])
    assert [each.source_key for each in ledger.batch_documents("one")] == ["s3://b/a.md", "s3://b/b.md"]
    assert ledger.batch("one") == batch("one", a, b)


def test_claim_of_what_another_batch_holds_changes_nothing(ledger: Ledger):
    a, b = document("s3://b/a.md"), document("s3://b/b.md")
    assert ledger.claim(batch("one", a), [a])
    assert not ledger.claim(batch("two", a, b), [a, b])
    assert ledger.batch("two") is None
    assert ledger.unclaimed([a, b]) == [b]


def test_changed_document_moves_to_the_newer_batch(ledger: Ledger):
    ledger.claim(batch("one"), [document(etag="e1")])
    assert ledger.claim(batch("two"), [document(etag="e2")])
    assert ledger.batch_documents("one") == []
    assert [each.etag for each in ledger.batch_documents("two")] == ["e2"]


def test_version_survives_a_claim(ledger: Ledger):
    """Until the new bytes are read the old version is the one that is searched."""
    ledger.claim(batch("one"), [document(etag="e1")])
    ledger.set_version(document().document_id, "v" * 64, "text/markdown", "e1", 3)
    ledger.claim(batch("two"), [document(etag="e2")])
    assert ledger.batch_documents("two")[0].version == "v" * 64


def test_threads_that_claim_at_once_make_one_batch(ledger: Ledger):
    won: list[str] = []
    barrier = threading.Barrier(8)

    def claim(name: str) -> None:
        barrier.wait()
        if ledger.claim(batch(name), [document(f"s3://b/{number}.md") for number in range(20)]):
            won.append(name)

    threads = [threading.Thread(target=claim, args=(f"batch-{number}",)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(won) == 1
    assert [each.batch for each in ledger.batches()] == won


def _write(url: str, name: str, barrier, numbers) -> None:
    ledger = Ledger(url)
    barrier.wait()
    for number in range(25):
        each = document(f"s3://b/{name}-{number}.md")
        assert ledger.claim(batch(f"{name}-{number}"), [each])
        ledger.record([outcome(each, stage) for stage in Stage])
        numbers.put(ledger.next_number("batches"))
    ledger.close()


def test_processes_that_write_at_once_lose_nothing(ledger_url: str):
    context = multiprocessing.get_context("spawn")
    barrier, numbers = context.Barrier(2), context.Queue()
    writers = [context.Process(target=_write, args=(ledger_url, name, barrier, numbers)) for name in ("left", "right")]
    for each in writers:
        each.start()
    found = [numbers.get(timeout=60) for _ in range(50)]
    for each in writers:
        each.join()
    ledger = Ledger(ledger_url)
    assert sorted(found) == list(range(1, 51))
    documents = ledger.documents("default")
    assert len(ledger.outcomes([each.document_id for each in documents])) == 50 * len(Stage)
    ledger.close()


def test_numbers_are_counted_by_name(ledger: Ledger):
    assert [ledger.next_number("a"), ledger.next_number("a"), ledger.next_number("b")] == [1, 2, 1]


def test_outcome_replaces_that_of_the_same_stage(ledger: Ledger):
    each = document()
    ledger.claim(batch("one"), [each])
    ledger.record([outcome(each, status=Status.FAILED, attempts=1), outcome(each, Stage.CHUNKS)])
    ledger.record([outcome(each, attempts=2, pages=(1, 3), counts={"bytes": 3})])
    found = ledger.outcomes([each.document_id])
    kept = found[each.document_id, Stage.RAW_DOCUMENTS]
    assert (kept.status, kept.attempts, kept.pages, kept.counts) == (Status.OK, 2, (1, 3), {"bytes": 3})
    assert len(found) == 2


def test_outcome_of_an_older_version_is_dropped(ledger: Ledger):
    each = document()
    ledger.claim(batch("one"), [each])
    ledger.set_version(each.document_id, "new", "text/markdown", "e2", 3)
    ledger.record([outcome(each, Stage.CHUNKS, version="new")])
    ledger.record([outcome(each, Stage.CHUNKS, Status.FAILED, version="old")])
    assert ledger.outcomes([each.document_id])[each.document_id, Stage.CHUNKS].status is Status.OK


def test_buried_documents_are_not_known_and_may_come_back(ledger: Ledger):
    each = document()
    ledger.claim(batch("one"), [each])
    ledger.bury([each.document_id])
    assert ledger.batch_documents("one") == []
    assert ledger.buried("default") == [each.document_id]
    assert ledger.claim(batch("two"), [each])
    ledger.forget([each.document_id])
    assert ledger.batch_documents("two") == [each.model_copy(update={"batch": "two"})]


def test_failures_are_chosen_by_collection_batch_and_stage(ledger: Ledger):
    a, b = document("s3://b/a.md"), document("s3://b/b.md")
    ledger.claim(batch("one"), [a])
    ledger.claim(batch("two"), [b])
    transient = {"error_class": ErrorClass.TRANSIENT, "message": "slow"}
    ledger.record([outcome(a, status=Status.FAILED, **transient), outcome(b, Stage.CHUNKS, Status.PARTIAL)])
    assert [each.document.source_key for each in ledger.failures()] == ["s3://b/a.md", "s3://b/b.md"]
    assert [each.outcome.message for each in ledger.failures(batch="one")] == ["slow"]
    assert [each.document.batch for each in ledger.failures(stage=Stage.CHUNKS)] == ["two"]
    assert ledger.failures("other") == []
    assert [each.document.batch for each in ledger.failures(error_class=ErrorClass.TRANSIENT)] == ["one"]


def unfinished(ledger: Ledger) -> list[str]:
    return [each.batch for each in ledger.unfinished_batches()]


def test_batch_is_unfinished_until_each_document_is_through_or_failed(ledger: Ledger):
    a, b = document("s3://b/a.md"), document("s3://b/b.md")
    ledger.claim(batch("one"), [a, b])
    assert unfinished(ledger) == ["one"]
    ledger.record([outcome(a), outcome(b, status=Status.FAILED)])
    assert unfinished(ledger) == ["one"]
    ledger.record([outcome(a, Stage.VECTOR_COLLECTION)])
    assert unfinished(ledger) == []


def test_batch_of_a_changed_document_is_unfinished_again(ledger: Ledger):
    each = document(etag="e1")
    ledger.claim(batch("one"), [each])
    ledger.record([outcome(each), outcome(each, Stage.VECTOR_COLLECTION)])
    later = ledger.outcomes([each.document_id])[each.document_id, Stage.RAW_DOCUMENTS].updated_at + 1
    ledger.claim(batch("two", created_at=later), [document(etag="e2")])
    assert unfinished(ledger) == ["two"]


def test_finished_batch_is_looked_through_again_once_something_happens_to_it(ledger: Ledger):
    each = document()
    ledger.claim(batch("one"), [each])
    for change in (
        lambda: ledger.drop([(each.document_id, Stage.VECTOR_COLLECTION)]),
        lambda: ledger.set_version(each.document_id, "another", "text/plain", each.etag, each.size),
        lambda: ledger.adopt(
            document().model_copy(update={"version": "another"}),
            [document("s3://b/a.md!/b.md").model_copy(update={"batch": "one"})],
        ),
    ):
        done = ledger.batch_documents("one")
        for stage in (Stage.RAW_DOCUMENTS, Stage.VECTOR_COLLECTION):
            ledger.record([outcome(one, stage, version=one.version) for one in done])
        assert (unfinished(ledger), unfinished(ledger)) == ([], [])
        change()
        assert (unfinished(ledger), unfinished(ledger)) == (["one"], ["one"])


def test_batches_that_are_known_to_be_finished_are_not_looked_through(ledger: Ledger):
    each = document()
    ledger.claim(batch("one"), [each])
    ledger.record([outcome(each), outcome(each, Stage.VECTOR_COLLECTION)])
    assert unfinished(ledger) == []
    with ledger.database.write() as connection:
        connection.execute(sa.text("DELETE FROM outcomes"))  # past the ledger, so that nobody notices
    assert unfinished(ledger) == []


def test_keys_of_a_range_are_found_by_an_index(ledger: Ledger):
    keys = [f"s3://b/{number:03}" + "x" * 3_000 for number in range(3)]  # longer than PostgreSQL's B-trees take
    ledger.claim(batch("one"), [document(key) for key in keys])
    asked: list[tuple[str, object]] = []

    @sa.event.listens_for(ledger.database.engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    assert [each.source_key for each in ledger.documents("default", after=keys[0], until=keys[2])] == keys[1:]
    assert [each.source_key for each in ledger.documents("default", keys[1][:3_000])] == [keys[1]]
    assert ledger.count("default", "s3://b/") == 3
    on_sqlite = ledger.database.engine.dialect.name == "sqlite"
    with ledger.database.read() as connection:
        for statement, parameters in [each for each in asked if "source_key" in each[0]]:
            if not on_sqlite:
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # three rows are read faster without
                connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
            plan = connection.exec_driver_sql(explain + statement, parameters).all()
            assert "ix_documents_key" in str(plan)


def test_documents_that_are_not_in_the_collection_as_they_are_now(ledger: Ledger):
    names = ("through", "partial", "failed", "older settings", "older version", "not yet", "touched")
    all_of_them = {name: document(f"s3://b/{name}.md") for name in names}
    ledger.claim(batch("one"), list(all_of_them.values()))
    for name, each in all_of_them.items():
        last = {"fingerprint": "old" if name == "older settings" else "new"}
        status = {"partial": Status.PARTIAL, "failed": Status.FAILED}.get(name, Status.OK)
        ledger.record(
            [outcome(each), *([] if name == "not yet" else [outcome(each, Stage.VECTOR_COLLECTION, status, **last)])]
        )
    older = all_of_them["older version"]
    ledger.set_version(older.document_id, "another", "text/plain", older.etag, older.size)
    touched = all_of_them["touched"]
    later = ledger.outcomes([touched.document_id])[touched.document_id, Stage.RAW_DOCUMENTS].updated_at + 1
    ledger.claim(batch("two", created_at=later), [touched.model_copy(update={"etag": "e2"})])
    now = {Stage.RAW_DOCUMENTS: "of each object", Stage.VECTOR_COLLECTION: "new"}
    found = [each.source_key.removeprefix("s3://b/").removesuffix(".md") for each in ledger.not_through("default", now)]
    assert found == ["failed", "not yet", "older settings", "older version", "touched"]
    assert len(list(ledger.not_through("default", now | {Stage.CHUNKS: "never made"}))) == len(names)
    assert [each.source_key for each in ledger.not_through("default", now, "s3://b/n")] == ["s3://b/not yet.md"]
    assert list(ledger.not_through("other", now)) == []
    current = list(ledger.current([each.document_id for each in all_of_them.values()], now))
    well = {all_of_them[name].document_id: name for name in ("through", "partial", "touched")}
    assert {well[each.document_id]: each.status for each in current} == {
        "through": Status.OK,
        "partial": Status.PARTIAL,
        "touched": Status.OK,
    }


def test_object_that_was_only_touched_needs_no_more_than_a_look(ledger: Ledger):
    each = document(etag="e1")
    ledger.claim(batch("one"), [each])
    ledger.record([outcome(each), outcome(each, Stage.VECTOR_COLLECTION)])
    looked = ledger.outcomes([each.document_id])[each.document_id, Stage.RAW_DOCUMENTS].updated_at
    ledger.claim(batch("two", created_at=looked), [document(etag="e2")])
    assert unfinished(ledger) == []


def test_documents_below_a_source_are_told_by_case_and_letter(ledger: Ledger):
    """SQLite's LIKE takes A for a, and % and _ for anything: a folder's neighbours would be taken for its own."""
    keys = ["s3://b/In/a.md", "s3://b/in/a.md", "s3://b/i%/a.md", "s3://b/i_/a.md", "s3://b/in2/a.md"]
    ledger.claim(batch("one"), [document(key) for key in keys])
    for below in ("s3://b/In/", "s3://b/in/", "s3://b/i%/", "s3://b/i_/"):
        assert [each.source_key for each in ledger.documents("default", below)] == [f"{below}a.md"]


def test_more_ids_than_fit_one_query(ledger: Ledger):
    documents = [document(f"s3://b/{number:05}.md") for number in range(1_203)]
    ledger.claim(batch("one"), documents)
    ledger.record([outcome(each) for each in documents])
    ids = [each.document_id for each in documents]
    assert [each.source_key for each in ledger.documents_by_id(ids)] == [each.source_key for each in documents]
    assert len(ledger.outcomes(ids)) == 1_203
    ledger.bury(ids)
    ledger.forget(ids)
    assert ledger.documents("default") == []
    assert ledger.outcomes(ids) == {}


def test_sources_are_watched_until_they_are_removed(ledger: Ledger):
    ledger.add_source("default", "s3://b/")
    ledger.add_source("default", "s3://b/")
    ledger.add_source("other", "s3://b/")
    assert sorted(ledger.sources()) == [("default", "s3://b/"), ("other", "s3://b/")]
    assert ledger.remove_source("default", "s3://b/")
    assert not ledger.remove_source("default", "s3://b/")
    assert ledger.sources() == [("other", "s3://b/")]


def test_forgotten_batches_are_gone(ledger: Ledger):
    ledger.claim(batch("one"), [document()])
    ledger.forget_batches(["one"])
    assert ledger.batches() == []


def test_ledger_is_kept_over_restarts(ledger_url: str):
    first = Ledger(ledger_url)
    first.claim(batch("one"), [document()])
    first.close()
    second = Ledger(ledger_url)
    assert second.document(document().document_id) == document().model_copy(update={"batch": "one"})
    second.close()


@pytest.mark.parametrize("url", ["not a url", "nosuchdatabase://host/db"])
def test_wrong_url_is_told(url: str):
    with pytest.raises(ConfigError, match="not a SQLAlchemy URL"):
        Ledger(url)


def test_missing_driver_is_told_without_the_password():
    with pytest.raises(ConfigError, match="needs the Python package pg8000") as caught:
        Ledger("postgresql+pg8000://me:a-secret@host/db")
    assert "a-secret" not in str(caught.value)


def test_file_that_is_no_ledger_is_systemic(tmp_path: Path):
    (tmp_path / "ledger.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(SystemicError, match="cannot be used"):
        Ledger(f"sqlite:///{tmp_path}/ledger.db")


def test_folder_that_cannot_be_made_is_systemic(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SystemicError, match="folder of the ledger cannot be made"):
        Ledger(f"sqlite:///{tmp_path}/file/ledger.db")


def test_pages_tells_how_many_were_read_of_each_document(ledger: Ledger):
    each = document()
    ledger.claim(batch("one"), [each])
    ledger.record([outcome(each, Stage.EXTRACTED_ELEMENTS, counts={"pages": 7}), outcome(each, Stage.CHUNKS)])
    assert ledger.pages([each.document_id, "unknown"]) == {each.document_id: 7}
